/** Reading JSON bodies: bounded in size and time. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { invalidParameter } from '../errors.ts';
import { ClientGone } from './errors.ts';

/** Bytes. The largest honest request (a container with hundreds of ports and mounts) is far below. */
export const BODY_LIMIT = 4 * 1024 * 1024;
/** Milliseconds for a whole JSON body. */
const BODY_TIMEOUT = 60_000;

const tooLarge = (): Error => invalidParameter(`request body too large: at most ${BODY_LIMIT} bytes are read`);

/**
 * Collects until the source ends or holds `length` bytes; whatever came beyond those is part of the result.
 * The source is left paused.
 */
function collect(source: Readable, first: Buffer, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks = [first];
    let size = first.length;
    const timer = setTimeout(() => finish(invalidParameter('timed out reading the request body')), BODY_TIMEOUT);
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= length) finish(undefined);
      else if (size > BODY_LIMIT) finish(tooLarge());
    };
    const onEnd = (): void => finish(undefined);
    const onClose = (): void => finish(new ClientGone('the client closed its connection'));
    function finish(error: Error | undefined): void {
      clearTimeout(timer);
      source.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      source.pause();
      if (error === undefined) resolve(Buffer.concat(chunks, size));
      else reject(error);
    }
    source.on('end', onEnd).on('close', onClose).on('error', onClose);
    if (size >= length) finish(undefined);
    else source.on('data', onData);
  });
}

function declaredLength(request: IncomingMessage): number | undefined {
  const header = request.headers['content-length'];
  if (header === undefined) return undefined;
  const length = Number(header);
  if (length > BODY_LIMIT) throw tooLarge();
  return length;
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const length = declaredLength(request);
  if (length === 0 || (length === undefined && request.headers['transfer-encoding'] === undefined)) return '';
  return (await collect(request, Buffer.alloc(0), Infinity)).toString();
}

/**
 * The body of a request that asks for an upgrade. Node up to 24 ends the parser at the head and leaves the body to
 * the connection (its first bytes are `head`); later ones hand it over in the request. `rest` is the client's stream.
 */
export async function readUpgradeBody(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<{ body: string; rest: Buffer }> {
  if (request.headers['transfer-encoding'] !== undefined) {
    throw invalidParameter('a request that upgrades its connection must give its body a Content-Length');
  }
  const length = declaredLength(request) ?? 0;
  if (length === 0) return { body: '', rest: head };
  const parsed = request.readableEnded ? Buffer.alloc(0) : await collect(request, Buffer.alloc(0), length);
  if (parsed.length >= length) return { body: parsed.toString(), rest: head };
  const bytes = await collect(socket, head, length);
  if (bytes.length < length) throw invalidParameter('invalid JSON: unexpected EOF');
  return { body: bytes.subarray(0, length).toString(), rest: bytes.subarray(length) };
}
