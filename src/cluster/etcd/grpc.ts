/**
 * gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md), as a client and without compression:
 *
 *     request   :method POST   :path /package.Service/Method   content-type application/grpc   te trailers   grpc-timeout 5000m
 *     answer    :status 200, then messages, then trailers: grpc-status (0 is success), grpc-message (percent-encoded);
 *               with no message all stands in the first headers
 *
 * and of each message, in the data of either side:
 *
 *     0  u8 1 when it is compressed   1 u32 length, big-endian   5 message
 */
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { constants } from 'node:http2';
import { messageOf } from '../../errors.ts';

export const STATUS = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** An answer that is none: `status` as above, `message` from the member or about the connection. */
export class GrpcError extends Error {
  readonly status: number;
  /** false: it certainly was not carried out, because it never left. */
  readonly sent: boolean;
  constructor(status: number, message: string, sent: boolean) {
    super(message);
    this.status = status;
    this.sent = sent;
  }
}

const PREFIX_SIZE = 5;
/** What an answer may be at most: far above what etcd sends Berth, far below what would hurt. */
const LONGEST_MESSAGE = 64 * 1024 * 1024;

export interface CallHandlers {
  message(bytes: Buffer): void;
  /** Once, last; not after cancel(). undefined: status 0. */
  end(error: GrpcError | undefined): void;
}

export interface Call {
  cancel(): void;
}

/**
 * One message is sent; answers are handed over as they come. With `open` the sending side stays open, which is what keeps a stream
 * (a watch) going. Nothing throws: what goes wrong comes to handlers.end(), never before this returns.
 */
export function startCall(
  session: ClientHttp2Session,
  path: string,
  message: Buffer,
  handlers: CallHandlers,
  options: { metadata: OutgoingHttpHeaders; timeout?: number; open?: boolean },
): Call {
  let over = false;
  const finish = (error: GrpcError | undefined): void => {
    if (over) return;
    over = true;
    handlers.end(error);
  };
  let stream;
  try {
    stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(options.timeout === undefined ? {} : { 'grpc-timeout': `${Math.ceil(options.timeout)}m` }),
      ...options.metadata,
    });
  } catch (error) {
    // The session is about to end: it takes no more streams.
    queueMicrotask(() => finish(new GrpcError(STATUS.unavailable, messageOf(error), false)));
    return { cancel: () => (over = true) };
  }
  let result: GrpcError | 'success' | undefined;
  let lost = 'the connection was lost';
  const settle = (headers: IncomingHttpHeaders): void => {
    if (headers['grpc-status'] !== undefined) result = resultOf(headers);
  };
  const frames = createSplitter((bytes) => {
    if (!over) handlers.message(bytes);
  });
  stream.on('response', (headers) => {
    settle(headers);
    if (headers['content-type']?.startsWith('application/grpc')) return;
    result ??= new GrpcError(
      STATUS.unavailable,
      `no etcd answers here (HTTP status ${headers[':status'] ?? ''})`,
      true,
    );
    stream.close(constants.NGHTTP2_CANCEL);
  });
  stream.on('trailers', settle);
  stream.on('data', (chunk: Buffer) => {
    const problem = frames(chunk);
    if (problem === undefined) return;
    lost = problem;
    stream.close(constants.NGHTTP2_CANCEL);
  });
  stream.on('error', (error) => (lost = messageOf(error)));
  stream.on('close', () => {
    // REFUSED_STREAM: nothing of it was processed (RFC 9113 section 8.7).
    const sent = stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM;
    finish(result === 'success' ? undefined : (result ?? new GrpcError(STATUS.unavailable, lost, sent)));
  });
  const framed = Buffer.alloc(PREFIX_SIZE + message.length);
  framed.writeUInt32BE(message.length, 1);
  message.copy(framed, PREFIX_SIZE);
  if (options.open) stream.write(framed);
  else stream.end(framed);
  return {
    cancel() {
      over = true;
      stream.close(constants.NGHTTP2_CANCEL);
    },
  };
}

/** Of a call with one answer. */
export function callOnce(
  session: ClientHttp2Session,
  path: string,
  message: Buffer,
  options: { metadata: OutgoingHttpHeaders; timeout: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let answer: Buffer | undefined;
    const handlers: CallHandlers = {
      message: (bytes) => (answer = bytes),
      end(error) {
        clearTimeout(timer);
        if (!error && answer) resolve(answer);
        else reject(error ?? new GrpcError(STATUS.unavailable, 'an answer without a message', true));
      },
    };
    const call = startCall(session, path, message, handlers, options);
    const timer = setTimeout(() => {
      call.cancel();
      reject(new GrpcError(STATUS.deadlineExceeded, 'no answer in time', true));
    }, options.timeout);
  });
}

function resultOf(headers: IncomingHttpHeaders): GrpcError | 'success' {
  const status = Number(headers['grpc-status']);
  if (status === STATUS.ok) return 'success';
  const text = String(headers['grpc-message'] ?? '');
  try {
    return new GrpcError(status, decodeURIComponent(text), true);
  } catch {
    return new GrpcError(status, text, true);
  }
}

/** Hands over whole messages; returns what is wrong with the data, if something is. */
export function createSplitter(message: (bytes: Buffer) => void): (chunk: Buffer) => string | undefined {
  let chunks: Buffer[] = [];
  let length = 0;
  /** Bytes that must be there before anything can be done. */
  let wanted = PREFIX_SIZE;
  return (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length < wanted) return undefined;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks, length);
    for (wanted = PREFIX_SIZE; rest.length >= PREFIX_SIZE; wanted = PREFIX_SIZE) {
      if (rest[0] !== 0) return 'a compressed message, which was not asked for';
      const size = rest.readUInt32BE(1);
      if (size > LONGEST_MESSAGE) return `a message of ${size} bytes`;
      wanted = PREFIX_SIZE + size;
      if (rest.length < wanted) break;
      message(rest.subarray(PREFIX_SIZE, wanted));
      rest = rest.subarray(wanted);
    }
    chunks = rest.length > 0 ? [rest] : [];
    length = rest.length;
    return undefined;
  };
}
