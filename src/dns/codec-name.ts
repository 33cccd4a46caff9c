/**
 * Names of the DNS (RFC 1035 sections 3.1 and 4.1.4). Pure.
 *
 *     0  u8 length 1–63   1  so many bytes   … the next label …   last  u8 0            at most 255 bytes
 *     0  u16 0b11 and the offset of the rest of the name in the message                 a pointer, in place of a length
 *
 * A *wire name* is the first form. A *key* is a wire name as a string of bytes (latin1) in lower case: what maps are
 * asked by. Lengths are below 'A', so lowering the whole string touches letters only; bytes beyond ASCII are folded as Latin-1
 * letters on both sides of a comparison.
 */
export class DnsFormatError extends Error {
  constructor(message: string) {
    super(`malformed DNS message: ${message}`);
    this.name = 'DnsFormatError';
  }
}

export const LONGEST_NAME = 255;
const LONGEST_LABEL = 63;
export const POINTER = 0xc0;

const scratch = new Uint8Array(LONGEST_NAME);

/** A name has no more labels, so no writer needs more pointers: thousands of them, followed for each of thousands of records, take seconds. */
const MOST_POINTERS = 127;

/**
 * The wire name at `offset`, pointers followed, and the offset of what comes after it. Pointers must lead backwards, which ends every
 * loop (RFC 1035: "a prior occurrence").
 */
export function readName(bytes: Uint8Array, offset: number): { name: Uint8Array; next: number } {
  const name = scratch;
  let length = 0;
  let at = offset;
  let next = -1;
  let pointers = 0;
  for (;;) {
    const label = bytes[at];
    if (label === undefined) throw new DnsFormatError('a name goes beyond the end');
    if ((label & POINTER) === POINTER) {
      const low = bytes[at + 1];
      if (low === undefined) throw new DnsFormatError('half a pointer');
      if (next === -1) next = at + 2;
      const target = ((label & 0x3f) << 8) | low;
      if (target >= at) throw new DnsFormatError('a pointer that does not lead backwards');
      if (++pointers > MOST_POINTERS) throw new DnsFormatError('more pointers than a name can have labels');
      at = target;
      continue;
    }
    if (label > LONGEST_LABEL) throw new DnsFormatError(`a label of type ${label >> 6}`);
    if (length + label + 1 > LONGEST_NAME) throw new DnsFormatError('a name of more than 255 bytes');
    if (at + label + 1 > bytes.length) throw new DnsFormatError('a label goes beyond the end');
    name.set(bytes.subarray(at, at + label + 1), length);
    length += label + 1;
    at += label + 1;
    if (label === 0) return { name: name.slice(0, length), next: next === -1 ? at : next };
  }
}

/**
 * From text: 'web.front', with or without a dot at its end; `\.` and `\046` stand for a dot inside a label (RFC 1035 section
 * 5.1). undefined when it is no name: an empty or too long label, too long as a whole.
 */
export function wireName(text: string): Uint8Array | undefined {
  if (text === '.') return new Uint8Array(1);
  const source = new TextEncoder().encode(text.replace(/(?<!\\)\.$/, ''));
  const name: number[] = [0];
  let start = 0;
  const close = (): boolean => {
    const length = name.length - start - 1;
    name[start] = length;
    start = name.length;
    return length > 0 && length <= LONGEST_LABEL;
  };
  for (let i = 0; i < source.length; i++) {
    const byte = source[i] ?? 0;
    if (byte === DOT) {
      if (!close()) return undefined;
      name.push(0);
      continue;
    }
    if (byte !== BACKSLASH) {
      name.push(byte);
      continue;
    }
    const digits = /^\d{3}/.exec(String.fromCharCode(...source.subarray(i + 1, i + 4)))?.[0];
    const escaped = digits === undefined ? source[i + 1] : Number(digits);
    if (escaped === undefined || escaped > 255) return undefined;
    name.push(escaped);
    i += digits === undefined ? 1 : 3;
  }
  if (!close()) return undefined;
  name.push(0);
  return name.length > LONGEST_NAME ? undefined : Uint8Array.from(name);
}

const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** The reverse of wireName, without the dot at the end; '.' for the root. */
export function nameText(name: Uint8Array): string {
  const labels: string[] = [];
  for (let at = 0; (name[at] ?? 0) > 0; at += (name[at] ?? 0) + 1) {
    const label = name.subarray(at + 1, at + 1 + (name[at] ?? 0));
    labels.push(
      [...label]
        .map((byte) => {
          if (byte === DOT || byte === BACKSLASH) return `\\${String.fromCharCode(byte)}`;
          if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte);
          return `\\${String(byte).padStart(3, '0')}`;
        })
        .join(''),
    );
  }
  return labels.length === 0 ? '.' : labels.join('.');
}

export const keyOfWire = (name: Uint8Array): string => String.fromCharCode(...name).toLowerCase();

export function keyOf(text: string): string | undefined {
  const name = wireName(text);
  return name && keyOfWire(name);
}

/** 'x.web' → 'web'; undefined for the root. */
export function parentKey(key: string): string | undefined {
  const length = key.charCodeAt(0);
  return length > 0 ? key.slice(length + 1) : undefined;
}
