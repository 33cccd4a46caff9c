/** The end of a container's process: its exit code from conmon's file, what it held given back, the restart policy. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import { removeCgroup } from '../linux/cgroup.ts';
import { unmount } from '../linux/mounts.ts';
import { watchExit } from '../linux/pidfd.ts';
import { type Context, cgroupOf, publish, saveIfPossible } from './context.ts';
import { endHealth } from './health/monitor.ts';
import { timestamp } from './record.ts';
import type { Container } from './registry.ts';
import { removeStopped } from './remove.ts';
import { planRestart } from './restart-policy.ts';
import { unmountVolumes } from './volumes/of-container.ts';

/** conmon writes the exit code and ends: its own end is the news, whatever happened to it. */
export function watchContainer(context: Context, container: Container): void {
  const { monitor } = container.record;
  if (monitor === undefined) return;
  container.watch = watchExit(monitor, () => {
    void container.lock
      .run(async () => finish(context, container))
      .catch((error: unknown) => {
        context.log.error('a container could not be cleaned up', { container: container.id, error: messageOf(error) });
      });
  });
}

interface Outcome {
  code: number;
  finishedAt: string;
  error: string;
  oom: boolean;
}

export function outcomeOf(context: Context, id: string): Outcome {
  const file = context.paths.exitFile(id);
  const oom = existsSync(`${context.paths.bundle(id)}/oom`);
  try {
    const code = Number(readFileSync(file, 'utf8'));
    return { code, finishedAt: timestamp(statSync(file).mtimeMs), error: '', oom };
  } catch {
    return {
      code: 137,
      finishedAt: timestamp(),
      error:
        'the monitor of this container (conmon) was killed, so its process was ended, too; start the container again, ' +
        "and see the machine's log (journalctl -k) for an out-of-memory kill",
      oom,
    };
  }
}

/**
 * Gives back everything a run holds but its bundle, which has the exit code in it: that goes when the record has it. Goes on past
 * errors and reports them all.
 */
export async function cleanUp(context: Context, container: Container): Promise<void> {
  const { paths } = context;
  const { id } = container;
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rmSync(`${paths.runtime}/${id}`, { recursive: true, force: true }));
  undo.defer(async () => unmount(paths.rootfs(id)));
  if (container.record.hostConfig.IpcMode === 'shareable') undo.defer(async () => unmount(paths.shm(id)));
  undo.defer(async () => unmountVolumes(context, container));
  undo.defer(async () => context.sandboxes.close(id));
  undo.defer(async () => removeCgroup(cgroupOf(context, container)));
}

/** Under the container's lock. */
export async function finish(context: Context, container: Container): Promise<void> {
  const { record } = container;
  const { state } = record;
  if (!state.Running) return;
  container.watch?.close();
  container.watch = undefined;
  const outcome = outcomeOf(context, container.id);
  const probes = endHealth(container);
  // The kernel stamps files with the last clock tick, up to 10 ms ago.
  if (outcome.finishedAt < state.StartedAt) outcome.finishedAt = state.StartedAt;
  let clean = true;
  try {
    await cleanUp(context, container);
  } catch (error) {
    // Should its file system still be there, it is not to be emptied.
    clean = false;
    context.log.error('what a container held was not given back entirely', {
      container: container.id,
      error: messageOf(error),
    });
  }
  await probes;
  delete record.init;
  delete record.monitor;
  const ran = Date.parse(outcome.finishedAt) - Date.parse(state.StartedAt);
  const plan = context.ending
    ? undefined
    : planRestart({
        policy: record.hostConfig.RestartPolicy,
        exitCode: outcome.code,
        restarts: record.restartCount,
        stoppedByHand: record.stoppedByHand,
        ran,
        lastDelay: container.restartDelay,
      });
  if (plan !== undefined) record.restartCount++;
  Object.assign(state, {
    Status: plan === undefined ? 'exited' : 'restarting',
    Running: false,
    Paused: false,
    Restarting: plan !== undefined,
    OOMKilled: outcome.oom,
    Pid: 0,
    ExitCode: outcome.code,
    Error: outcome.error,
    FinishedAt: outcome.finishedAt,
  });
  if (saveIfPossible(context, container) && clean)
    rmSync(context.paths.bundle(container.id), { recursive: true, force: true });
  if (outcome.oom) publish(context, container, 'oom');
  publish(context, container, 'die', {
    exitCode: String(outcome.code),
    execDuration: String(Math.max(0, Math.floor(ran / 1000))),
  });
  container.moments.tell('exit', { StatusCode: outcome.code });
  if (plan !== undefined) scheduleRestart(context, container, plan.delay);
  else if (record.hostConfig.AutoRemove && !container.removing && container.restarts === 0) {
    await removeStopped(context, container, { volumes: true });
  }
}

function scheduleRestart(context: Context, container: Container, delay: number): void {
  container.restartDelay = delay;
  const timer = setTimeout(() => {
    container.restart = undefined;
    void container.lock.run(async () => {
      if (container.running || container.removing || context.ending || !container.record.state.Restarting) return;
      await startAgain(context, container);
    });
  }, delay);
  container.restart = { timer, delay };
}

/** By policy, under the container's lock. Does not throw: a start that fails counts as a run that failed at once. */
export async function startAgain(context: Context, container: Container): Promise<void> {
  // Two may have found it due: its own timer, and a daemon that begins.
  if (container.running) return;
  try {
    await context.start(container);
  } catch (error) {
    const { record } = container;
    const { state } = record;
    context.log.warn('a restart by policy failed', { container: container.id, error: messageOf(error) });
    if (context.ending || container.removing || context.registry.get(container.id) !== container) return;
    const plan = planRestart({
      policy: record.hostConfig.RestartPolicy,
      exitCode: state.ExitCode,
      restarts: record.restartCount,
      stoppedByHand: record.stoppedByHand,
      ran: 0,
      lastDelay: container.restartDelay,
    });
    if (plan === undefined) return;
    record.restartCount++;
    Object.assign(state, { Status: 'restarting', Restarting: true });
    saveIfPossible(context, container);
    scheduleRestart(context, container, plan.delay);
  }
}
