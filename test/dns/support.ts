/** A throw-away host with hand-made containers' namespaces, a daemon's side of berth-netd, and name servers. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Attendant, SandboxNames } from '../../src/network/attendant.ts';
import type { Host, Place } from '../support/host.ts';
import { until } from '../support/wait.ts';
import type { Answer, DaemonOptions } from './daemon-process.ts';

const script = (name: string): string => new URL(name, import.meta.url).pathname;
const node = (file: string, ...args: string[]): string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  script(file),
  ...args,
];

export interface DaemonSide extends Omit<Attendant, 'close' | 'prepare' | 'onLease'> {
  /** Milliseconds that the last call took. */
  readonly ms: number;
  /** What it logged. */
  readonly log: string[];
  close(options: { keep: boolean }): Promise<void>;
  kill9(): Promise<void>;
}

export interface DaemonSideOptions extends Partial<DaemonOptions> {
  /** Directory of its exec root below the host's root. */
  name?: string;
  /** What runs the process: 'sh -c "… exec \"$@\"" sh'. */
  wrapper?: readonly string[];
}

/** Ends with the host. */
export function startDaemonSide(host: Host, options: DaemonSideOptions = {}): DaemonSide {
  const { name = 'd', wrapper = [], ...rest } = options;
  const execRoot = `${host.root}/${name}`;
  mkdirSync(execRoot, { recursive: true, mode: 0o700 });
  const child = host.spawn([...wrapper, ...node('daemon-process.ts', JSON.stringify({ execRoot, ...rest }))], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  assert.ok(child.stdin && child.stdout && child.stderr);
  const waiting: ((answer: Answer) => void)[] = [];
  const log: string[] = [];
  let ms = 0;
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line) as Answer));
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const { stdin } = child;
  const call =
    <T>(name: keyof Attendant) =>
    async (...args: unknown[]): Promise<T> => {
      const answer = new Promise<Answer>((resolve) => waiting.push(resolve));
      stdin.write(`${JSON.stringify({ call: name, args })}\n`);
      const { value, error, ms: took } = await answer;
      ms = took;
      if (error !== undefined) throw new Error(error);
      return value as T;
    };
  const end = async (): Promise<void> => {
    const exited = once(child, 'exit');
    stdin.end();
    await exited;
  };
  const close = call<void>('close');
  return {
    get ms() {
      return ms;
    },
    log,
    putNames: call('putNames'),
    dropNames: call('dropNames'),
    changeElsewhere: call('changeElsewhere'),
    holdPorts: call('holdPorts'),
    releasePorts: call('releasePorts'),
    obtainLease: call('obtainLease'),
    keepLease: call('keepLease'),
    dropLease: call('dropLease'),
    ready: call('ready'),
    async close(how) {
      await close(how);
      await end();
    },
    async kill9() {
      await killInside(child);
    },
  };
}

/** What a Place spawned is nsenter: the program itself is its child, which would outlive it. */
export async function killInside(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
  process.kill(Number(children[0]), 'SIGKILL');
  await exited;
}

/** Processes called berth-netd on the host, as the test sees them. */
export function netdProcesses(host: Host): number[] {
  const look = (read: () => string): string => {
    try {
      return read();
    } catch {
      return '';
    }
  };
  const place = (pid: number): string => look(() => readlinkSync(`/proc/${pid}/ns/pid`));
  const ours = place(host.pid);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(
      (pid) => look(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) === 'berth-netd' && place(pid) === ours,
    );
}

export interface TestContainer extends Place, AsyncDisposable {
  readonly path: string;
  /** `dig` from inside; `+short` output by lines, sorted. */
  dig(...args: string[]): Promise<string>;
  short(...args: string[]): Promise<string[]>;
}

/** A namespace bound to /run/netns/NAME with lo up, joined to the host by a veth pair with 10.77.N.2/24 and the host as its router. */
export async function makeContainer(host: Host, name: string, n = 0): Promise<TestContainer> {
  const netns = ['ip', 'netns', 'exec', name];
  // `ip netns add` would leave a mount on /run/netns.
  await host.run('sh', '-c', `touch /run/netns/${name} && unshare --net=/run/netns/${name} true`);
  await host.run('ip', '-n', name, 'link', 'set', 'lo', 'up');
  if (n > 0) {
    await host.run('ip', 'link', 'add', `v${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await host.run('ip', 'addr', 'add', `10.77.${n}.1/24`, 'dev', `v${n}`);
    await host.run('ip', 'link', 'set', `v${n}`, 'up');
    await host.run('ip', '-n', name, 'addr', 'add', `10.77.${n}.2/24`, 'dev', 'eth0');
    await host.run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
    await host.run('ip', '-n', name, 'route', 'add', 'default', 'via', `10.77.${n}.1`);
  }
  const place: Place = {
    exec: async (argv, options) => host.exec([...netns, ...argv], options),
    run: async (...argv) => host.run(...netns, ...argv),
    spawn: (argv, options) => host.spawn([...netns, ...argv], options),
  };
  const dig = async (...args: string[]): Promise<string> => {
    const { stdout } = await place.exec(['dig', '@127.0.0.11', '+tries=1', '+time=6', ...args]);
    return stdout;
  };
  return {
    ...place,
    path: `/run/netns/${name}`,
    dig,
    short: async (...args) =>
      (await dig('+short', ...args))
        .split('\n')
        .filter((line) => line !== '')
        .sort(),
    async [Symbol.asyncDispose]() {
      await host.run('sh', '-c', `umount -l /run/netns/${name} && rm /run/netns/${name}`);
    },
  };
}

export interface NameServer extends AsyncDisposable {
  /** `udp|tcp name type` of every query so far. */
  readonly queries: string[];
}

export async function startServer(place: Place, address: string, delay = 0): Promise<NameServer> {
  const child: ChildProcess = place.spawn(node('server-process.ts', address, String(delay)), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout);
  const queries: string[] = [];
  let ready = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') ready = true;
    else queries.push(line);
  });
  await until(() => ready, 10_000, 'the name server');
  return {
    queries,
    async [Symbol.asyncDispose]() {
      await killInside(child);
    },
  };
}

export const sandbox = (id: string, path: string, change: Partial<SandboxNames> = {}): SandboxNames => ({
  sandboxId: id,
  namespacePath: path,
  nameservers: [],
  forward: true,
  endpoints: [],
  ...change,
});

export const endpoint = (
  network: string,
  address: string | readonly string[],
  names: readonly string[],
  links: Record<string, string> = {},
): SandboxNames['endpoints'][number] => ({
  networkId: `${network}-id`,
  networkName: network,
  addresses: typeof address === 'string' ? [address] : address,
  names,
  links,
});
