/**
 * The part of protocol buffers' encoding that etcd's messages need (protobuf.dev/programming-guides/encoding). A message is a row of
 * fields, in any order:
 *
 *     0  varint tag: number of the field * 8 + type
 *     +  type 0: varint                      int64, uint64, bool, enum; a negative int64 is its two's complement, 10 bytes
 *        type 1: 8 bytes                     (none of etcd's fields; skipped)
 *        type 2: varint length, then bytes   string, bytes, message; once for each element of a repeated field
 *        type 5: 4 bytes                     (none of etcd's fields; skipped)
 *
 * varint: 7 bits a byte, the lowest first; bit 7 says that another follows; at most 10 bytes. A field that is missing has its
 * zero value, and one that is not known is skipped, so later versions of etcd may say more.
 */

/** Not a message, or cut short. */
export class ProtobufError extends Error {}

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;
const LONGEST_VARINT = 10;
/** Of a varint's bits, those of its first seven bytes are added up as a number, which is much cheaper than as a bigint. */
const SAFE_BITS = 49;

/** Builds one message. Zero values are written too: in a `oneof` they say which one it is. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  #add(part: Uint8Array): void {
    this.#parts.push(part);
    this.#length += part.length;
  }

  number(field: number, value: bigint | number | boolean): this {
    this.#add(varint(field * 8 + VARINT));
    this.#add(typeof value !== 'bigint' && Number(value) >= 0 ? varint(Number(value)) : longVarint(BigInt(value)));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#add(varint(field * 8 + LENGTH));
    this.#add(varint(value.length));
    this.#add(value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }
}

/** Of a number that is not negative. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  bytes.push(value);
  return Uint8Array.from(bytes);
}

function longVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** Walks through the fields of one message: `while (fields.next()) switch (fields.number) …`; a value that is not taken is skipped. */
export class FieldReader {
  readonly #bytes: Buffer;
  #at = 0;
  /** Where the next field begins. */
  #end = 0;
  #type = VARINT;
  /** Of the current field. */
  number = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(): boolean {
    this.#at = this.#end;
    if (this.#at === this.#bytes.length) return false;
    const tag = this.#small();
    this.number = Math.floor(tag / 8);
    this.#type = tag % 8;
    this.#end = this.#endOfValue();
    if (this.number === 0 || this.#end > this.#bytes.length) throw new ProtobufError('a field is cut short');
    return true;
  }

  /** Leaves #at where the value begins, behind its length if it has one. */
  #endOfValue(): number {
    switch (this.#type) {
      case VARINT: {
        let end = this.#at;
        while ((this.#bytes[end++] ?? 0) >= 0x80);
        if (end - this.#at > LONGEST_VARINT) throw new ProtobufError('a number is too long');
        return end;
      }
      case LENGTH: {
        const length = this.#small();
        return this.#at + length;
      }
      case EIGHT_BYTES:
        return this.#at + 8;
      case FOUR_BYTES:
        return this.#at + 4;
      default:
        throw new ProtobufError(`no such type of a field: ${this.#type}`);
    }
  }

  unsigned(): bigint {
    if (this.#type !== VARINT) throw new ProtobufError('a number was expected');
    let low = 0;
    let high = 0n;
    for (let at = this.#at, shift = 0; at < this.#end; at++, shift += 7) {
      const bits = (this.#bytes[at] ?? 0) & 0x7f;
      if (shift < SAFE_BITS) low += bits * 2 ** shift;
      else high |= BigInt(bits) << BigInt(shift);
    }
    return high === 0n ? BigInt(low) : BigInt.asUintN(64, high | BigInt(low));
  }

  signed(): bigint {
    return BigInt.asIntN(64, this.unsigned());
  }

  flag(): boolean {
    return this.unsigned() !== 0n;
  }

  /** A view of the message. */
  bytes(): Buffer {
    if (this.#type !== LENGTH) throw new ProtobufError('bytes were expected');
    return this.#bytes.subarray(this.#at, this.#end);
  }

  text(): string {
    return this.bytes().toString();
  }

  /** A tag or a length. */
  #small(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError('a field is cut short');
  }
}
