/**
 * The cluster's registry on one host, without a network behind it. Settings are JSON in REGISTRY. Joins, follows all networks, and writes one
 * JSON object a line: first what that took; then, on each line of standard input, what it has used and been told since the last one.
 * Run with --expose-gc.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createCluster } from '../../src/cluster/cluster.ts';
import type { ClusterSettings } from '../../src/cluster/deps.ts';
import { createEtcd } from '../../src/cluster/etcd/client.ts';
import { silent } from '../../src/log.ts';

export interface Joined {
  /** From join() until all endpoints of the followed networks were told. */
  milliseconds: number;
  /** Resident, before and after; `collected`: when what is not needed any more was thrown away. */
  megabytes: { before: number; after: number; collected: number };
  networks: number;
  endpoints: number;
}

export interface Used {
  /** Of the processor. */
  milliseconds: number;
  seconds: number;
  changes: number;
}

const settings = JSON.parse(process.env['REGISTRY'] ?? '') as { settings: ClusterSettings; follow: readonly string[] };
const now = (): number => performance.now();
/** proc_pid_status(5): kB. */
const resident = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
const collect = (): void => {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
};

const control = createCluster({
  connect: createEtcd,
  clock: {
    now,
    later(milliseconds, body) {
      const timer = setTimeout(body, milliseconds);
      return () => clearTimeout(timer);
    },
  },
  log: silent,
  mtuOf: () => 1500,
  version: '0.0.0',
});
let networks = 0;
let endpoints = 0;
let changes = 0;
const listener = {
  networkAdded: () => void networks++,
  networkRemoved: () => void networks--,
  peersChanged(_: string, { added, removed }: { added: readonly unknown[]; removed: readonly unknown[] }) {
    endpoints += added.length - removed.length;
    changes += added.length + removed.length;
  },
  endpointLost() {},
};

collect();
const before = resident();
const began = now();
control.cluster.begin(listener, []);
const joining = control.join(settings.settings);
await Promise.all([joining, ...settings.follow.map(async (id) => control.cluster.follow(id))]);
const milliseconds = now() - began;
const after = resident();
collect();
const say = (one: Joined | Used): void => void process.stdout.write(`${JSON.stringify(one)}\n`);
say({ milliseconds, megabytes: { before, after, collected: resident() }, networks, endpoints });

let cpu = process.cpuUsage();
let at = now();
for await (const _ of createInterface({ input: process.stdin })) {
  const { user, system } = process.cpuUsage(cpu);
  say({ milliseconds: (user + system) / 1000, seconds: (now() - at) / 1000, changes });
  cpu = process.cpuUsage();
  at = now();
  changes = 0;
}
await control.cluster.close({ keep: false });
