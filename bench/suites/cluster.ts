/**
 * What a cluster costs each of its hosts as it grows: a host joins one of simulated hosts with 100 endpoints each, takes part in all their
 * networks, is idle, and hears of changes. The registry alone, without links; on a real etcd of one member.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { hex, network, settingsOf } from '../../src/cluster/testing-hosts.ts';
import { encodeNetwork } from '../../src/cluster/network-record.ts';
import { clusterKeys } from '../../src/cluster/keys.ts';
import { startMembers, withoutEtcd } from '../../test/etcd/members.ts';
import type { Members } from '../../test/etcd/members.ts';
import { connect } from '../../test/etcd/remote.ts';
import { createHost, type Host } from '../../test/support/host.ts';
import { figures, type Figures } from '../stats.ts';
import type { Joined, Used } from '../workers/registry.ts';
import type { Simulated } from '../workers/simulated-hosts.ts';
import { startWorker } from './callers.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

const ENDPOINTS = 100;
const NETWORKS = 10;
const IDLE = 5000;
const CHANGES = 500;

export async function cluster({ quick, rounds, say }: SuiteContext): Promise<Row[]> {
  if (withoutEtcd !== false) {
    say(`the cluster is left out: it ${withoutEtcd}`);
    return [];
  }
  await using host = await createHost();
  await using etcd = await startMembers([{ host, address: '127.0.0.1' }]);
  const sizes = quick ? [2, 5] : [10, 30, 100];
  const all: ({ size: number } & Measured)[] = [];
  for (const size of sizes) {
    say(`a cluster of ${size} hosts with ${ENDPOINTS} endpoints each`);
    all.push({ size, ...(await measure(host, etcd, size, quick ? 2 : Math.ceil(rounds / 3))) });
  }
  const largest = all.at(-1);
  const bySize = (of: (one: (typeof all)[number]) => Figures): Record<string, Figures> =>
    Object.fromEntries(all.map((one) => [`${one.size} hosts`, of(one)]));
  const of = (from: Figures | undefined): number => from?.max ?? Number.NaN;
  return [
    {
      what: `a host joins a cluster and learns all ${ENDPOINTS} endpoints of each other host, on ${NETWORKS} networks`,
      unit: 'ms',
      figures: bySize(({ joined }) => joined),
      targets: target('longest (ms)', of(largest?.joined), 2000),
    },
    {
      what: 'what it then takes more of memory, resident',
      unit: 'MB',
      figures: {
        ...bySize(({ memory }) => memory),
        ...prefixed(
          'collected, ',
          bySize(({ collected }) => collected),
        ),
      },
      targets: target('most (MB)', of(largest?.memory), 60),
      notes: ['Right after joining; "collected" when the garbage of it was thrown away.'],
    },
    {
      what: 'processor time of a host in each second in which nothing happens',
      unit: 'ms',
      figures: bySize(({ idle }) => idle),
      targets: [],
    },
    {
      what: 'processor time of a host for each endpoint that comes or goes on another one',
      unit: 'µs',
      figures: bySize(({ change }) => change),
      targets: [],
    },
  ];
}

const prefixed = (prefix: string, of: Record<string, Figures>): Record<string, Figures> =>
  Object.fromEntries(Object.entries(of).map(([name, one]) => [prefix + name, one]));

interface Measured {
  joined: Figures;
  memory: Figures;
  collected: Figures;
  idle: Figures;
  change: Figures;
}

async function measure(host: Host, etcd: Members, size: number, rounds: number): Promise<Measured> {
  const prefix = `/bench-${size}`;
  const networks = Array.from({ length: NETWORKS }, (_, i) => ({ id: hex(i + 1), base: `10.${i + 1}` }));
  await using stack = new AsyncDisposableStack();
  const client = stack.use(connect(host, { endpoints: etcd.endpoints, timeout: 5000 }));
  for (const [i, { id }] of networks.entries()) {
    const put = clusterKeys(prefix).network(id);
    await client.transact({ when: [], then: [{ put, value: encodeNetwork(network(i + 1)) }] });
  }
  const simulated: Simulated = { etcd: etcd.endpoints, prefix, hosts: size - 1, endpoints: ENDPOINTS, networks };
  const others = stack.use(await startWorker(host, 'simulated-hosts.ts', { SIMULATED: simulated }, String));
  const registry = {
    settings: settingsOf('a', { store: { endpoints: etcd.endpoints, timeout: 5000 }, prefix, timeout: 30_000 }),
    follow: networks.map(({ id }) => id),
  };
  const samples = { joined: [] as number[], memory: [] as number[], collected: [] as number[] };
  const idle: number[] = [];
  const change: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using joined = await startWorker(
      host,
      'registry.ts',
      { REGISTRY: registry },
      (line) => JSON.parse(line) as Joined | Used,
    );
    const { milliseconds, megabytes, endpoints } = joined.first as Joined;
    if (endpoints !== (size - 1) * ENDPOINTS) throw new Error(`${endpoints} endpoints were told`);
    samples.joined.push(milliseconds);
    samples.memory.push(megabytes.after - megabytes.before);
    samples.collected.push(megabytes.collected - megabytes.before);
    if (round > 0) continue;
    await sleep(IDLE);
    const quiet = (await joined.ask('')) as Used;
    idle.push(quiet.milliseconds / quiet.seconds);
    await others.ask(`change ${CHANGES}`);
    await sleep(500);
    const busy = (await joined.ask('')) as Used;
    if (busy.changes !== 2 * CHANGES) throw new Error(`${busy.changes} changes were told`);
    change.push((busy.milliseconds * 1000) / busy.changes);
  }
  return {
    joined: figures(samples.joined),
    memory: figures(samples.memory),
    collected: figures(samples.collected),
    idle: figures(idle),
    change: figures(change),
  };
}
