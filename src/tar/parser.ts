/**
 * Reads a tar archive as its bytes arrive, in pieces of any size. Pure. Headers of GNU's and pax's kind are understood
 * and folded into the entry that they belong to; what is no tar is a TarError with the words of Go's archive/tar.
 */
import { BLOCK, decodeHeader, decodePax, padding, TarError, type TarEntry } from './header.ts';

export interface ParsedEntry extends TarEntry {
  /** Extended attributes by name, values as byte strings. */
  xattrs: ReadonlyMap<string, string>;
}

export type TarEvent =
  | { kind: 'entry'; entry: ParsedEntry }
  /** Bytes of the last entry's content. */
  | { kind: 'data'; data: Buffer }
  /** The last entry's content is complete. */
  | { kind: 'complete' };

/** Bytes of one header's records beyond which an archive is refused. */
const LARGEST_HEADER = 1 << 20;
/** Linux has no larger owners. */
const LARGEST_ID = 0xffff_ffff;
const XATTR = 'SCHILY.xattr.';
/** Entries with content; others may state a size all the same (hard links in old archives). */
const WITH_CONTENT = new Set(['0']);

export class TarParser {
  #state: 'header' | 'records' | 'content' | 'padding' | 'ended' = 'header';
  #held: Buffer = Buffer.alloc(0);
  /** Bytes left of the present content, records or padding. */
  #left = 0;
  #entry: TarEntry | undefined;
  #records = new Map<string, string>();
  #longName: string | undefined;
  #longLink: string | undefined;

  /** Whether the archive's end was seen; what follows is ignored. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  *push(chunk: Buffer): Generator<TarEvent> {
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    while (this.#state !== 'ended') {
      const before = rest.length;
      const state = this.#state;
      const [used, events] = this.#step(rest);
      rest = rest.subarray(used);
      yield* events;
      // Neither bytes nor a state were used up: more must come.
      if (rest.length === before && this.#state === state) break;
    }
    if (this.#state !== 'ended' && rest.length > 0) this.#held = Buffer.from(rest);
  }

  /** The bytes end here. Throws TarError when the archive did not, as Go's does, at a header's place. */
  end(): void {
    if (this.#state === 'ended' || (this.#state === 'header' && this.#held.length === 0)) return;
    throw new TarError('unexpected EOF');
  }

  #step(bytes: Buffer): [used: number, events: TarEvent[]] {
    if (this.#state === 'header')
      return bytes.length < BLOCK ? [0, []] : [BLOCK, this.#header(bytes.subarray(0, BLOCK))];
    if (this.#state === 'records') {
      const size = this.#left + padding(this.#left).length;
      if (bytes.length < size) return [0, []];
      this.#takeRecords(bytes.subarray(0, this.#left));
      this.#state = 'header';
      return [size, []];
    }
    const part = bytes.subarray(0, this.#left);
    this.#left -= part.length;
    const content = this.#state === 'content';
    const events: TarEvent[] = content && part.length > 0 ? [{ kind: 'data', data: part }] : [];
    if (this.#left === 0) {
      if (content) events.push({ kind: 'complete' });
      this.#left = content ? padding(this.#entry?.size ?? 0).length : 0;
      this.#state = content && this.#left > 0 ? 'padding' : 'header';
    }
    return [part.length, events];
  }

  #header(block: Buffer): TarEvent[] {
    const entry = decodeHeader(block);
    if (entry === undefined) {
      this.#state = 'ended';
      return [];
    }
    this.#entry = entry;
    if (['x', 'g', 'L', 'K'].includes(entry.type)) {
      if (entry.size > LARGEST_HEADER) throw new TarError('header field too long');
      this.#left = entry.size;
      this.#state = 'records';
      return [];
    }
    const whole = this.#whole(entry);
    this.#entry = whole;
    [this.#records, this.#longName, this.#longLink] = [new Map(), undefined, undefined];
    if (!WITH_CONTENT.has(whole.type) || whole.size === 0)
      return [{ kind: 'entry', entry: whole }, { kind: 'complete' }];
    this.#left = whole.size;
    this.#state = 'content';
    return [{ kind: 'entry', entry: whole }];
  }

  #takeRecords(data: Buffer): void {
    const name = data.toString('latin1').replace(/\0.*$/s, '');
    if (this.#entry?.type === 'L') this.#longName = name;
    else if (this.#entry?.type === 'K') this.#longLink = name;
    else if (this.#entry?.type === 'x') this.#records = decodePax(data);
    // Global headers ('g') bear comments of their makers (git archive).
  }

  #whole(entry: TarEntry): ParsedEntry {
    const records = this.#records;
    if (entry.type === 'S' || [...records.keys()].some((key) => key.startsWith('GNU.sparse.'))) {
      throw new TarError('sparse files in archives are not supported: make the archive without --sparse');
    }
    const numeric = (key: string, otherwise: number): number => {
      const text = records.get(key);
      if (text === undefined) return otherwise;
      const value = Math.floor(Number(text));
      if (text === '' || !Number.isSafeInteger(value)) throw new TarError('invalid tar header');
      return value;
    };
    const size = numeric('size', entry.size);
    const xattrs = [...records].flatMap(([key, value]) =>
      key.startsWith(XATTR) ? [[key.slice(XATTR.length), value] as const] : [],
    );
    const uid = numeric('uid', entry.uid);
    const gid = numeric('gid', entry.gid);
    if (size < 0 || [uid, gid].some((id) => id < 0 || id > LARGEST_ID)) throw new TarError('invalid tar header');
    const name = records.get('path') ?? this.#longName ?? entry.name;
    const linkName = records.get('linkpath') ?? this.#longLink ?? entry.linkName;
    if (name.includes('\0') || linkName.includes('\0')) throw new TarError('invalid tar header');
    // Before POSIX a directory was a file whose name ends with a slash.
    const type = entry.type === '0' && name.endsWith('/') ? '5' : entry.type;
    return {
      ...entry,
      type,
      name,
      linkName,
      size: WITH_CONTENT.has(type) ? size : 0,
      uid,
      gid,
      mtime: numeric('mtime', entry.mtime),
      xattrs: new Map(xattrs),
    };
  }
}
