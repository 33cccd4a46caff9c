/** `POST /containers/{id}/pause` and `/unpause`: the processes of a container stand still, and go on. */
import { conflict, messageOf, system } from '../errors.ts';
import { freeze, isFrozen, thaw } from '../linux/freezer.ts';
import { type Context, cgroupOf, publish, save } from './context.ts';
import { endHealth, resumeHealth } from './health/monitor.ts';
import type { Container } from './registry.ts';

export async function pauseContainer(context: Context, container: Container): Promise<void> {
  await container.lock.run(async () => {
    const { id, record } = container;
    const { state } = record;
    if (state.Restarting) throw conflict(`Container ${id} is restarting, wait until the container is running`);
    if (!state.Running) throw conflict(`container ${id} is not running`);
    if (state.Paused) throw conflict(`Container ${id} is already paused`);
    // A probe that stands still would be taken for one that hangs.
    await endHealth(container);
    try {
      // A berthd that ends between this and the record finds the group frozen, and so the container paused.
      await freeze(cgroupOf(context, container));
    } catch (error) {
      resumeHealth(context, container);
      throw system(`cannot pause container ${id}: ${messageOf(error)}`, error);
    }
    Object.assign(state, { Status: 'paused', Paused: true });
    save(context, container);
    publish(context, container, 'pause');
  });
}

export async function unpauseContainer(context: Context, container: Container): Promise<void> {
  await container.lock.run(async () => {
    const { id, record } = container;
    // dockerd has no status of its own for this one either.
    if (!record.state.Paused) throw system(`Container ${id} is not paused`);
    try {
      letGo(context, container);
    } catch (error) {
      throw system(`Cannot unpause container ${id}: ${messageOf(error)}`, error);
    }
    resumeHealth(context, container);
    await Promise.resolve();
  });
}

/** A signal that is to end the container has been sent: it arrives when the processes go on. */
export function letGo(context: Context, container: Container): void {
  const { state } = container.record;
  if (!state.Paused) return;
  thaw(cgroupOf(context, container));
  Object.assign(state, { Status: 'running', Paused: false });
  save(context, container);
  publish(context, container, 'unpause');
}

/** berthd may have ended between the deed and the record: what the kernel says is so. */
export function agreeOnPause(context: Context, container: Container): void {
  const { state } = container.record;
  const frozen = isFrozen(cgroupOf(context, container));
  if (frozen === state.Paused) return;
  Object.assign(state, { Status: frozen ? 'paused' : 'running', Paused: frozen });
  save(context, container);
}
