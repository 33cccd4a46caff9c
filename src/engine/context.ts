/** What every part of the engine works with. */
import { posix } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { DaemonSettings } from '../daemon/settings.ts';
import type { Publish } from '../model/events.ts';
import type { Sandboxes } from '../network/port.ts';
import type { Store } from '../store/store.ts';
import type { ExecTable } from './exec-table.ts';
import type { Turns } from './health/turns.ts';
import type { Images } from './images/port.ts';
import type { Paths } from './paths.ts';
import type { SeccompFilters } from './process/seccomp-filters.ts';
import type { Container, Registry } from './registry.ts';
import type { VolumeBook } from './volumes/book.ts';

export interface EngineDeps {
  settings: DaemonSettings;
  store: Store;
  images: Pick<Images, 'resolve' | 'commit'>;
  sandboxes: Sandboxes;
  publish: Publish;
  log: Logger;
  /** argv of berth-files (files/worker.ts). */
  filesProgram: readonly string[];
  /** How leaveHybridCgroups() of linux/mounts.ts ended; 'refused' makes runc take crun's place. */
  hybridCgroups?: 'plain' | 'left' | 'refused';
  /** Milliseconds that the runtime gets for one process; two minutes when undefined. */
  runtimePatience?: number;
}

export interface Runtime {
  path: string;
  /** crun's start protocol is spoken directly; runc is called. */
  kind: 'crun' | 'runc';
}

export interface Context extends EngineDeps {
  paths: Paths;
  registry: Registry;
  volumes: VolumeBook;
  filters: SeccompFilters;
  execs: ExecTable;
  /** Of the probes of all containers. */
  probeTurns: Turns;
  runtime: Runtime;
  conmon: string;
  /** CapBnd of /proc/self/status. */
  capabilities: bigint;
  cgroupV2: boolean;
  /** Starts a container; here so that the end of one run (exit.ts) can begin the next without a circle of imports. */
  start: (container: Container) => Promise<void>;
  /** The daemon ends: nothing new is begun on its own account. */
  ending: boolean;
}

export function save(context: Context, container: Container): void {
  context.store.put('container', container.id, container.record);
}

/**
 * For what has happened and is true whether it can be written or not: a disk that is full ends neither berthd nor whoever waits. False
 * when only memory has it; the next berthd finds it out anew.
 */
export function saveIfPossible(context: Context, container: Container): boolean {
  try {
    save(context, container);
    return true;
  } catch (error) {
    context.log.error('the state of a container was not written', { container: container.id, error: messageOf(error) });
    return false;
  }
}

/** Event attributes as Docker's: image, name, labels, and what the event adds. */
export function publish(
  context: Context,
  container: Container,
  action: string,
  extra: Readonly<Record<string, string>> = {},
): void {
  const { config, name } = container.record;
  context.publish('container', action, container.id, { ...config.Labels, image: config.Image, name, ...extra });
}

export const cgroupOf = (context: Context, { record }: Container): string =>
  `/${parentCgroup(context, record.hostConfig.CgroupParent)}/${record.id}`;

/** Without slashes at its ends, and without a way up. */
export const parentCgroup = (context: Context, own: string): string =>
  posix.normalize(`/${own || context.settings.cgroupParent || 'berth'}`).replace(/^\/+|\/+$/g, '') || 'berth';
