/** Programs beside the containers: servers inside a container's namespace, callers outside, and how they are asked. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Place } from '../../test/support/host.ts';

const worker = (name: string, ...args: string[]): string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  new URL(`../workers/${name}.ts`, import.meta.url).pathname,
  ...args,
];

/** argv to run a program in the network namespace of process `pid`. */
export const inNetworkOf = (pid: number, ...argv: string[]): string[] => [
  'nsenter',
  '-t',
  `${pid}`,
  '-n',
  '--',
  ...argv,
];

type Lines = AsyncIterator<string>;

function linesOf(child: ChildProcess): Lines {
  if (!child.stdout) throw new Error('a worker has no pipe');
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]() as Lines;
}

/** Ends a program that ends when its standard input does: a signal would reach the nsenter before it only. */
export const ended = (child: ChildProcess): AsyncDisposable => ({
  [Symbol.asyncDispose]: () =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.stdin?.end();
    }),
});

async function ready(child: ChildProcess): Promise<AsyncDisposable> {
  const { value } = await linesOf(child).next();
  if (value !== 'ready') throw new Error(`a worker did not start: ${String(value)}`);
  return ended(child);
}

/** Accepts connections at `port` in the namespace of the container with process `pid` (as the host numbers it). */
export const startGreeter = (host: Place, pid: number, port: number): Promise<AsyncDisposable> =>
  ready(host.spawn(inNetworkOf(pid, ...worker('greeter', `${port}`)), { stdio: ['pipe', 'pipe', 'inherit'] }));

/** The name server of workers/upstream.ts at port 53 of `address`. */
export const startUpstream = (place: Place, address: string): Promise<AsyncDisposable> =>
  ready(place.spawn(worker('upstream', address), { stdio: ['pipe', 'pipe', 'inherit'] }));

export interface Connector extends AsyncDisposable {
  /** Microseconds of each of `count` connections. */
  connect: (address: string, port: number, count: number) => Promise<number[]>;
}

export function startConnector(place: Place): Connector {
  const child = place.spawn(worker('connector'), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = linesOf(child);
  return {
    async connect(address, port, count) {
      child.stdin?.write(`${address} ${port} ${count}\n`);
      const { value, done } = await lines.next();
      if (done || !value.startsWith('[')) throw new Error(`connections to ${address}:${port}: ${String(value)}`);
      return JSON.parse(value) as number[];
    },
    ...ended(child),
  };
}

export interface Probe extends AsyncDisposable {
  /** Does the damage and returns the milliseconds for which no connection succeeded: to 4 ms, the probe's beat. */
  outage: (damage: () => Promise<unknown>) => Promise<number>;
}

/** Tries a port over and over; see workers/probe.ts. */
export async function startProbe(place: Place, address: string, port: number): Promise<Probe> {
  const child = place.spawn(worker('probe', address, `${port}`), { stdio: ['pipe', 'pipe', 'inherit'] });
  let successes: number[] = [];
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => successes.push(Number(line)));
  const successAfter = async (time: number): Promise<void> => {
    for (const deadline = now() + 20_000; (successes.at(-1) ?? 0) < time; await delay(5)) {
      if (now() > deadline) throw new Error(`${address}:${port} does not answer`);
    }
  };
  await successAfter(1);
  return {
    async outage(damage) {
      const began = now();
      await successAfter(began);
      await damage();
      // What is damaged later than this belongs to nobody's command.
      await successAfter(now() + 700);
      const gaps = successes.slice(1).map((time, i) => time - (successes[i] ?? time));
      successes = successes.slice(-1);
      return Math.max(...gaps);
    },
    ...ended(child),
  };
}

/** CLOCK_MONOTONIC in milliseconds. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface Worker<T> extends AsyncDisposable {
  ask(line: string): Promise<T>;
  first: T;
}

/** `parse`: of a line of its output; one comes by itself, and one for each that is asked. */
export async function startWorker<T>(
  host: Place,
  file: string,
  env: Readonly<Record<string, unknown>>,
  parse: (line: string) => T,
): Promise<Worker<T>> {
  const child = host.spawn(
    [
      process.execPath,
      '--expose-gc',
      '--disable-warning=ExperimentalWarning',
      new URL(`../workers/${file}`, import.meta.url).pathname,
    ],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        ...process.env,
        ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, JSON.stringify(value)])),
      },
    },
  );
  if (!child.stdout) throw new Error('a worker has no pipe');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<T> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${file} ended`);
    return parse(value);
  };
  return {
    first: await next(),
    async ask(line) {
      child.stdin?.write(`${line}\n`);
      return next();
    },
    ...ended(child),
  };
}
