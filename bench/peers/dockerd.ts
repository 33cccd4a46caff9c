import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createHost } from '../../test/support/host.ts';
import { EngineClient } from '../api.ts';
import { pidsWhere, run } from '../process.ts';
import type { Peer } from './peer.ts';

/** dockerd with a containerd of its own, as it comes; undefined where it is not installed. `archive`: a docker-archive of busybox. */
export async function startDockerd(archive: string): Promise<Peer | undefined> {
  if (!existsSync('/usr/sbin/dockerd') && !existsSync('/usr/bin/dockerd')) return undefined;
  const host = await createHost({ outside: true, leavesContainers: true });
  const socket = `${host.root}/docker.sock`;
  const argv = [
    'dockerd',
    '--data-root',
    `${host.root}/data`,
    '--exec-root',
    `${host.root}/run`,
    '-p',
    `${host.root}/pid`,
    '-H',
    `unix://${socket}`,
  ];
  const dockerd = host.spawn([...argv, '--cgroup-parent', host.cgroupParent], { stdio: 'ignore' });
  const client = new EngineClient(socket);
  for (let tries = 0; ; tries++) {
    if (
      await client.call('GET', '/version').then(
        () => true,
        () => false,
      )
    )
      break;
    if (tries > 100) throw new Error('dockerd did not get ready');
    await delay(200);
  }
  client.close();
  await run(['docker', '-H', `unix://${socket}`, 'load', '-q', '-i', archive]);
  const ours = (argv: string[]): boolean => argv.some((a) => a.includes(host.root));
  return {
    name: 'dockerd',
    version: execFileSync('dockerd', ['--version'], { encoding: 'utf8' }).trim(),
    host,
    socket,
    client: (args) => ['docker', '-H', `unix://${socket}`, ...args],
    daemonPids: () => pidsWhere((argv) => /(^|\/)(dockerd|containerd)$/.test(argv[0] ?? '') && ours(argv)),
    monitorPids: () => pidsWhere((argv) => (argv[0] ?? '').includes('containerd-shim') && ours(argv)),
    async [Symbol.asyncDispose]() {
      dockerd.kill('SIGTERM');
      await delay(500);
      await host[Symbol.asyncDispose]();
    },
  };
}
