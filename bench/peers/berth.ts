import { readFileSync } from 'node:fs';
import { createHost } from '../../test/support/host.ts';
import { pidsWhere } from '../process.ts';
import type { Peer } from './peer.ts';

export interface Berth extends Peer {
  readonly socket: string;
  /** Directories of the daemon, for the floor, which takes a bundle as a pattern from there. */
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Runs a program where the daemon runs. */
  readonly host: Awaited<ReturnType<typeof createHost>>;
}

/** berthd from its bundle, as users start it. */
export async function startBerth(): Promise<Berth> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const host = await createHost({ outside: true });
  const daemon = await host.startDaemon();
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
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}
