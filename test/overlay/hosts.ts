/**
 * Throw-away hosts of one cluster, each with its own berthd, on one wire with an etcd.
 *
 *     await using cluster = await startCluster(2);
 *     const [a, b] = cluster.members;          // 'h1' and 'h2'
 *     await a.daemon.dockerOk('network', 'create', '-d', 'overlay', 'wide');
 *     await cluster.etcd.kill(0);              // see test/etcd/members.ts
 *     await cluster.underlay.cut(2);           // see test/support/underlay.ts; etcd is behind port 9 (and 8, 7)
 */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { address4, address6, createUnderlay } from '../support/underlay.ts';
import type { Underlay } from '../support/underlay.ts';
import { startMembers } from '../etcd/members.ts';
import type { Members } from '../etcd/members.ts';

export interface ClusterMember {
  /** 'h1': its name in the cluster. */
  name: string;
  /** Number of its port on the wire. */
  number: number;
  address: string;
  host: Host;
  daemon: Daemon;
}

export interface TestCluster extends AsyncDisposable {
  underlay: Underlay;
  etcd: Members;
  members: readonly ClusterMember[];
}

export interface ClusterOptions {
  /** Family of the underlay's addresses. */
  family?: 4 | 6;
  /** Members of etcd, each on a host of its own. */
  etcd?: 1 | 3;
  args?: readonly string[];
}

/** Seconds: the shortest lease, and how long a call waits for the store. */
export const LEASE = 5;
export const TIMEOUT = 2;

export async function startCluster(size: number, options: ClusterOptions = {}): Promise<TestCluster> {
  await using undo = new AsyncDisposableStack();
  const underlay = undo.use(await createUnderlay());
  const ports = options.etcd === 3 ? [9, 8, 7] : [9];
  const places = [];
  for (const port of ports) places.push({ host: undo.use(await underlay.host(port)), address: address4(port) });
  const etcd = undo.use(await startMembers(places));
  const members: ClusterMember[] = [];
  for (let number = 1; number <= size; number++) {
    const host = undo.use(await underlay.host(number, { outside: true }));
    const address = options.family === 6 ? address6(number) : address4(number);
    const name = `h${number}`;
    const daemon = await host.startDaemon({
      args: [
        `--cluster-store=${etcd.endpoints.join(',').replaceAll('http://', '').replace(/^/, 'etcd://')}`,
        `--cluster-advertise=${address}`,
        `--cluster-name=${name}`,
        `--cluster-lease=${LEASE}`,
        `--cluster-timeout=${TIMEOUT}`,
        ...(options.args ?? []),
      ],
    });
    members.push({ name, number, address, host, daemon });
  }
  const all = undo.move();
  return { underlay, etcd, members, [Symbol.asyncDispose]: async () => all.disposeAsync() };
}

/** Address of the container on the network, without prefix. */
export async function addressOf({ daemon }: ClusterMember, container: string, network: string): Promise<string> {
  const { body } = await daemon.api<{ NetworkSettings: { Networks: Record<string, { IPAddress: string }> } }>(
    'GET',
    `/containers/${container}/json`,
  );
  const address = body.NetworkSettings.Networks[network]?.IPAddress;
  assert.ok(address, `${container} has no address on ${network}`);
  return address;
}

/** Names of the links that networks of several hosts have made on the host. */
export async function tunnelsOf({ host }: ClusterMember): Promise<string[]> {
  const links = JSON.parse(await host.run('ip', '-j', 'link')) as { ifname: string }[];
  return links.map(({ ifname }) => ifname).filter((name) => /^(vx|br)-/.test(name));
}
