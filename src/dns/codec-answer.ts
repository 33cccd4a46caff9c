/**
 * Answers written straight into the buffer that the kernel sends from. Pure. Offsets: codec.ts. The question is the client's
 * own, byte for byte, so that a name is answered in the case in which it was asked.
 */
import type { Query } from './codec-query.ts';
import { CLASS, DNSSEC_OK, FLAG, HEADER_SIZE, OPCODE_MASK, SAFE_PAYLOAD, TYPE } from './codec.ts';

/** Name root, type, class, TTL, length 0. */
const OPT_SIZE = 11;
/** A pointer to the question's name. */
const TO_QUESTION = 0xc000 | HEADER_SIZE;

/** One answer at a time: begin(), records, finish(). */
export class AnswerWriter {
  #out: Buffer = Buffer.alloc(0);
  #at = 0;
  #limit = 0;
  #flags = 0;
  #questions = 0;
  #answers = 0;
  #additionals = 0;
  #edns = false;
  #ednsFlags = 0;

  /** `limit`: the largest message that the client takes, which `out` has room for. */
  begin(out: Buffer, bytes: Buffer, query: Query, limit: number): void {
    this.#out = out;
    // Id and question.
    bytes.copy(out, 0, 0, query.questionEnd);
    this.#at = query.questionEnd;
    this.#edns = query.edns;
    this.#ednsFlags = query.ednsFlags & DNSSEC_OK;
    this.#limit = query.edns ? limit - OPT_SIZE : limit;
    this.#flags =
      FLAG.response |
      FLAG.recursionAvailable |
      (query.flags & (OPCODE_MASK | FLAG.recursionDesired | FLAG.checkingDisabled));
    this.#questions = query.questionEnd > HEADER_SIZE ? 1 : 0;
    this.#answers = 0;
    this.#additionals = 0;
  }

  /** A record of the name that was asked for. False when there is no room: the answer says that it is truncated. */
  answer(type: number, ttl: number, data: Uint8Array): boolean {
    if (this.#at + 12 + data.length > this.#limit) {
      this.#flags |= FLAG.truncated;
      return false;
    }
    this.#u16(TO_QUESTION);
    this.#record(type, ttl, data);
    this.#answers++;
    return true;
  }

  /** A record that may be left out. */
  additional(name: Uint8Array, type: number, ttl: number, data: Uint8Array): void {
    if (this.#at + name.length + 10 + data.length > this.#limit) return;
    this.#out.set(name, this.#at);
    this.#at += name.length;
    this.#record(type, ttl, data);
    this.#additionals++;
  }

  /** Nothing but the word that the answer is larger: the client asks again by TCP. */
  truncate(): number {
    this.#flags |= FLAG.truncated;
    return this.finish(0);
  }

  /** The answer's length. */
  finish(rcode: number): number {
    const out = this.#out;
    if (this.#edns) {
      out[this.#at++] = 0;
      this.#u16(TYPE.opt);
      this.#u16(SAFE_PAYLOAD);
      // Version 0.
      this.#u16((rcode >> 4) << 8);
      this.#u16(this.#ednsFlags);
      this.#u16(0);
      this.#additionals++;
    }
    const end = this.#at;
    this.#at = 2;
    this.#u16(this.#flags | (rcode & 0xf));
    this.#u16(this.#questions);
    this.#u16(this.#answers);
    this.#u16(0);
    this.#u16(this.#additionals);
    return end;
  }

  #record(type: number, ttl: number, data: Uint8Array): void {
    this.#u16(type);
    this.#u16(CLASS.internet);
    this.#u16(ttl >>> 16);
    this.#u16(ttl & 0xffff);
    this.#u16(data.length);
    // A loop: for 4 bytes it is faster than set().
    for (let i = 0; i < data.length; i++) this.#out[this.#at++] = data[i] ?? 0;
  }

  #u16(value: number): void {
    this.#out[this.#at++] = value >> 8;
    this.#out[this.#at++] = value & 0xff;
  }
}
