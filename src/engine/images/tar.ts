/**
 * Tar headers (POSIX ustar with pax and GNU long names), as far as image archives need them. Pure.
 *
 *   offset size  field            offset size  field
 *        0  100  name                156    1  type
 *      100    8  mode                157  100  link name
 *      108    8  uid                 257    6  magic 'ustar'
 *      116    8  gid                 263    2  version '00'
 *      124   12  size                345  155  prefix of the name
 *      136   12  mtime
 *      148    8  checksum: sum of all bytes, these eight as blanks
 */
export const BLOCK = 512;

export interface TarEntry {
  name: string;
  /** '0' file, '1' hard link, '2' symbolic link, '5' directory; 'x', 'g' pax; 'L', 'K' GNU long names. */
  type: string;
  /** Bytes that follow, padded to a whole block. */
  size: number;
  linkName: string;
}

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
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

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
  };
}

/** The records of a pax header: '<length> <key>=<value>\n'. */
export function decodePax(data: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const blank = data.indexOf(0x20, at);
    const length = blank < 0 ? NaN : Number(new TextDecoder().decode(data.subarray(at, blank)));
    if (!Number.isInteger(length) || length <= blank - at + 1 || at + length > data.length) {
      throw new TarError('invalid pax header');
    }
    const record = new TextDecoder().decode(data.subarray(blank + 1, at + length - 1));
    const equals = record.indexOf('=');
    if (equals < 1) throw new TarError('invalid pax header');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

export interface NewEntry {
  name: string;
  type?: '0' | '1' | '2' | '5';
  mode?: number;
  size?: number;
  linkName?: string;
  /** Seconds since 1970. */
  mtime?: number;
}

/** Names have at most 100 bytes, sizes at most 64 GiB: enough for what Berth writes itself. */
export function encodeHeader(entry: NewEntry): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (offset: number, length: number, value: string): void => {
    if (Buffer.byteLength(value) > length) throw new TarError(`${value} is too long for a tar header`);
    block.write(value, offset);
  };
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  put(0, 100, entry.name);
  put(100, 8, octal(entry.mode ?? 0o644, 7));
  put(108, 8, octal(0, 7));
  put(116, 8, octal(0, 7));
  put(124, 12, octal(entry.size ?? 0, 11));
  put(136, 12, octal(entry.mtime ?? 0, 11));
  put(156, 1, entry.type ?? '0');
  put(157, 100, entry.linkName ?? '');
  put(257, 8, 'ustar\x0000');
  put(148, 8, `${checksum(block).toString(8).padStart(6, '0')}\0 `);
  return block;
}

export const padding = (size: number): Buffer => Buffer.alloc(paddedSize(size) - size);
export const endOfArchive = (): Buffer => Buffer.alloc(2 * BLOCK);
