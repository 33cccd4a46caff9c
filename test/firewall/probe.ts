/**
 * Plays one machine of the laboratory, inside its network namespace: listens, and tries to reach others. One JSON request a line on
 * stdin, one answer a line on stdout, many at once. A listener answers with its own name and the client's address as it sees it.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import { createInterface } from 'node:readline';

export type ProbeRequest =
  | { id: number; ask: 'listen'; ports: readonly number[] }
  /** Answers what the listener said, or '-' when nothing came within `patience` milliseconds. */
  | {
      id: number;
      ask: 'reach';
      protocol: 'tcp' | 'udp';
      address: string;
      port: number;
      patience: number;
      /** Own port; 0 for any. */
      from: number;
    };

export interface ProbeAnswer {
  id: number;
  answer: string;
}

const name = process.argv[2] ?? '';
const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '').replace(/%.*/, '');

async function listen(port: number): Promise<void> {
  const tcp = net.createServer((socket) => {
    socket.on('error', () => undefined).end(`${name} ${plain(socket.remoteAddress)}`);
  });
  const udp = dgram.createSocket('udp6');
  udp.on('message', (_, client) => udp.send(`${name} ${plain(client.address)}`, client.port, client.address));
  udp.on('error', () => undefined);
  await Promise.all([
    new Promise<void>((resolve) => tcp.listen({ port, host: '::' }, resolve)),
    new Promise<void>((resolve) => udp.bind(port, '::', resolve)),
  ]);
}

async function overTcp(address: string, port: number, patience: number): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = net.connect({ host: address, port });
    socket.setTimeout(patience, () => socket.destroy());
    socket.on('data', (data: Buffer) => (said += data.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said || '-'));
  });
}

async function overUdp(address: string, port: number, patience: number, from: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const done = (said: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(said);
    };
    const timer = setTimeout(() => done('-'), patience);
    socket.once('message', (data) => done(data.toString()));
    socket.once('error', () => done('-'));
    socket.bind(from, () => socket.send('?', port, address));
  });
}

async function answer(request: ProbeRequest): Promise<string> {
  if (request.ask === 'listen') {
    await Promise.all(request.ports.map(listen));
    return 'listening';
  }
  const { protocol, address, port, patience, from } = request;
  return protocol === 'tcp' ? overTcp(address, port, patience) : overUdp(address, port, patience, from);
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as ProbeRequest;
  void answer(request).then((said) => {
    const reply: ProbeAnswer = { id: request.id, answer: said };
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  });
}
process.exit();
