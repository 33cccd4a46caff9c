/**
 * The files of containers: `docker cp`, `export`, `diff`, `commit`. berthd itself touches none of them: a process of its own enters
 * the container's view of files, from which no link leads out, and reads or writes there (decision 0021).
 */
import type { Readable } from 'node:stream';
import { conflict, invalidParameter, messageOf } from '../../errors.ts';
import { byteString } from '../../tar/header.ts';
import { type Context, publish } from '../context.ts';
import { decompressed } from '../images/archive.ts';
import type { Container } from '../registry.ts';
import { holdVolumes, releaseVolumes } from '../volumes/of-container.ts';
import { commitContainer } from './commit.ts';
import type { Task } from './job.ts';
import { ownPaths } from './own-paths.ts';
import { giveWay } from './patience.ts';
import type { CommitRequest, ContainerFiles, PathStat, Stream, WriteOptions } from './port.ts';
import { openView } from './view.ts';
import { feed, outputOf, startWork, type Work } from './worker.ts';

/** Resolves with the function that lets the container's other operations go on. */
async function hold(container: Container): Promise<() => void> {
  return new Promise((resolve) => {
    void container.lock.run(async () => new Promise<void>((release) => resolve(release)));
  });
}

/**
 * A container that does not run is held until the job is over, so that it is not started or removed meanwhile; a client that
 * stands still gives way to who wants that (patience.ts). One that runs is not held: a slow copy must not keep it from being stopped.
 */
export async function begin(
  context: Context,
  container: Container,
  job: { view: 'mounted' | 'root' | 'layers'; task: Task; missing?: string },
  signal: AbortSignal,
): Promise<Work> {
  const letGo = await hold(container);
  const volumes = job.view === 'mounted' && !container.running;
  const release = async (): Promise<void> => {
    try {
      if (volumes) await releaseVolumes(context, container);
    } catch (error) {
      context.log.warn('volumes of a container were not given back', { id: container.id, error: messageOf(error) });
    } finally {
      letGo();
    }
  };
  let isHeld = false;
  const way = new AbortController();
  try {
    signal.throwIfAborted();
    const mounts = volumes ? await holdVolumes(context, container) : container.record.mounts;
    using opened = openView(context, container, job.view, mounts);
    const work = startWork(
      context.filesProgram,
      { view: opened.view, task: job.task },
      { namespace: opened.namespace, signal: AbortSignal.any([signal, way.signal]), missing: () => job.missing ?? '' },
    );
    isHeld = opened.view.kind === 'overlay' || (opened.view.kind === 'layers' && !container.running);
    if (isHeld) {
      void work.ended.then(release);
      giveWay(container.lock, work, () => way.abort(stoodStill(container)));
    }
    return work;
  } finally {
    if (!isHeld) await release();
  }
}

const stoodStill = ({ id }: Container): Error =>
  conflict(`the copy was ended: its client stood still while container ${id} was wanted`);

function pathOf(path: string): string {
  if (path.includes('\0')) throw invalidParameter('a path has no NUL in it');
  return byteString(path);
}

export class Files implements ContainerFiles {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  #find(ref: string): Container {
    return this.#context.registry.find(ref);
  }

  async stat(ref: string, path: string, signal: AbortSignal): Promise<PathStat> {
    const task: Task = { kind: 'stat', path: pathOf(path) };
    const work = await begin(
      this.#context,
      this.#find(ref),
      { view: 'mounted', task, missing: missing(path, ref) },
      signal,
    );
    const stat = await work.ready;
    await work.done;
    return known(stat);
  }

  async read(ref: string, path: string, signal: AbortSignal): Promise<{ stat: PathStat; archive: Stream }> {
    const container = this.#find(ref);
    const task: Task = { kind: 'pack', path: pathOf(path) };
    const work = await begin(this.#context, container, { view: 'mounted', task, missing: missing(path, ref) }, signal);
    const stat = known(await work.ready);
    publish(this.#context, container, 'archive-path');
    return { stat, archive: outputOf(work) };
  }

  async write(ref: string, path: string, archive: Readable, options: WriteOptions, signal: AbortSignal): Promise<void> {
    const container = this.#find(ref);
    const { config, hostConfig, mounts } = container.record;
    const tmpfs = Object.keys(hostConfig.Tmpfs ?? {}).map((destination) => ({ destination, writable: true }));
    const task: Task = {
      kind: 'unpack',
      path: pathOf(path),
      noOverwriteDirNonDir: options.noOverwriteDirNonDir,
      owner: options.copyUIDGID ? config.User : '',
      readOnlyRoot: hostConfig.ReadonlyRootfs,
      mounts: [
        ...mounts.map(({ Destination, RW }) => ({ destination: byteString(Destination), writable: RW })),
        ...tmpfs,
      ],
    };
    const work = await begin(this.#context, container, { view: 'mounted', task, missing: missing(path, ref) }, signal);
    await work.ready;
    await Promise.all([feed(work, decompressed(archive, signal)), work.done]);
    publish(this.#context, container, 'extract-to-dir');
  }

  async export(ref: string, signal: AbortSignal): Promise<Stream> {
    const container = this.#find(ref);
    const work = await begin(this.#context, container, { view: 'root', task: { kind: 'export' } }, signal);
    await work.ready;
    publish(this.#context, container, 'export');
    return outputOf(work);
  }

  async changes(ref: string, signal: AbortSignal): Promise<Stream> {
    const container = this.#find(ref);
    const task: Task = { kind: 'changes', own: ownPaths(container.record) };
    const work = await begin(this.#context, container, { view: 'layers', task }, signal);
    await work.ready;
    return outputOf(work);
  }

  async commit(ref: string, request: CommitRequest, signal: AbortSignal): Promise<string> {
    return commitContainer(this.#context, this.#find(ref), request, signal);
  }
}

const missing = (path: string, ref: string): string => `Could not find the file ${path} in container ${ref}`;

function known(stat: PathStat | undefined): PathStat {
  if (stat === undefined) throw new Error('berth-files did not say what it found');
  return stat;
}
