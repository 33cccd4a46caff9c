/** Archives from outside: stored in a private directory, decompressed, indexed; their paths never meet the host's. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Duplex, PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { BerthError, invalidParameter, messageOf, unavailable } from '../../errors.ts';
import { assertPipes } from '../process/pipes.ts';
import { diskError } from './edit.ts';
import { BLOCK, decodeHeader, decodePax, paddedSize, TarError, textOf } from '../../tar/header.ts';

/** Entries of an archive, and bytes of one header or document in it, beyond which it is refused. */
const MOST_ENTRIES = 200_000;
const LARGEST_HEADER = 1 << 20;
export const LARGEST_DOCUMENT = 8 << 20;

type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'none';

/** By the first bytes (RFC 1952, RFC 8878, the xz and bzip2 formats). */
export function compressionOf(start: Uint8Array): Compression {
  const begins = (...bytes: number[]): boolean => bytes.every((byte, i) => start[i] === byte);
  if (begins(0x1f, 0x8b)) return 'gzip';
  if (begins(0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz';
  if (begins(0x42, 0x5a, 0x68)) return 'bzip2';
  return 'none';
}

/** xz and bzip2 have no decoder in Node; every Debian has both programs, and tar calls them too. */
function decoderProgram(program: 'xz' | 'bzip2'): Duplex {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  assertPipes(child, program);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-500)));
  const output = new PassThrough();
  child.stdout.pipe(output, { end: false });
  child.once('error', (error) => {
    const missing = 'code' in error && error.code === 'ENOENT';
    output.destroy(
      missing ? unavailable(`${program} is not installed: run 'apt-get install ${program}-utils'`) : error,
    );
  });
  child.once('close', (code) => {
    if (code === 0) output.end();
    else output.destroy(invalidParameter(`cannot decompress the archive: ${said.trim() || program}`));
  });
  // The writer sees EPIPE when the program gave up; what it said comes through `output`.
  child.stdin.on('error', () => {});
  output.once('close', () => child.kill('SIGKILL'));
  return Duplex.from({ writable: child.stdin, readable: output });
}

function decoder(kind: Compression): Duplex {
  if (kind === 'gzip') return createGunzip();
  if (kind === 'zstd') return createZstdDecompress();
  if (kind === 'none') return new PassThrough();
  return decoderProgram(kind);
}

/** Takes the first bytes off a stream and gives the whole again; an abort ends it even where the stream hangs. */
async function sniff(
  input: Readable,
  length: number,
  signal: AbortSignal,
): Promise<{ start: Buffer; whole: AsyncGenerator<Buffer> }> {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  // No race with one promise for all chunks: it would keep every one of them until it settles.
  const next = async (): Promise<IteratorResult<Buffer>> =>
    new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', abort);
      const settled = (): void => signal.removeEventListener('abort', abort);
      if (signal.aborted) abort();
      chunks.next().then(resolve, reject).finally(settled);
    });
  let start = Buffer.alloc(0);
  for (let result; start.length < length && !(result = await next()).done;) {
    start = Buffer.concat([start, Buffer.from(result.value)]);
  }
  async function* whole(): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    for (let result; !(result = await next()).done;) yield Buffer.from(result.value);
  }
  return { start, whole: whole() };
}

/** The decompressed archive as it comes. What is wrong with its compression is thrown as InvalidParameter. */
export async function* decompressed(input: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { start, whole } = await sniff(input, 6, signal);
  const kind = compressionOf(start);
  if (kind === 'none') return yield* whole;
  const plain = decoder(kind);
  const fed = pipeline(whole, plain, { signal });
  fed.catch(() => undefined);
  try {
    for await (const chunk of plain) yield chunk as Buffer;
    await fed;
  } catch (error) {
    signal.throwIfAborted();
    throw decoderError(error);
  }
}

/** What the decoders of Node say of broken input, in public words. */
function decoderError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/^(?:Z_|ZSTD_)/.test(code)) return error;
  return invalidParameter(`cannot decompress the archive: ${messageOf(error)}`, error);
}

/** Writes the decompressed archive to `path` (new, 0600); `watch` sees its bytes. */
export async function storeArchive(
  input: Readable,
  path: string,
  signal: AbortSignal,
  watch?: (chunk: Buffer) => void,
): Promise<void> {
  signal.throwIfAborted();
  try {
    const { start, whole } = await sniff(input, 6, signal);
    await pipeline(
      whole,
      decoder(compressionOf(start)),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          watch?.(chunk);
          yield chunk;
        }
      },
      createWriteStream(path, { flags: 'wx', mode: 0o600 }),
      { signal },
    );
  } catch (error) {
    // Only then: destroying a request's body takes its answer along.
    if (signal.aborted) input.destroy();
    signal.throwIfAborted();
    const known = decoderError(error);
    throw known instanceof BerthError ? known : diskError(error, path);
  }
}

interface Place {
  offset: number;
  size: number;
}

/** A tar file's regular entries, by name. Close it. */
export class TarFile {
  readonly #file: FileHandle;
  readonly #places: ReadonlyMap<string, Place>;

  private constructor(file: FileHandle, places: ReadonlyMap<string, Place>) {
    this.#file = file;
    this.#places = places;
  }

  /** Throws InvalidParameter when it is no tar archive. */
  static async open(path: string): Promise<TarFile> {
    const file = await open(path, 'r');
    try {
      return new TarFile(file, await readIndex(file));
    } catch (error) {
      await file.close();
      if (error instanceof TarError) throw invalidParameter(`Error processing tar file: archive/tar: ${error.message}`);
      throw error;
    }
  }

  names(): string[] {
    return [...this.#places.keys()];
  }

  /** The whole entry; undefined when there is none. */
  async text(name: string): Promise<Buffer | undefined> {
    const place = this.#places.get(name);
    if (place === undefined) return undefined;
    if (place.size > LARGEST_DOCUMENT) throw invalidParameter(`${name} in the archive is too large`);
    return readExactly(this.#file, place.offset, place.size);
  }

  /** Parsed, undefined when there is none; InvalidParameter when it is no JSON. */
  async json(name: string): Promise<unknown> {
    const text = await this.text(name);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text.toString());
    } catch (error) {
      throw invalidParameter(`${name} in the archive is not valid JSON`, error);
    }
  }

  async extract(name: string, target: string, signal: AbortSignal): Promise<void> {
    const place = this.#places.get(name);
    if (place === undefined) throw invalidParameter(`${name} is missing from the archive`);
    const output = createWriteStream(target, { flags: 'wx', mode: 0o600 });
    const input = this.#file.createReadStream({
      start: place.offset,
      end: place.offset + place.size - 1,
      autoClose: false,
    });
    await pipeline(place.size === 0 ? [] : input, output, { signal });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }
}

async function readExactly(file: FileHandle, offset: number, size: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(size), 0, size, offset);
  if (bytesRead < size) throw new TarError('unexpected EOF');
  return buffer;
}

async function readIndex(file: FileHandle): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  const total = (await file.stat()).size;
  let longName: string | undefined;
  let longSize: number | undefined;
  let count = 0;
  for (let at = 0; at < total;) {
    const entry = decodeHeader(await readExactly(file, at, BLOCK));
    if (entry === undefined) break;
    if (++count > MOST_ENTRIES) throw new TarError('too many entries');
    const offset = at + BLOCK;
    if (entry.type === 'x' || entry.type === 'L') {
      if (entry.size > LARGEST_HEADER) throw new TarError('header too large');
      const data = await readExactly(file, offset, entry.size);
      if (entry.type === 'L') longName = data.toString('latin1').replace(/\0.*$/s, '');
      else {
        const records = decodePax(data);
        longName = records.get('path') ?? longName;
        longSize = records.has('size') ? Number(records.get('size')) : longSize;
      }
      at = offset + paddedSize(entry.size);
      continue;
    }
    const size = longSize ?? entry.size;
    if (!Number.isSafeInteger(size) || size < 0 || offset + size > total) throw new TarError('unexpected EOF');
    if (entry.type === '0') places.set(textOf(longName ?? entry.name).replace(/^(?:\.\/)+/, ''), { offset, size });
    // Only files and pax headers have a body; others may state a size all the same (hard links in old archives).
    const hasBody = entry.type === '0' || entry.type === 'g' || entry.type === 'K' || entry.type === 'S';
    at = offset + (hasBody ? paddedSize(size) : 0);
    [longName, longSize] = [undefined, undefined];
  }
  if (count === 0) throw new TarError('the archive is empty');
  return places;
}
