import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createHost } from '../../test/support/host.ts';
import { pidsWhere } from '../process.ts';
import type { Peer } from './peer.ts';

export interface Berth extends Peer {
  readonly socket: string;
  /** Directories of the daemon, for the floor, which takes a bundle as a pattern from there. */
  readonly dataRoot: string;
  readonly execRoot: string;
}

/**
 * berthd from its bundle, as users start it; `args` are added to its flags. At the end it must have left nothing behind;
 * with `abandon` it is killed and whatever it holds goes with its host: to take a thousand containers away one by one
 * would take minutes.
 */
export async function startBerth({
  args = [],
  abandon = false,
}: { args?: readonly string[]; abandon?: boolean } = {}): Promise<Berth> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const host = await createHost({ outside: true, leavesContainers: abandon });
  const daemon = await host.startDaemon({ args });
  await daemon.dockerOk('run', '--rm', 'busybox', 'true');
  return {
    name: 'berth',
    version: `berth ${version}, Node ${process.version}`,
    socket: daemon.socket,
    dataRoot: daemon.dataRoot,
    execRoot: daemon.execRoot,
    host,
    client: (args) => ['docker', '-H', `unix://${daemon.socket}`, ...args],
    ownClient: (args) => ['bin/berth', '-H', `unix://${daemon.socket}`, ...args],
    daemonPids: () => [daemon.pid],
    monitorPids: () =>
      pidsWhere((argv) => argv[0]?.endsWith('conmon') === true && argv.some((a) => a.startsWith(host.root))),
    async [Symbol.asyncDispose]() {
      if (!daemon.running()) process.stderr.write(`bench: berthd ended by itself. It said:\n${daemon.log()}\n`);
      const failures = daemon.log().match(/^.*a request failed.*$/gm) ?? [];
      if (failures.length > 0) process.stderr.write(`bench: berthd said:\n${failures.join('\n')}\n`);
      if (abandon) {
        // PID 1 of the host is gone only when all its processes are, and then their cgroups can be removed.
        process.kill(host.pid, 'SIGKILL');
        while (existsSync(`/proc/${host.pid}`)) await delay(20);
      }
      await host[Symbol.asyncDispose]();
    },
  };
}
