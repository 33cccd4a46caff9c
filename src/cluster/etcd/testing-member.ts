/**
 * A member for unit tests of the client: speaks gRPC on the loopback and answers as a test says, however wrong that is.
 */
import { once } from 'node:events';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface Asked {
  method: string;
  /** Without the frame; empty for a watch, whose end of sending does not come. */
  message: Buffer;
  headers: Readonly<Record<string, unknown>>;
  stream: ServerHttp2Stream;
  session: Http2Session | undefined;
}

export interface TestMember extends AsyncDisposable {
  endpoint: string;
  asked: Asked[];
  /** How many came. */
  readonly pings: number;
  /** Ends all connections; new ones are taken. */
  disconnect(): void;
}

export async function startMember(answer: (asked: Asked) => void): Promise<TestMember> {
  const asked: Asked[] = [];
  let pings = 0;
  const sessions = new Set<Http2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => undefined);
    session.on('ping', () => (pings += 1));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    let data = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      data = Buffer.concat([data, chunk]);
      if (data.length < 5 || data.length < 5 + data.readUInt32BE(1)) return;
      const one = {
        method: String(headers[':path']),
        message: data.subarray(5),
        headers,
        stream,
        session: stream.session,
      };
      asked.push(one);
      answer(one);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const disconnect = (): void => {
    for (const session of sessions) session.destroy();
  };
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get pings() {
      return pings;
    },
    disconnect,
    async [Symbol.asyncDispose]() {
      disconnect();
      server.close();
      await once(server, 'close');
    },
  };
}

export function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Messages, then success; with `open` the stream goes on. */
export function succeed({ stream }: Asked, messages: readonly Uint8Array[], { open = false } = {}): void {
  if (!stream.headersSent) {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': '' }));
  }
  for (const message of messages) stream.write(frame(message));
  if (!open) stream.end();
}

/** As etcd refuses: in the first headers already. */
export function refuse({ stream }: Asked, status: number, message: string): void {
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': `${status}`,
      'grpc-message': encodeURIComponent(message),
    },
    { endStream: true },
  );
}
