/**
 * Tar headers (POSIX ustar with pax and GNU long names). Pure. Names are bytes on Linux, in any encoding or none: here
 * they are strings with one character for each byte (latin1), which `byteString` and `textOf` turn text into and back.
 *
 *   offset size  field            offset size  field
 *        0  100  name                156    1  type
 *      100    8  mode                157  100  link name
 *      108    8  uid                 257    6  magic 'ustar'
 *      116    8  gid                 263    2  version '00'
 *      124   12  size                329    8  major number of a device
 *      136   12  mtime               337    8  minor number
 *                                    345  155  prefix of the name
 *      148    8  checksum: sum of all bytes, these eight as blanks
 */
export const BLOCK = 512;

export interface TarEntry {
  name: string;
  /**
   * '0' file, '1' hard link, '2' symbolic link, '3' character device, '4' block device, '5' directory, '6' pipe;
   * 'x', 'g' pax; 'L', 'K' GNU long names.
   */
  type: string;
  /** Bytes that follow, padded to a whole block. */
  size: number;
  linkName: string;
  /** Permission bits, with setuid, setgid and the sticky bit. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970. */
  mtime: number;
  major: number;
  minor: number;
}

export const toBytes = (name: string): Buffer => Buffer.from(name, 'latin1');
/** UTF-8 text as a byte string, for names that come from JSON. */
export const byteString = (text: string): string => Buffer.from(text).toString('latin1');
/** A byte string as UTF-8 text; bytes that are none become U+FFFD. */
export const textOf = (name: string): string => toBytes(name).toString();

export class TarError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TarError';
  }
}

export const paddedSize = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

function text(block: Uint8Array, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return latin1(end < 0 ? field : field.subarray(0, end));
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

/** Octal digits, or big-endian binary when the first bit is set (GNU). */
function number(block: Uint8Array, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + (block[offset + i] ?? 0);
    if (!Number.isSafeInteger(value)) throw new TarError('invalid tar header');
    return value;
  }
  const digits = text(block, offset, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new TarError('invalid tar header');
  return digits === '' ? 0 : parseInt(digits, 8);
}

/** Times before 1970 are negative: two's complement behind a byte 0xff (GNU). */
function signed(block: Uint8Array, offset: number, length: number): number {
  if (block[offset] !== 0xff) return number(block, offset, length);
  const value = latin1(block.subarray(offset, offset + length))
    .split('')
    .reduce((n, c) => n * 256n + BigInt(c.charCodeAt(0)), 0n);
  return Number(BigInt.asIntN(length * 8, value));
}

function checksum(block: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
  return sum;
}

/** undefined for the end of the archive (a block of zeros). Throws TarError. */
export function decodeHeader(block: Uint8Array): TarEntry | undefined {
  if (block.length !== BLOCK) throw new TarError('unexpected EOF');
  if (block.every((byte) => byte === 0)) return undefined;
  if (number(block, 148, 8) !== checksum(block)) throw new TarError('invalid tar header');
  const prefix = text(block, 257, 5) === 'ustar' && block[262] === 0 ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const type = String.fromCharCode(block[156] ?? 0);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: type === '\0' || type === '7' ? '0' : type,
    size: number(block, 124, 12),
    linkName: text(block, 157, 100),
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    mtime: signed(block, 136, 12),
    major: type === '3' || type === '4' ? number(block, 329, 8) : 0,
    minor: type === '3' || type === '4' ? number(block, 337, 8) : 0,
  };
}

/** The records of a pax header: '<length> <key>=<value>\n'. */
export function decodePax(data: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const blank = data.indexOf(0x20, at);
    const length = blank < 0 ? NaN : Number(latin1(data.subarray(at, blank)));
    if (!Number.isInteger(length) || length <= blank - at + 1 || at + length > data.length) {
      throw new TarError('invalid pax header');
    }
    const record = latin1(data.subarray(blank + 1, at + length - 1));
    const equals = record.indexOf('=');
    if (equals < 1) throw new TarError('invalid pax header');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

export interface NewEntry {
  name: string;
  type?: '0' | '1' | '2' | '3' | '4' | '5' | '6';
  mode?: number;
  size?: number;
  linkName?: string;
  uid?: number;
  gid?: number;
  /** Seconds since 1970. */
  mtime?: number;
  major?: number;
  minor?: number;
}

/** Names have at most 100 bytes, sizes at most 8 GiB: encodeEntry() takes all. */
export function encodeHeader(entry: NewEntry): Buffer {
  return header(entry, entry.type ?? '0');
}

function header(entry: NewEntry, type: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (offset: number, length: number, value: string): void => {
    if (value.length > length) throw new TarError(`${textOf(value)} is too long for a tar header`);
    block.write(value, offset, 'latin1');
  };
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  put(0, 100, entry.name);
  put(100, 8, octal(entry.mode ?? 0o644, 7));
  put(108, 8, octal(entry.uid ?? 0, 7));
  put(116, 8, octal(entry.gid ?? 0, 7));
  put(124, 12, octal(entry.size ?? 0, 11));
  put(136, 12, octal(entry.mtime ?? 0, 11));
  put(156, 1, type);
  put(157, 100, entry.linkName ?? '');
  put(257, 8, 'ustar\x0000');
  put(329, 8, octal(entry.major ?? 0, 7));
  put(337, 8, octal(entry.minor ?? 0, 7));
  put(148, 8, `${checksum(block).toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** The longest that a field of the header takes; beyond it a pax record says it (pax(1), "pax Extended Header"). */
const LONGEST_NAME = 100;
const LARGEST_ID = 0o7777777;
const LARGEST_SIZE = 0o77777777777;

/** '<length> <key>=<value>\n', whose length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;
  return `${length}${rest}`;
}

/** A header for any entry, with a pax header before it where it needs one; `xattrs` by name, values as byte strings. */
export function encodeEntry(entry: NewEntry, xattrs: ReadonlyMap<string, string> = new Map()): Buffer {
  const { name, linkName = '', uid = 0, gid = 0, size = 0, mtime = 0 } = entry;
  const records: string[] = [];
  // Go's reader takes names that are not ASCII from pax records only as UTF-8, from the header as they are.
  if (name.length > LONGEST_NAME) records.push(paxRecord('path', name));
  if (linkName.length > LONGEST_NAME) records.push(paxRecord('linkpath', linkName));
  if (uid > LARGEST_ID) records.push(paxRecord('uid', String(uid)));
  if (gid > LARGEST_ID) records.push(paxRecord('gid', String(gid)));
  if (size > LARGEST_SIZE) records.push(paxRecord('size', String(size)));
  if (mtime < 0 || mtime > LARGEST_SIZE) records.push(paxRecord('mtime', String(mtime)));
  for (const [key, value] of xattrs) records.push(paxRecord(`SCHILY.xattr.${key}`, value));
  const block = encodeHeader({
    ...entry,
    name: name.slice(0, LONGEST_NAME),
    linkName: linkName.slice(0, LONGEST_NAME),
    uid: uid > LARGEST_ID ? 0 : uid,
    gid: gid > LARGEST_ID ? 0 : gid,
    size: size > LARGEST_SIZE ? 0 : size,
    mtime: mtime < 0 || mtime > LARGEST_SIZE ? 0 : mtime,
  });
  if (records.length === 0) return block;
  const data = toBytes(records.join(''));
  return Buffer.concat([
    header({ name: 'PaxHeaders.0/entry', size: data.length }, 'x'),
    data,
    padding(data.length),
    block,
  ]);
}

export const padding = (size: number): Buffer => Buffer.alloc(paddedSize(size) - size);
export const endOfArchive = (): Buffer => Buffer.alloc(2 * BLOCK);
