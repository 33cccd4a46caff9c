/**
 * Throw-away hosts on one wire, each with its own berthd and no etcd but the one that Berth manages.
 *
 *     await using hosts = await startHosts(3);
 *     const [a, b] = hosts.all;              // 'h1' and 'h2'
 *     const token = await init(a);
 *     await b.daemon.berthOk('cluster', 'join', token);
 *
 * On dispose every host leaves its cluster, so that what is left on it is what a cluster must not leave.
 */
import { existsSync } from 'node:fs';
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

export interface ManagedHosts extends AsyncDisposable {
  underlay: Underlay;
  all: readonly ManagedHost[];
}

const missing = ['etcd', 'etcdctl', 'openssl'].filter((program) => !existsSync(`/usr/bin/${program}`));
/** For `skip`. */
export const withoutPrograms = missing.length > 0 && `missing ${missing.join(', ')}`;

export async function startHosts(
  count: number,
  { args = [] }: { args?: readonly string[] } = {},
): Promise<ManagedHosts> {
  await using undo = new AsyncDisposableStack();
  const underlay = undo.use(await createUnderlay());
  const all: ManagedHost[] = [];
  for (let number = 1; number <= count; number++) {
    const host = undo.use(await underlay.host(number, { outside: true }));
    const name = `h${number}`;
    const daemon = await host.startDaemon({
      args: [
        `--cluster-name=${name}`,
        '--cluster-advertise=under0',
        '--cluster-lease=5',
        '--cluster-timeout=3',
        ...args,
      ],
    });
    all.push({ name, number, address: address4(number), host, daemon, directory: `${daemon.dataRoot}/cluster` });
    // The members that are left decide: the last one goes last.
    undo.defer(async () => {
      if (daemon.running()) await daemon.berth('cluster', 'leave', '--force');
    });
  }
  const stack = undo.move();
  return { underlay, all, [Symbol.asyncDispose]: async () => stack.disposeAsync() };
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

/** PIDs of etcd as the host numbers them. */
export async function etcdsOn({ host }: ManagedHost): Promise<number[]> {
  const { stdout } = await host.exec(['pgrep', '-x', 'etcd']);
  return stdout.split('\n').filter(Boolean).map(Number);
}
