/** /containers: answers that last: logs, attach, wait. */
import { invalidParameter, messageOf } from '../errors.ts';
import type { Containers, WaitCondition } from '../engine/port.ts';
import type { Logger } from '../log.ts';
import type { Json } from '../model/json.ts';
import { MULTIPLEXED_STREAM, RAW_STREAM, type Exchange } from './exchange.ts';
import { Batch, drained, frame } from './framing.ts';
import { pump } from './hijack.ts';
import type { Route } from './router.ts';

const NEWLINE = 10;

function waitCondition(text: string): WaitCondition {
  if (text === '') return 'not-running';
  if (text === 'not-running' || text === 'next-exit' || text === 'removed') return text;
  throw invalidParameter(`invalid condition: ${JSON.stringify(text)}`);
}

/** 'all', nothing and whatever is no number mean everything, as with dockerd. */
function tail(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

async function sendLogs(containers: Containers, x: Exchange, log: Logger): Promise<void> {
  const stdout = x.query.bool('stdout');
  const stderr = x.query.bool('stderr');
  if (!stdout && !stderr) throw invalidParameter('Bad parameters: you must choose at least one stream');
  const timestamps = x.query.bool('timestamps');
  x.endless = x.query.bool('follow');
  const { tty, frames } = await containers.logs(
    x.param('id'),
    {
      stdout,
      stderr,
      follow: x.endless,
      since: x.query.timestamp('since'),
      until: x.query.timestamp('until'),
      tail: tail(x.query.string('tail')),
    },
    x.signal,
  );
  const response = x.stream(!tty && x.version >= 42 ? MULTIPLEXED_STREAM : RAW_STREAM);
  const batch = new Batch(response);
  const send = (stream: 1 | 2, line: Buffer): boolean => batch.write(tty ? line : frame(stream, line));
  // A long line comes in pieces; the time belongs before the first.
  const midLine = { 1: false, 2: false };
  try {
    for await (const { stream, data, time } of frames) {
      if (response.destroyed) return;
      const line = timestamps && !midLine[stream] ? Buffer.concat([Buffer.from(`${time} `), data]) : data;
      midLine[stream] = data.at(-1) !== NEWLINE;
      if (!send(stream, line)) await drained(response);
    }
  } catch (error) {
    if (x.signal.aborted) return;
    log.warn('reading logs failed', { error: messageOf(error) });
    send(2, Buffer.from(`Error grabbing logs: ${messageOf(error)}\n`));
  }
  batch.flush();
  response.end();
}

async function sendExit(containers: Containers, x: Exchange): Promise<void> {
  const condition = waitCondition(x.query.string('condition'));
  x.endless = true;
  const { done } = await containers.wait(x.param('id'), condition, x.signal);
  // Since 1.30 the head says that the daemon has begun to wait: docker run starts the container only then.
  if (x.version < 30) return x.json(200, await done);
  const response = x.stream('application/json');
  let result: Json;
  try {
    result = await done;
  } catch (error) {
    if (x.signal.aborted) return;
    result = { StatusCode: -1, Error: { Message: messageOf(error) } };
  }
  response.end(`${JSON.stringify(result)}\n`);
}

export function containerStreamRoutes(containers: Containers, log: Logger): Route[] {
  return [
    { method: 'GET', path: '/containers/{id}/logs', handle: (x) => sendLogs(containers, x, log) },
    { method: 'POST', path: '/containers/{id}/wait', handle: (x) => sendExit(containers, x) },
    {
      method: 'POST',
      path: '/containers/{id}/attach',
      hijack: true,
      async handle(x) {
        const stdin = x.query.bool('stdin');
        const session = await containers.attach(x.param('id'), {
          stdin,
          stdout: x.query.bool('stdout'),
          stderr: x.query.bool('stderr'),
          logs: x.query.bool('logs'),
          stream: x.query.bool('stream'),
          detachKeys: x.query.string('detachKeys'),
        });
        await pump(session, await x.takeOver(!session.tty), stdin, log);
      },
    },
  ];
}
