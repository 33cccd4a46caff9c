/**
 * Netlink messages and attributes as bytes (netlink(7), linux/netlink.h). Byte order is the host's; Berth runs on
 * little-endian machines only (x86-64, arm64). Everything is padded to 4 bytes (NLMSG_ALIGN, NLA_ALIGN).
 *
 *     struct nlmsghdr                     struct nlattr
 *      0  u32 length, header included      0  u16 length, header included, padding not
 *      4  u16 type                         2  u16 type; bit 15 nested, bit 14 network byte order
 *      6  u16 flags                        4  value
 *      8  u32 sequence
 *     12  u32 port
 *     16  payload
 */
export const MESSAGE_HEADER = 16;
export const ATTRIBUTE_HEADER = 4;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
/** Of a notification of a new route: it took the place of another. */
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** Bytes that are no netlink message. The decoders throw nothing else. */
export class NetlinkFormatError extends Error {
  constructor(message: string) {
    super(`malformed netlink data: ${message}`);
    this.name = 'NetlinkFormatError';
  }
}

export interface Message {
  type: number;
  flags: number;
  sequence: number;
  port: number;
  payload: Buffer;
}

/** An attribute to be sent: raw bytes, or attributes inside it. */
export interface Attribute {
  type: number;
  value: Buffer | readonly Attribute[];
  /** Set bit 15. nf_tables demands it of nested attributes, rtnetlink does without. */
  nestedFlag?: boolean;
}

const align = (length: number): number => (length + 3) & ~3;

export function encodeMessage(message: Message): Buffer {
  const buffer = Buffer.alloc(align(MESSAGE_HEADER + message.payload.length));
  buffer.writeUInt32LE(MESSAGE_HEADER + message.payload.length, 0);
  buffer.writeUInt16LE(message.type, 4);
  buffer.writeUInt16LE(message.flags, 6);
  buffer.writeUInt32LE(message.sequence, 8);
  buffer.writeUInt32LE(message.port, 12);
  message.payload.copy(buffer, MESSAGE_HEADER);
  return buffer;
}

/** A datagram holds one message or more. */
export function decodeMessages(data: Buffer): Message[] {
  const messages: Message[] = [];
  for (let offset = 0; offset < data.length;) {
    if (offset + MESSAGE_HEADER > data.length) throw new NetlinkFormatError(`${data.length - offset} bytes of header`);
    const length = data.readUInt32LE(offset);
    if (length < MESSAGE_HEADER || offset + length > data.length) {
      throw new NetlinkFormatError(`a message of ${length} bytes in ${data.length - offset}`);
    }
    messages.push({
      type: data.readUInt16LE(offset + 4),
      flags: data.readUInt16LE(offset + 6),
      sequence: data.readUInt32LE(offset + 8),
      port: data.readUInt32LE(offset + 12),
      payload: data.subarray(offset + MESSAGE_HEADER, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

export function encodeAttributes(attributes: readonly Attribute[]): Buffer {
  return Buffer.concat(
    attributes.map(({ type, value, nestedFlag }) => {
      const bytes = Buffer.isBuffer(value) ? value : encodeAttributes(value);
      const length = ATTRIBUTE_HEADER + bytes.length;
      if (length > 0xffff) throw new RangeError(`attribute ${type} has ${length} bytes`);
      const buffer = Buffer.alloc(align(length));
      buffer.writeUInt16LE(length, 0);
      buffer.writeUInt16LE(nestedFlag ? type | NESTED : type, 2);
      bytes.copy(buffer, ATTRIBUTE_HEADER);
      return buffer;
    }),
  );
}

/** type → value, flags removed from the type. Of repeated types the last one stays, as in the kernel's own parser. */
export function decodeAttributes(data: Buffer): Map<number, Buffer> {
  return new Map(decodeAttributeList(data).map(({ type, value }) => [type, value]));
}

/** The attributes in their order, for lists (NFTA_LIST_ELEM…). */
export function decodeAttributeList(data: Buffer): { type: number; value: Buffer }[] {
  const attributes: { type: number; value: Buffer }[] = [];
  // Up to 3 bytes of padding may follow the last attribute.
  for (let offset = 0; offset + ATTRIBUTE_HEADER <= data.length;) {
    const length = data.readUInt16LE(offset);
    if (length < ATTRIBUTE_HEADER || offset + length > data.length) {
      throw new NetlinkFormatError(`an attribute of ${length} bytes in ${data.length - offset}`);
    }
    attributes.push({
      type: data.readUInt16LE(offset + 2) & TYPE_MASK,
      value: data.subarray(offset + ATTRIBUTE_HEADER, offset + length),
    });
    offset += align(length);
  }
  return attributes;
}

/** A string attribute, zero-terminated (NLA_NUL_STRING). */
export const text = (type: number, value: string): Attribute => ({ type, value: Buffer.from(`${value}\0`) });

export function u8(type: number, value: number): Attribute {
  return { type, value: Buffer.of(value) };
}

export function u16(type: number, value: number): Attribute {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return { type, value: bytes };
}

export function u32(type: number, value: number): Attribute {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return { type, value: bytes };
}

/** Network byte order: all integers of nf_tables. */
export function u32be(type: number, value: number): Attribute {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return { type, value: bytes };
}

export const raw = (type: number, value: Buffer): Attribute => ({ type, value });
export const nest = (type: number, value: readonly Attribute[]): Attribute => ({ type, value });

export const readText = (value: Buffer | undefined): string => value?.toString('utf8').replace(/\0[^]*$/, '') ?? '';

export function readU32(value: Buffer | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (value.length < 4) throw new NetlinkFormatError(`${value.length} bytes for a u32`);
  return value.readUInt32LE(0);
}
