/** Answers that are as long as an archive is. */
import { pipeline } from 'node:stream/promises';
import type { Exchange } from './exchange.ts';

/** What fails on the way cuts the connection: an archive must not look whole. */
export async function sendStream(
  x: Exchange,
  stream: NodeJS.ReadableStream | AsyncIterable<Buffer>,
  type: string,
  headers?: Readonly<Record<string, string>>,
): Promise<void> {
  try {
    await pipeline(stream, x.stream(type, headers));
  } catch (error) {
    // Clients hang up at the archive's end, or before it.
    x.signal.throwIfAborted();
    throw error;
  }
}
