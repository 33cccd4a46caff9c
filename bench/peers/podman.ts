import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createHost } from '../../test/support/host.ts';
import { run } from '../process.ts';
import type { Peer } from './peer.ts';

/** Podman has no daemon: its client does the work. undefined where it is not installed. */
export async function startPodman(archive: string): Promise<Peer | undefined> {
  if (!existsSync('/usr/bin/podman')) return undefined;
  const host = await createHost({ outside: true, leavesContainers: true });
  const base = [
    'podman',
    '--root',
    `${host.root}/data`,
    '--runroot',
    `${host.root}/run`,
    '--tmpdir',
    `${host.root}/tmp`,
  ];
  const enter = ['nsenter', '-t', `${host.pid}`, '-n', '-m', '-p', '--'];
  const global = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime', 'crun'];
  const client = (args: readonly string[]): string[] => [...enter, ...base, ...global, ...args];
  await run(client(['load', '-q', '-i', archive]));
  await run(client(['run', '--rm', 'busybox', 'true']));
  return {
    name: 'podman',
    version: execFileSync('podman', ['--version'], { encoding: 'utf8' }).trim(),
    host,
    socket: undefined,
    client,
    daemonPids: () => [],
    monitorPids: () => [],
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}
