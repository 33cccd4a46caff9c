import { execFileSync } from 'node:child_process';
import { noDockerd, startDockerd as start } from '../../test/support/dockerd.ts';
import { createHost } from '../../test/support/host.ts';
import { pidsWhere, run } from '../process.ts';
import type { Peer } from './peer.ts';

/** dockerd with a containerd of its own, as it comes; undefined where it is not installed. `archive`: a docker-archive of busybox. */
export async function startDockerd(archive: string): Promise<Peer | undefined> {
  if (noDockerd !== false) return undefined;
  const host = await createHost({ outside: true, leavesContainers: true });
  const dockerd = await start(host);
  const { socket } = dockerd;
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
      await dockerd[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
}
