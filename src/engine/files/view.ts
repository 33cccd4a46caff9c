/** Which files a container has now: those of its processes, or those that it would be started with. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { conflict, unavailable } from '../../errors.ts';
import { isAlive } from '../../linux/pidfd.ts';
import type { Bind } from '../../linux/private-view.ts';
import type { Context } from '../context.ts';
import type { ContainerRecord, MountRecord } from '../record.ts';
import type { Container } from '../registry.ts';
import type { View } from './job.ts';

export interface Opened {
  view: View;
  /** Of the running container's mounts. */
  namespace: number | undefined;
  [Symbol.dispose](): void;
}

const opened = (view: View, namespace?: number): Opened => ({
  view,
  namespace,
  [Symbol.dispose]() {
    if (namespace !== undefined) closeSync(namespace);
  },
});

/** Dispose when berth-files has been started: it has its own descriptor then. `mounts`: with sources that can be bound. */
export function openView(
  context: Context,
  container: Container,
  wanted: 'mounted' | 'root' | 'layers',
  mounts: readonly MountRecord[],
): Opened {
  const { record } = container;
  if (container.removing || record.state.Dead) {
    throw conflict(`container ${record.id} is marked for removal and its files are gone`);
  }
  const { paths } = context;
  const { id, lowerDirs } = record;
  const gone = lowerDirs.find((directory) => !existsSync(directory));
  if (gone !== undefined) {
    throw unavailable(`a layer of the container's image is gone (${gone}): pull ${record.config.Image} again`);
  }
  // Any directory will do: what is mounted over it is seen by nobody else.
  const layers = { at: paths.container(id), lowerDirs, upperDir: paths.upper(id) };
  if (wanted === 'layers') return opened({ kind: 'layers', ...layers });
  const namespace = mountNamespaceOf(record);
  if (namespace !== undefined) return opened({ kind: wanted === 'root' ? 'root' : 'namespace' }, namespace);
  return opened({
    kind: 'overlay',
    ...layers,
    workDir: paths.work(id),
    volatile: record.hostConfig.AutoRemove,
    readOnly: record.hostConfig.ReadonlyRootfs,
    binds: wanted === 'root' ? [] : bindsOf(context, record, mounts),
  });
}

/** undefined when its process has ended, of which the container's exit may not have been told yet. */
function mountNamespaceOf({ state, init }: ContainerRecord): number | undefined {
  if (!state.Running || init === undefined) return undefined;
  let fd;
  try {
    fd = openSync(`/proc/${init.pid}/ns/mnt`, 'r');
  } catch {
    return undefined;
  }
  // The number may be another process's: what was opened is this one's only if it still lives.
  if (isAlive(init)) return fd;
  closeSync(fd);
  return undefined;
}

const depth = (path: string): number => path.split('/').length;

/** What a start would mount and is files of the host: no later one hides an earlier one. */
function bindsOf({ paths }: Context, record: ContainerRecord, all: readonly MountRecord[]): Bind[] {
  const files: Bind[] = [
    ['resolv.conf', '/etc/resolv.conf'] as const,
    ['hostname', '/etc/hostname'] as const,
    ['hosts', '/etc/hosts'] as const,
  ].map(([name, destination]) => ({
    source: `${paths.netFiles(record.id)}/${name}`,
    destination,
    readOnly: record.hostConfig.ReadonlyRootfs,
    recursive: false,
  }));
  const mounts = all
    .filter(({ Type }) => Type !== 'tmpfs')
    .map(({ Source, Destination, RW, recursive }) => ({
      source: Source,
      destination: Destination,
      readOnly: !RW,
      recursive,
    }));
  const taken = new Set(mounts.map(({ destination }) => destination));
  return [...files.filter(({ destination }) => !taken.has(destination)), ...mounts].toSorted(
    (a, b) => depth(a.destination) - depth(b.destination),
  );
}
