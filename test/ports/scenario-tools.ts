/** What the scenarios share: a server that plays the container, clients, and what both saw. */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { HeldPort } from '../../src/network/attendant.ts';
import type { HeldPorts } from '../../src/ports/held.ts';

/** The container: another address of the loopback interface. */
export const CONTAINER = '127.0.0.2';

export const port = (hostPort: number, change: Partial<HeldPort> = {}): HeldPort => ({
  protocol: 'tcp',
  hostAddress: '::1',
  hostPort,
  address: CONTAINER,
  port: 80,
  proxy: true,
  ...change,
});
/** Without the proxy's spare pipes. */
export const descriptors = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => !attempt(() => readlinkSync(`/proc/self/fd/${fd}`)).startsWith('pipe:'))
    .length;
export function attempt(body: () => string): string {
  try {
    return body();
  } catch {
    return 'pipe: the directory itself';
  }
}

export async function serve(handler: (socket: Socket) => unknown, address = CONTAINER, number = 80): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    handler(socket);
  }).listen(number, address);
  await once(server, 'listening');
  return server;
}
export const dial = async (number: number, host = '::1'): Promise<Socket> => {
  const socket = connect({ port: number, host, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
};
export async function read(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
/** The error with which the socket ends; '' for none. */
export const ending = async (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.on('close', () => resolve(''));
    socket.resume();
  });
export const outcome = async (number: number, host: string): Promise<string> =>
  dial(number, host).then(ending, (error: NodeJS.ErrnoException) => error.code ?? '');
export async function listens(number: number, host: string): Promise<string> {
  const server = createServer().listen(number, host);
  return new Promise((resolve) => {
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    server.on('listening', () => server.close(() => resolve('')));
  });
}
export async function bindUdp(family: 'udp4' | 'udp6', number: number, address: string): Promise<DatagramSocket> {
  const socket = createSocket(family);
  socket.bind(number, address);
  await once(socket, 'listening');
  return socket;
}
/** Sends until an answer comes. */
export async function ask(
  socket: DatagramSocket,
  text: string,
  number: number,
  host: string,
): Promise<[string, RemoteInfo]> {
  const answer = once(socket, 'message') as Promise<[Buffer, RemoteInfo]>;
  socket.send(text, number, host);
  const [data, from] = await answer;
  return [data.toString(), from];
}

export type Scenarios = Readonly<Record<string, (held: HeldPorts) => Promise<void>>>;
