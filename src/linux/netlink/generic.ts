/**
 * Generic netlink (linux/genetlink.h): families of the kernel that are found by name and then asked by number.
 *
 *     struct genlmsghdr
 *      0  u8 command    1  u8 version    2  u16 reserved
 *     then attributes of the family
 *
 * The family with a fixed number, nlctrl, knows the others: CTRL_CMD_GETFAMILY with CTRL_ATTR_FAMILY_NAME = 2, a text, is answered
 * with CTRL_ATTR_FAMILY_ID = 1, u16. The kernel loads a family's module when it is asked for it.
 */
import { decodeAttributes, NetlinkFormatError, text } from './message.ts';
import type { NetlinkSocket, Request } from './socket.ts';
import { SysError } from '../libc.ts';

export const NETLINK_GENERIC = 16;
const GENLMSGHDR = 4;
const GENL_ID_CTRL = 0x10;
const CTRL_VERSION = 2;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

export interface GenericHeader {
  command: number;
  version: number;
}

export const encodeGenericHeader = ({ command, version }: GenericHeader): Buffer => Buffer.of(command, version, 0, 0);

export function decodeGeneric(payload: Buffer): GenericHeader & { attributes: Map<number, Buffer> } {
  if (payload.length < GENLMSGHDR) throw new NetlinkFormatError(`a genlmsghdr of ${payload.length} bytes`);
  return {
    command: payload.readUInt8(0),
    version: payload.readUInt8(1),
    attributes: decodeAttributes(payload.subarray(GENLMSGHDR)),
  };
}

export const getFamily = (name: string): Request => ({
  what: `ask for generic netlink family ${name}`,
  type: GENL_ID_CTRL,
  header: encodeGenericHeader({ command: CTRL_CMD_GETFAMILY, version: CTRL_VERSION }),
  attributes: [text(CTRL_ATTR_FAMILY_NAME, name)],
});

/** The family's number. */
export function decodeFamily(payload: Buffer): number {
  const id = decodeGeneric(payload).attributes.get(CTRL_ATTR_FAMILY_ID);
  if (id?.length !== 2) throw new NetlinkFormatError('a generic netlink family without its number');
  return id.readUInt16LE(0);
}

/** undefined when the kernel has no such family. */
export function findFamily(socket: NetlinkSocket, name: string): number | undefined {
  try {
    const [answer] = socket.transact([getFamily(name)]);
    return answer && decodeFamily(answer.payload);
  } catch (error) {
    if (error instanceof SysError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
