/**
 * The kernel's answer to a request: NLMSG_ERROR (netlink(7)), with the extended acknowledgement's text where there is one.
 *
 *      0  i32 minus errno, 0 for an acknowledgement
 *      4  nlmsghdr of the request, then its payload unless NLM_F_CAPPED is set
 *      …  attributes when NLM_F_ACK_TLVS is set; NLMSGERR_ATTR_MSG = 1 is text
 */
import { SysError } from '../libc.ts';
import { decodeAttributes, MESSAGE_HEADER, NetlinkFormatError, readText } from './message.ts';
import type { Message } from './message.ts';

const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** A refused request. `code` is the errno's name; the message carries the kernel's own words. */
export class NetlinkError extends SysError {
  readonly kernelText: string;
  constructor(what: string, errno: number, kernelText: string) {
    super('netlink', errno, kernelText === '' ? what : `${what} (${kernelText})`);
    this.name = 'NetlinkError';
    this.kernelText = kernelText;
  }
}

export interface Acknowledgement {
  /** 0 when the request succeeded. */
  errno: number;
  kernelText: string;
}

export function decodeAcknowledgement({ payload, flags }: Message): Acknowledgement {
  if (payload.length < 4) throw new NetlinkFormatError(`an acknowledgement of ${payload.length} bytes`);
  return { errno: -payload.readInt32LE(0), kernelText: flags & NLM_F_ACK_TLVS ? extendedText(payload, flags) : '' };
}

function extendedText(payload: Buffer, flags: number): string {
  if (payload.length < 4 + MESSAGE_HEADER) throw new NetlinkFormatError('an acknowledgement without its request');
  const request = flags & NLM_F_CAPPED ? MESSAGE_HEADER : (payload.readUInt32LE(4) + 3) & ~3;
  return readText(decodeAttributes(payload.subarray(4 + request)).get(NLMSGERR_ATTR_MSG));
}
