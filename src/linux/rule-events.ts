/**
 * Notifications of nf_tables (linux/netfilter/nf_tables.h): what was deleted from the host's rules, and by whom.
 *
 * All messages of a transaction come first, then one NFT_MSG_NEWGEN that names the process (nft_commit_notify,
 * nf_tables_gen_notify). Messages are nlmsghdr + struct nfgenmsg (4 bytes) + attributes; the table's name is attribute 1 of all.
 *
 *     NEWGEN:  NFTA_GEN_PROC_PID = 2, u32 in network byte order: the thread's number, counted in the *first* PID namespace
 */
import { decodeAttributes, MESSAGE_HEADER, NetlinkFormatError } from './netlink/message.ts';
import type { NetlinkSocket } from './netlink/socket.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const NEWGEN = 15;
const GETGEN = 16;
const NFGENMSG = 4;
const NFTA_GEN_PROC_PID = 2;
/** Tables, chains, rules, sets, elements of sets, objects, flow tables. */
const DELETIONS: ReadonlySet<number> = new Set([2, 5, 8, 11, 14, 20, 24]);

export const NFNLGRP_NFTABLES = 7;

/** Who carried a transaction out. */
export interface RuleWriter {
  /** Of the netlink socket: usually the process's number in its own PID namespace, and negative for its further sockets. */
  port: number;
  /** Of the thread, as the kernel counts; undefined where the kernel does not say (before 4.9). */
  thread: number | undefined;
}

/** Goes through datagrams in their order; a transaction may take several. */
export class RuleBatches {
  readonly #concerns: (payload: Buffer) => boolean;
  #deleted = false;

  /** `concerns`: whether a deleted thing (its whole message) is of interest. */
  constructor(concerns: (message: Buffer) => boolean) {
    this.#concerns = concerns;
  }

  /** Who ended a transaction that deleted something of interest. */
  take(datagram: Buffer): RuleWriter[] {
    const writers: RuleWriter[] = [];
    for (let offset = 0; offset + MESSAGE_HEADER <= datagram.length;) {
      const length = datagram.readUInt32LE(offset);
      if (length < MESSAGE_HEADER || offset + length > datagram.length) {
        throw new NetlinkFormatError(`a message of ${length} bytes in ${datagram.length - offset}`);
      }
      const type = datagram.readUInt16LE(offset + 4);
      const payload = datagram.subarray(offset + MESSAGE_HEADER, offset + length);
      if (type >> 8 === NFNL_SUBSYS_NFTABLES) {
        const kind = type & 0xff;
        if (kind === NEWGEN) {
          if (this.#deleted)
            writers.push({ port: datagram.readInt32LE(offset + 12), thread: decodeGeneration(payload) });
          this.#deleted = false;
        } else if (!this.#deleted && DELETIONS.has(kind)) this.#deleted = this.#concerns(payload);
      }
      offset += (length + 3) & ~3;
    }
    return writers;
  }
}

/** The thread's number in a NEWGEN. */
export function decodeGeneration(payload: Buffer): number | undefined {
  if (payload.length < NFGENMSG) throw new NetlinkFormatError(`an nfgenmsg of ${payload.length} bytes`);
  const value = decodeAttributes(payload.subarray(NFGENMSG)).get(NFTA_GEN_PROC_PID);
  if (value === undefined) return undefined;
  if (value.length < 4) throw new NetlinkFormatError(`${value.length} bytes for a process`);
  return value.readUInt32BE(0);
}

/** This thread as NEWGEN would name it: the answer to NFT_MSG_GETGEN carries the number of whoever asks. */
export function ownThread(netfilter: NetlinkSocket): number | undefined {
  const [answer] = netfilter.transact([
    {
      what: 'ask for the generation of rules',
      type: (NFNL_SUBSYS_NFTABLES << 8) | GETGEN,
      header: Buffer.alloc(NFGENMSG),
    },
  ]);
  return answer && decodeGeneration(answer.payload);
}
