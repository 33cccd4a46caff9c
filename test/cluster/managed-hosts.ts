/**
 * Throw-away hosts on one wire, each with its own berthd and no etcd but the one that Berth manages.
 *
 *     clusterTest('…', {}, async ([a, b, c], underlay) => {    // 'h1', 'h2', 'h3'
 *       const token = await init(a);
 *       await b.daemon.berthOk('cluster', 'join', token);
 *     });
 *
 * At the end etcd is ended everywhere: that the last `cluster leave` leaves nothing is for tests to show.
 */
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { messageOf } from '../../src/errors.ts';
import type { Daemon } from '../support/daemon.ts';
import type { ExecResult, Host } from '../support/host.ts';
import { address4, createUnderlay } from '../support/underlay.ts';
import type { Underlay } from '../support/underlay.ts';

export interface ManagedHost {
  name: string;
  address: string;
  /** Of its port on the wire. */
  number: number;
  host: Host;
  daemon: Daemon;
  /** <data-root>/cluster */
  directory: string;
}

const missing = ['etcd', 'etcdctl', 'openssl'].filter((program) => !existsSync(`/usr/bin/${program}`));
const withoutPrograms = missing.length > 0 && `missing ${missing.join(', ')}`;

interface Options {
  /** Of every berthd. */
  args?: readonly string[];
}

type Three = readonly [ManagedHost, ManagedHost, ManagedHost];

export function clusterTest(
  name: string,
  { args = [] }: Options,
  body: (hosts: Three, underlay: Underlay) => Promise<void>,
): void {
  onUnderlay(name, async (underlay, stack) => {
    const start = async (number: number): Promise<ManagedHost> => startHost(stack, underlay, number, args);
    await body(await Promise.all([start(1), start(2), start(3)]), underlay);
  });
}

export function hostTest(name: string, body: (host: ManagedHost) => Promise<void>): void {
  onUnderlay(name, async (underlay, stack) => body(await startHost(stack, underlay, 1, [])));
}

/** What fails first is what is reported. */
function onUnderlay(name: string, body: (underlay: Underlay, stack: AsyncDisposableStack) => Promise<void>): void {
  void test(name, { skip: withoutPrograms }, async () => {
    const stack = new AsyncDisposableStack();
    let failure: unknown;
    try {
      await body(stack.use(await createUnderlay()), stack);
    } catch (error) {
      failure = error;
    }
    try {
      await stack.disposeAsync();
    } catch (error) {
      if (failure === undefined) throw error;
      process.stderr.write(`${name}: after the failure below: ${messageOf(error)}\n`);
    }
    if (failure !== undefined) throw failure as Error;
  });
}

async function startHost(
  stack: AsyncDisposableStack,
  underlay: Underlay,
  number: number,
  args: readonly string[],
): Promise<ManagedHost> {
  const host = stack.use(await underlay.host(number, { outside: true }));
  const name = `h${number}`;
  const daemon = await host.startDaemon({
    args: [`--cluster-name=${name}`, '--cluster-advertise=under0', '--cluster-lease=5', '--cluster-timeout=3', ...args],
  });
  stack.defer(async () => {
    if (daemon.running()) await daemon.removeContainers();
    await daemon.stop();
    await host.exec(['pkill', '-9', '-x', 'etcd']);
  });
  return { name, number, address: address4(number), host, daemon, directory: `${daemon.dataRoot}/cluster` };
}

/** Makes a cluster; resolves to the token that was printed. */
export async function init({ daemon }: ManagedHost, ...args: string[]): Promise<string> {
  const text = await daemon.berthOk('cluster', 'init', ...args);
  return /berth cluster join (\S+)/.exec(text)?.[1] ?? '';
}

export interface Status {
  Kind: string;
  State: string;
  Reason: string;
  Endpoints: string[];
  Quorum: { Voters: number; Answering: number } | null;
  Hosts: { Name: string; Address: string; Self: boolean; Role: string; State: string }[];
}

export async function statusOf({ daemon }: ManagedHost): Promise<Status> {
  return (await daemon.api<Status>('GET', '/berth/cluster')).body;
}

/** Name and role of every host that is heard of: 'h1 leader'. */
export async function rolesSeenBy(host: ManagedHost): Promise<string[]> {
  const { Hosts } = await statusOf(host);
  return Hosts.filter(({ State }) => State === 'up').map(({ Name, Role }) => `${Name} ${Role}`);
}

/** With the host's own certificate, at whichever host's etcd. */
export async function etcdctl({ host, directory }: ManagedHost, at: string, ...args: string[]): Promise<ExecResult> {
  const tls = [`--cacert=${directory}/ca.pem`, `--cert=${directory}/host.pem`, `--key=${directory}/host-key.pem`];
  return host.exec(['etcdctl', `--endpoints=https://${at}:2379`, '--dial-timeout=2s', ...tls, ...args], {
    env: { ...process.env, ETCDCTL_API: '3' },
  });
}

/** 'ADDRESS:PORT' of what listens for others in the host's network (not on loopback), of TCP. */
export async function listeners({ host }: ManagedHost): Promise<string[]> {
  const lines = (await host.run('ss', '-Hltn')).split('\n').filter(Boolean);
  return lines
    .map((line) => line.trim().split(/\s+/)[3] ?? '')
    .filter((local) => !/^(127\.|\[::1\])/.test(local))
    .toSorted();
}

/** PIDs of etcd as the host numbers them; not of one that has ended and was not waited for yet. */
export async function etcdsOn({ host }: ManagedHost): Promise<number[]> {
  const { stdout } = await host.exec(['pgrep', '-r', 'DRST', '-x', 'etcd']);
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** As etcd itself says, to whoever has a certificate. */
export async function voters(seenBy: ManagedHost, at: ManagedHost): Promise<string[]> {
  const { stdout, stderr, code } = await etcdctl(seenBy, at.address, 'member', 'list', '-w', 'json');
  assert.equal(code, 0, stderr);
  const { members } = JSON.parse(stdout) as { members: { name: string; isLearner?: boolean }[] };
  return members
    .filter(({ isLearner }) => isLearner !== true)
    .map(({ name }) => name)
    .toSorted();
}

/** Of a host: 'up', 'down'… */
export const stateOf = async (seenBy: ManagedHost, name: string): Promise<string | undefined> =>
  (await statusOf(seenBy)).Hosts.find(({ Name }) => Name === name)?.State;
