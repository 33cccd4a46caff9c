/** Signals, stop, restart, forced removal. */
import { conflict, notModified } from '../errors.ts';
import { removeCgroup } from '../linux/cgroup.ts';
import { signalProcess } from '../linux/pidfd.ts';
import { type Context, cgroupOf, publish, save } from './context.ts';
import type { Container } from './registry.ts';
import { removeStopped } from './remove.ts';
import { letGo } from './pause.ts';
import { parseSignal } from './signals.ts';

const SIGTERM = 15;
const SIGKILL = 9;
/** Seconds. */
const STOP_TIMEOUT = 10;

/** `ref`: as the client called it. */
const notRunning = (container: Container, ref: string): Error =>
  conflict(`cannot kill container: ${ref}: container ${container.id} is not running`);

/** False when the process has ended already. */
function send(container: Container, signal: number): boolean {
  const { init } = container.record;
  return init !== undefined && signalProcess(init, signal);
}

/** SIGKILL is waited for, as dockerd does. */
export async function killContainer(context: Context, container: Container, text: string, ref: string): Promise<void> {
  const signal = parseSignal(text || 'KILL');
  // A start under way is waited for: its process is the one that is meant.
  await container.lock.run(async () => {
    kill(context, container, signal, ref);
    await Promise.resolve();
  });
  if (signal !== SIGKILL) return;
  await ended(container, LONGEST_KILL);
  await container.lock.run(async () => Promise.resolve());
}

function kill(context: Context, container: Container, signal: number, ref: string): void {
  const { record } = container;
  if (record.state.Restarting) {
    // There is no process: that there will be none is what was asked for.
    record.stoppedByHand = true;
    return cancelRestart(context, container);
  }
  if (!container.running) throw notRunning(container, ref);
  const stopSignal = parseSignal(record.config.StopSignal ?? 'TERM');
  const final = [SIGKILL, SIGTERM, stopSignal].includes(signal);
  if (final) {
    record.stoppedByHand = true;
    save(context, container);
  }
  if (!send(container, signal) && signal !== SIGKILL) throw notRunning(container, ref);
  publish(context, container, 'kill', { signal: String(signal) });
  if (final) letGo(context, container);
}

/** Milliseconds; a process that waits for its storage ends only after it. */
const LONGEST_KILL = 10_000;

/** Resolves with whether it ended in time; milliseconds, -1 for no limit. */
async function ended(container: Container, milliseconds: number): Promise<boolean> {
  if (!container.running) return true;
  const abort = new AbortController();
  const timer = milliseconds < 0 ? undefined : setTimeout(() => abort.abort(), milliseconds);
  try {
    await container.moments.wait('exit', abort.signal);
    return true;
  } catch {
    return !container.running;
  } finally {
    clearTimeout(timer);
  }
}

/** Milliseconds a killed process gets until the cgroup is emptied by force. */
const KILL_PATIENCE = 2000;

async function forceEnd(context: Context, container: Container): Promise<void> {
  send(container, SIGKILL);
  letGo(context, container);
  if (await ended(container, KILL_PATIENCE)) return;
  await removeCgroup(cgroupOf(context, container));
  await ended(container, KILL_PATIENCE * 5);
}

export async function stopContainer(
  context: Context,
  container: Container,
  options: { signal?: string; timeout?: number },
): Promise<void> {
  const { config, state } = container.record;
  const signal = parseSignal(options.signal || config.StopSignal || 'TERM');
  const timeout = options.timeout ?? config.StopTimeout ?? STOP_TIMEOUT;
  // A start under way is waited for; the wait for the end holds no lock, for the end itself needs it.
  await container.lock.run(async () => {
    if (state.Restarting) cancelRestart(context, container);
    else if (!container.running) throw notModified('');
    container.record.stoppedByHand = true;
    save(context, container);
    if (container.running) {
      send(container, signal);
      publish(context, container, 'kill', { signal: String(signal) });
      letGo(context, container);
    }
  });
  if (!(await ended(container, timeout < 0 ? -1 : timeout * 1000))) {
    publish(context, container, 'kill', { signal: String(SIGKILL) });
    await forceEnd(context, container);
  }
  // The end is told inside the lock; what it gives back is given back when the lock is free.
  await container.lock.run(async () => publish(context, container, 'stop'));
}

function cancelRestart(context: Context, container: Container): void {
  if (container.restart !== undefined) clearTimeout(container.restart.timer);
  container.restart = undefined;
  const { state } = container.record;
  Object.assign(state, { Status: 'exited', Restarting: false });
  save(context, container);
  container.moments.tell('exit', { StatusCode: state.ExitCode });
}

function checkStopped({ running, record: { name, state } }: Container): void {
  if (!running && !state.Restarting) return;
  throw conflict(
    `cannot remove container "/${name}": container is ${state.Status}` +
      (state.Paused ? ' and must be unpaused first' : ': stop the container before removing or force remove'),
  );
}

export async function removeContainer(
  context: Context,
  container: Container,
  options: { force: boolean; volumes: boolean },
): Promise<void> {
  if (container.removing) throw conflict(`removal of container ${container.id} is already in progress`);
  const { record } = container;
  if (!options.force) checkStopped(container);
  container.removing = true;
  try {
    // A start under way is waited for; none begins after it.
    await container.lock.run(async () => {
      if (!options.force) checkStopped(container);
      record.stoppedByHand = true;
      if (container.running) publish(context, container, 'kill', { signal: String(SIGKILL) });
      await Promise.resolve();
    });
    if (container.running) await forceEnd(context, container);
    await container.lock.run(async () => {
      if (container.running) {
        throw conflict(`cannot remove container "/${record.name}": could not kill: its process does not end`);
      }
      if (context.registry.get(container.id) !== container) return;
      await removeStopped(context, container, { volumes: options.volumes || record.hostConfig.AutoRemove });
    });
  } catch (error) {
    container.removing = false;
    throw error;
  }
}
