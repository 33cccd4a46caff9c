/** The tour's own berthd, and this program as its client. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { createClient } from '../http/client.ts';
import { BRIDGE_IP, type HostName } from './steps.ts';
import type { World } from './world.ts';

/** Milliseconds until berthd must answer. */
const PATIENCE = 20_000;

const node = [process.execPath, '--disable-warning=ExperimentalWarning'];

/** The two programs lie side by side, bundled or as source. */
function programs(): { berth: string[]; berthd: string[] } {
  const berth = realpathSync(process.argv[1] ?? '');
  const extension = extname(berth);
  const berthd = join(dirname(berth), `berthd${extension}`);
  if (!basename(berth).startsWith('berth') || !existsSync(berthd)) throw new Error(`berthd is not beside ${berth}`);
  return { berth: [...node, berth], berthd: [...node, berthd] };
}

export interface Daemon {
  /** argv of `berth` with this daemon's socket. */
  berth: readonly string[];
}

export async function startDaemon(world: World, on: HostName): Promise<Daemon> {
  const { berth, berthd } = programs();
  const { cgroup } = world;
  const root = `${world.root}/${on}`;
  mkdirSync(root);
  const socket = `unix://${root}/berth.sock`;
  writeFileSync(`${root}/daemon.json`, '{}');
  const argv = [
    ...berthd,
    `--data-root=${root}/data`,
    // The usual place, after which the firewall's table is named; /run is the world's own.
    '--exec-root=/run/berth',
    '--pidfile=/run/berth/berth.pid',
    `--config-file=${root}/daemon.json`,
    `--cgroup-parent=${cgroup}`,
    `--host=${socket}`,
    `--bip=${BRIDGE_IP}`,
    `--cluster-name=${on}`,
  ];
  const daemon = world.spawn(argv, on);
  const log = logOf(daemon);
  const client = createClient(socket);
  for (const end = Date.now() + PATIENCE; ; await sleep(20)) {
    try {
      (await client.stream('GET', '/_ping')).destroy();
      return { berth: [...berth, '-H', socket] };
    } catch (error) {
      if (daemon.exitCode !== null || Date.now() > end) {
        throw new Error(`berthd did not start: ${messageOf(error)}\n${log()}`, { cause: error });
      }
    }
  }
}

/** The end of what it said. */
function logOf(daemon: ChildProcess): () => string {
  let log = '';
  const collect = (data: Buffer): void => {
    log = (log + data.toString()).slice(-4000);
  };
  daemon.stdout?.on('data', collect);
  daemon.stderr?.on('data', collect);
  return () => log.trim();
}
