/** `POST /commit`: what a container changed becomes a layer on its image, and its configuration that of the new image. */
import { conflict, messageOf } from '../../errors.ts';
import type { ContainerConfig } from '../../model/container.ts';
import { type Context, publish } from '../context.ts';
import { applyChanges, type ChangedConfig } from '../images/changes.ts';
import { mergeConfig } from '../merge.ts';
import { letGo, pauseContainer, unpauseContainer } from '../pause.ts';
import type { Container } from '../registry.ts';
import { begin } from './files.ts';
import { ownPaths } from './own-paths.ts';
import type { CommitRequest, Stream } from './port.ts';
import { outputOf } from './worker.ts';

export async function commitContainer(
  context: Context,
  container: Container,
  request: CommitRequest,
  signal: AbortSignal,
): Promise<string> {
  const { record } = container;
  if (container.removing) throw beingRemoved(container);
  if (record.state.Dead) throw conflict(`You cannot commit container ${record.id} which is Dead`);
  const config = request.config === undefined ? record.config : mergeConfig(request.config, record.config);
  await using still = new AsyncDisposableStack();
  const { id, name } = await context.images.commit(
    {
      base: record.imageId,
      repository: request.repository,
      tag: request.tag,
      author: request.author,
      comment: request.comment,
      createdBy: (record.config.Cmd ?? []).join(' '),
      config: applyChanges(ofImage(config), request.changes),
      // Everything else is checked by then: nobody stands still for an image that cannot be.
      layer: async () => {
        if (request.pause) await standStill(context, container, still);
        return changesOf(context, container, signal);
      },
    },
    signal,
  );
  publish(context, container, 'commit', { comment: request.comment, imageID: id, imageRef: name });
  return id;
}

/** Fields of a container's configuration that make sense for the next one. */
function ofImage(config: ContainerConfig): ChangedConfig {
  const {
    User,
    ExposedPorts,
    Env,
    Cmd,
    Healthcheck,
    Volumes,
    WorkingDir,
    Entrypoint,
    OnBuild,
    Labels,
    StopSignal,
    Shell,
  } = config;
  return {
    User,
    Env,
    Cmd,
    Entrypoint,
    Volumes,
    WorkingDir,
    Labels,
    OnBuild,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    ...(Healthcheck === undefined ? {} : { Healthcheck }),
    ...(StopSignal === undefined ? {} : { StopSignal }),
    ...(Shell === undefined ? {} : { Shell }),
  };
}

async function changesOf(context: Context, container: Container, signal: AbortSignal): Promise<Stream> {
  const task = { kind: 'layer', own: ownPaths(container.record) } as const;
  const work = await begin(context, container, { view: 'layers', task }, signal);
  await work.ready;
  return wholeOf(container, outputOf(work));
}

/** A container that runs is not held: when it is removed meanwhile, its files go while they are read. */
async function* wholeOf(container: Container, changed: Stream): AsyncGenerator<Buffer> {
  yield* changed;
  if (container.removing) throw beingRemoved(container);
}

const beingRemoved = ({ id }: Container): Error => conflict(`You cannot commit container ${id} which is being removed`);

/** Notes of containers that stand still for a commit: a berthd that ends meanwhile must not leave them so. */
const MARK = 'commit';

async function standStill(context: Context, container: Container, still: AsyncDisposableStack): Promise<void> {
  const { id, state } = container.record;
  if (!state.Running || state.Paused || state.Restarting) return;
  container.commits++;
  still.defer(() => {
    // Another one may count on the note still.
    if (--container.commits === 0) context.store.delete(MARK, id);
  });
  context.store.put(MARK, id, { id });
  try {
    await pauseContainer(context, container);
  } catch (error) {
    // It ended, or somebody else paused it, in between: then it stands still as well.
    if (state.Running && !state.Paused) throw error;
    return;
  }
  still.defer(async () => {
    try {
      await unpauseContainer(context, container);
    } catch (error) {
      // It was killed or unpaused meanwhile.
      context.log.debug('a container was not to be unpaused after a commit', { id, error: messageOf(error) });
    }
  });
}

/** For a daemon that begins, once it knows what runs. */
export function endInterruptedCommits(context: Context): void {
  for (const { id } of context.store.list<{ id: string }>(MARK)) {
    const container = context.registry.get(id);
    if (container !== undefined && container.running) letGo(context, container);
    context.store.delete(MARK, id);
  }
}
