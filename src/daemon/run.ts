/**
 * The life of berthd: settings, locks, store, parts, API; then signals until the end. What the parts are is decided by
 * the composition root, so that this order can be tested without them.
 */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createApi } from '../api/index.ts';
import type { Images } from '../engine/images/port.ts';
import type { ClusterCommands } from '../cluster/managed/port.ts';
import type { ContainerFiles } from '../engine/files/port.ts';
import type { Containers } from '../engine/port.ts';
import type { Volumes } from '../engine/volumes/port.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { EventBus } from '../model/events.ts';
import type { Networks } from '../network/port.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';
import { parseArgv } from './argv.ts';
import { loadConfig } from './config.ts';
import { helpText } from './help.ts';
import { openListeners } from './listeners.ts';
import { takePidfile, takeRoot } from './locks.ts';
import { createLog } from './log.ts';
import type { DaemonLog } from './log.ts';
import { notify } from './notify.ts';
import { preflight, surroundings } from './preflight.ts';
import type { DaemonSettings } from './settings.ts';
import { createSystem } from './system.ts';
import { BERTH_VERSION } from './version.ts';

export interface Parts {
  containers: Containers;
  files: ContainerFiles;
  images: Images;
  networks: Networks;
  volumes: Volumes;
  cluster: ClusterCommands;
  /** Learns which containers run, takes over their networks, rebuilds every rule. Before the first request. */
  restore(): Promise<void>;
  /** Ends what belongs to the daemon; containers go on. */
  shutdown(): Promise<void>;
}

export interface PartsContext {
  settings: DaemonSettings;
  store: Store;
  events: EventBus;
  log: Logger;
  /** 'refused': crun cannot work here. */
  hybridCgroups: 'plain' | 'left' | 'refused';
}

export interface Composition {
  /** Before any thread is born, as it moves the whole process: linux/mounts.ts. */
  leaveHybridCgroups(): { outcome: PartsContext['hybridCgroups']; reason?: string };
  compose(context: PartsContext): Parts | Promise<Parts>;
}

/** Milliseconds that requests under way are given at most; those without an end (`events`) are cut at once. */
const LONGEST_FINISH = 2000;

/** Returns the exit code; when it returns, nothing of the daemon is left but the containers. */
export async function runDaemon(argv: readonly string[], composition: Composition): Promise<number> {
  let config;
  try {
    const flags = parseArgv(argv);
    if (flags.get('help') === true) return say(helpText());
    if (flags.get('version') === true) return say(`Berth version ${BERTH_VERSION}\n`);
    config = loadConfig(argv, readIfThere);
    if (flags.get('validate') === true) return say('configuration OK\n');
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
  const { settings, warnings } = config;
  const log = createLog({ level: levelOf(settings), format: settings.logFormat });
  process.on('uncaughtException', (error) => {
    // The state in memory can no longer be trusted; the store and the containers can.
    log.fatal('berthd ends on an internal error; containers keep running', { error: error.stack ?? error.message });
    process.exit(2);
  });
  for (const warning of warnings) log.warn(warning);
  try {
    await serve(argv, settings, log, composition);
    return 0;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : undefined;
    log.fatal(messageOf(error), { cause });
    return 1;
  }
}

async function serve(
  argv: readonly string[],
  settings: DaemonSettings,
  log: DaemonLog,
  composition: Composition,
): Promise<void> {
  const began = performance.now();
  for (const warning of preflight(settings, surroundings())) log.warn(warning);
  const { outcome: hybridCgroups, reason } = composition.leaveHybridCgroups();
  if (hybridCgroups === 'left') {
    log.info('crun refuses hybrid cgroup hosts: the cgroup2 mount is out of sight for berthd and its containers');
  }
  if (reason !== undefined) log.warn(`cannot hide the cgroup2 mount of this host from crun: ${reason}`);
  // Creates every thread of the libuv pool now: one born later, while the main thread is in a container's network
  // namespace, would stay there for good.
  await stat('/');

  await using cleanup = new AsyncDisposableStack();
  const pidfile = takePidfile(settings.pidfile);
  cleanup.defer(() => pidfile.release({ remove: true }));
  for (const [flag, directory] of [
    ['exec-root', settings.execRoot],
    ['data-root', settings.dataRoot],
  ] as const) {
    const lock = takeRoot(flag, directory);
    cleanup.defer(() => lock.release());
  }
  const store = openSqliteStore(`${settings.dataRoot}/berth.db`);
  cleanup.defer(() => store.close());
  const events = new EventBus();
  const parts = await composition.compose({ settings, store, events, log, hybridCgroups });
  cleanup.defer(async () => parts.shutdown());
  await parts.restore();
  const system = createSystem({ settings, store, events, containers: parts.containers, images: parts.images });
  const api = createApi({ ...parts, events, system, log });
  const listeners = await openListeners(settings, () => api.createServer(), log);
  cleanup.defer(async () => {
    listeners.stopAccepting();
    api.close();
    await listeners.finish(Math.min(Math.max(settings.shutdownTimeout, 0) * 1000, LONGEST_FINISH));
  });

  const ended = untilSignal(log, () => reload(argv, settings, log));
  tellSystemd('READY=1', log);
  log.info('Daemon has completed initialization', {
    version: BERTH_VERSION,
    ms: Math.round(performance.now() - began),
  });
  const fate = settings.liveRestore === false ? 'end, too' : 'keep running';
  log.info(`ended by ${await ended}: containers ${fate}`);
  tellSystemd('STOPPING=1', log);
}

/** Resolves with the first SIGTERM or SIGINT; the third ends the process on the spot, as dockerd does. */
async function untilSignal(log: Logger, onHangup: () => void): Promise<string> {
  return new Promise((resolve) => {
    let count = 0;
    const end = (signal: string): void => {
      count++;
      if (count === 3) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
      resolve(signal);
    };
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
    process.on('SIGHUP', onHangup);
    // Node would open its debugger's port.
    process.on('SIGUSR1', () => log.info('SIGUSR1 has no meaning for berthd'));
  });
}

/** SIGHUP: debug, log level and labels are read again; a file that is wrong changes nothing. */
function reload(argv: readonly string[], settings: DaemonSettings, log: DaemonLog): void {
  try {
    const next = loadConfig(argv, readIfThere).settings;
    settings.debug = next.debug;
    settings.logLevel = next.logLevel;
    settings.labels = next.labels;
    log.setLevel(levelOf(settings));
    log.info('Reloaded configuration', { debug: settings.debug, 'log-level': settings.logLevel });
  } catch (error) {
    log.error(`the configuration was not reloaded: ${messageOf(error)}`);
  }
}

const levelOf = (settings: DaemonSettings): DaemonSettings['logLevel'] =>
  settings.debug ? 'debug' : settings.logLevel;

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function tellSystemd(state: string, log: Logger): void {
  try {
    notify(process.env.NOTIFY_SOCKET, state);
  } catch (error) {
    log.warn(`cannot tell the service manager ${state}: ${messageOf(error)}`);
  }
}
