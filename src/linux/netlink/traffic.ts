/**
 * Filters on what leaves by a link, over rtnetlink (linux/rtnetlink.h, linux/pkt_cls.h, tc(8), tc-bpf(8)).
 *
 *     struct tcmsg
 *      0  u8 family    1  pad    4  i32 ifindex    8  u32 handle    12  u32 parent    16  u32 priority << 16 | protocol, network order
 *     then TCA_KIND, TCA_OPTIONS
 *
 *     struct sock_filter (linux/filter.h)
 *      0  u16 code    2  u8 skip if true    3  u8 skip if false    4  u32 constant
 */
import { NLM_F_CREATE, NLM_F_EXCL, nest, raw, text, u16, u32 } from './message.ts';
import type { Request } from './socket.ts';

const RTM_NEWQDISC = 36;
const RTM_NEWTFILTER = 44;
const TCMSG = 20;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_OPS_LEN = 4;
const TCA_BPF_OPS = 5;
const TCA_BPF_FLAGS = 8;
/** What the program returns is the verdict. */
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const TC_H_CLSACT = 0xffff_fff1;
const CLSACT_HANDLE = 0xffff_0000;
const CLSACT_EGRESS = 0xffff_fff3;
const ETH_P_ALL = 3;
const TC_ACT_SHOT = 2;
const TC_ACT_UNSPEC = 0xffff_ffff;
/** Loads from the frame (word, half word), comparison, verdict. */
const LD_W = 0x20;
const LD_H = 0x28;
const JEQ = 0x15;
const RET = 0x06;

function header(link: number, handle: number, parent: number, info: number): Buffer {
  const bytes = Buffer.alloc(TCMSG);
  bytes.writeInt32LE(link, 4);
  bytes.writeUInt32LE(handle, 8);
  bytes.writeUInt32LE(parent, 12);
  bytes.writeUInt32LE(info, 16);
  return bytes;
}

function instruction(code: number, constant: number, ifTrue = 0, ifFalse = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes[2] = ifTrue;
  bytes[3] = ifFalse;
  bytes.writeUInt32LE(constant, 4);
  return bytes;
}

/**
 * No frame whose source is `mac` leaves by the link; the filter goes with the link. Refused with ENOENT by a kernel without
 * CONFIG_NET_SCH_INGRESS or CONFIG_NET_CLS_BPF.
 */
export function holdBack(mac: Buffer, link: number): Request[] {
  const program = [
    instruction(LD_W, 6),
    instruction(JEQ, mac.readUInt32BE(0), 0, 3),
    instruction(LD_H, 10),
    instruction(JEQ, mac.readUInt16BE(4), 0, 1),
    instruction(RET, TC_ACT_SHOT),
    instruction(RET, TC_ACT_UNSPEC),
  ];
  return [
    {
      what: 'make room for a filter',
      type: RTM_NEWQDISC,
      flags: NLM_F_CREATE | NLM_F_EXCL,
      header: header(link, CLSACT_HANDLE, TC_H_CLSACT, 0),
      attributes: [text(TCA_KIND, 'clsact')],
      tolerated: ['EEXIST'],
    },
    {
      what: `hold back frames of ${mac.toString('hex')}`,
      type: RTM_NEWTFILTER,
      flags: NLM_F_CREATE,
      header: header(link, 1, CLSACT_EGRESS, (1 << 16) | (ETH_P_ALL << 8)),
      attributes: [
        text(TCA_KIND, 'bpf'),
        nest(TCA_OPTIONS, [
          u16(TCA_BPF_OPS_LEN, program.length),
          raw(TCA_BPF_OPS, Buffer.concat(program)),
          u32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT),
        ]),
      ],
    },
  ];
}
