/** A container's output and input: `logs`, `attach`, and the size of its terminal. */
import { conflict } from '../errors.ts';
import { type Context, publish } from './context.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { readLogs, type LogSource } from './logs.ts';
import type { AttachOptions, LogFrame, LogOptions, Session } from './port.ts';
import { AttachSession } from './process/session.ts';
import type { Container } from './registry.ts';
import { resizeTerminal } from './terminal.ts';

function logSource({ paths }: Context, container: Container): LogSource {
  return {
    path: paths.log(container.id),
    live: () => container.running || container.record.state.Restarting,
    onEnd: (told) => container.moments.listen(told),
  };
}

export function logsOf(
  context: Context,
  container: Container,
  options: LogOptions,
  signal: AbortSignal,
): { tty: boolean; frames: AsyncIterable<LogFrame> } {
  const { config, hostConfig } = container.record;
  if (hostConfig.LogConfig.Type === 'none') throw conflict('configured logging driver does not support reading');
  return { tty: config.Tty, frames: readLogs(logSource(context, container), options, signal) };
}

/** To one that does not run, too: `docker run` attaches before it starts, and start() connects the session. */
export function attachTo(context: Context, container: Container, options: AttachOptions): Session {
  const { config, state } = container.record;
  if (state.Paused) throw conflict(`container ${container.id} is paused, unpause the container before attach`);
  if (state.Restarting) {
    throw conflict(`container ${container.id} is restarting, wait until the container is running`);
  }
  const keys = parseDetachKeys(options.detachKeys);
  const logged = options.logs ? loggedBefore(context, container, options) : undefined;
  const session = new AttachSession({
    tty: config.Tty,
    stdin: options.stdin && options.stream && config.OpenStdin,
    stdout: options.stdout,
    stderr: options.stderr,
    ...(logged === undefined ? {} : { before: logged }),
    detachKeys: config.Tty ? keys : undefined,
    onDetach: () => publish(context, container, 'detach'),
    onClose: () => container.pending.delete(session),
  });
  publish(context, container, 'attach');
  if (!options.stream) session.finish();
  else if (!container.running) container.pending.add(session);
  else {
    try {
      session.connect(context.paths.attach(container.id));
    } catch {
      // It ended meanwhile: there is nothing to come.
      session.finish();
    }
  }
  return session;
}

function loggedBefore(
  context: Context,
  container: Container,
  { stdout, stderr }: AttachOptions,
): AsyncIterable<LogFrame> {
  return readLogs(
    logSource(context, container),
    { stdout, stderr, follow: false, since: undefined, until: undefined, tail: undefined },
    new AbortController().signal,
  );
}

export function resizeContainer(context: Context, container: Container, height: number, width: number): void {
  if (!container.running) throw conflict(`container ${container.id} is not running`);
  resizeTerminal(context.paths.bundle(container.id), height, width);
  publish(context, container, 'resize', { height: String(height), width: String(width) });
}
