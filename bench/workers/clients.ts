/**
 * Many clients of one engine (SOCKET), in one process: each of CLIENTS watches the events on a connection of its own, and on another
 * one lists networks and containers and inspects a container once in a second, at its own moment. Writes `ready` when all
 * of them watch. On each line of standard input, a number of seconds, they ask for so long; then one line of JSON tells what it took.
 */
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds of each request, and how many events all clients were told. */
export interface Asked {
  networks: number[];
  containers: number[];
  inspect: number[];
  events: number;
}

const setting = <T>(name: string): T => JSON.parse(process.env[name] ?? 'null') as T;
const socketPath = setting<string>('SOCKET');
const count = setting<number>('CLIENTS');
const container = setting<string>('CONTAINER');
const VERSION = '/v1.41';
/** Milliseconds between one client's turns. */
const TURN = 1000;

let events = 0;

function watch(): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: `${VERSION}/events`, headers: { Host: 'engine' } }, (answer) => {
      answer.on('data', (data: Buffer) => {
        for (const byte of data) if (byte === 0x0a) events++;
      });
      resolve();
    });
    asked.once('error', reject);
    asked.end();
  });
}

function ask(agent: Agent, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const asked = request({ socketPath, agent, path: VERSION + path, headers: { Host: 'engine' } }, (answer) => {
      answer.resume();
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve(performance.now() - began);
        else reject(new Error(`${path}: ${answer.statusCode}`));
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

async function client(agent: Agent, until: number, result: Asked): Promise<void> {
  await delay(Math.random() * TURN);
  while (performance.now() < until) {
    const next = performance.now() + TURN;
    result.networks.push(await ask(agent, '/networks'));
    result.containers.push(await ask(agent, '/containers/json'));
    result.inspect.push(await ask(agent, `/containers/${container}/json`));
    await delay(next - performance.now());
  }
}

const agents = Array.from({ length: count }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
await Promise.all(agents.map(() => watch()));
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const result: Asked = { networks: [], containers: [], inspect: [], events: 0 };
  const before = events;
  const until = performance.now() + Number(line) * 1000;
  await Promise.all(agents.map((agent) => client(agent, until, result)));
  result.events = events - before;
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
process.exit();
