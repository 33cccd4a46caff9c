/** The end of a container that does not run. */
import { rm } from 'node:fs/promises';
import { type Context, publish, saveIfPossible } from './context.ts';
import type { Container } from './registry.ts';
import { removeAnonymousVolumes } from './volumes/of-container.ts';

/**
 * Under the container's lock. The record goes last: what a crash interrupts is found again and finished. Files are
 * renamed away by nobody: a container's own directory is removed in place, on a thread of the pool.
 */
export async function removeStopped(
  context: Context,
  container: Container,
  options: { volumes: boolean },
): Promise<void> {
  const { record } = container;
  container.removing = true;
  if (container.restart !== undefined) clearTimeout(container.restart.timer);
  container.restart = undefined;
  Object.assign(record.state, { Status: 'removing', Dead: true, Restarting: false });
  // On a full disk, too: a removal is what makes room.
  saveIfPossible(context, container);
  try {
    await rm(context.paths.container(container.id), { recursive: true, force: true });
    if (options.volumes) await removeAnonymousVolumes(context, container);
    context.store.delete('container', container.id);
  } catch (error) {
    record.state.Status = 'dead';
    container.removing = false;
    saveIfPossible(context, container);
    throw error;
  }
  for (const session of container.pending) session.abandon();
  container.pending.clear();
  context.sandboxes.forget(container.id);
  context.registry.remove(container);
  publish(context, container, 'destroy');
  // Whoever waits for an end that can no longer come.
  container.moments.tell('exit', { StatusCode: record.state.ExitCode });
  container.moments.tell('removed', { StatusCode: record.state.ExitCode });
}
