/** /exec, and the making of one below /containers. */
import { BerthError, invalidParameter, messageOf } from '../errors.ts';
import type { Containers, Session } from '../engine/port.ts';
import type { Logger } from '../log.ts';
import { dimension } from './containers.ts';
import { execConfig, execStart, type ExecStartBody } from './decode/exec.ts';
import type { Exchange } from './exchange.ts';
import { writeFrame } from './framing.ts';
import { pump } from './hijack.ts';
import type { Route } from './router.ts';

/** What dockerd checks before it takes the connection over; everything later is told inside the stream. */
function refusedAtOnce(error: unknown): boolean {
  return error instanceof BerthError && ['NotFound', 'Conflict', 'Unavailable', 'NotImplemented'].includes(error.kind);
}

async function startAttached(containers: Containers, x: Exchange, body: ExecStartBody, log: Logger): Promise<void> {
  const size = body.ConsoleSize === undefined ? {} : { consoleSize: body.ConsoleSize };
  let session: Session | undefined;
  try {
    session = await containers.execStart(x.param('id'), { detach: false, tty: body.Tty, ...size });
  } catch (error) {
    if (refusedAtOnce(error)) throw error;
    // `docker exec` prints the stream, then takes its exit code (126, 127) from inspect.
    const wire = await x.takeOver(!body.Tty);
    const text = Buffer.from(`${messageOf(error)}\r\n`);
    if (body.Tty) wire.output.write(text);
    else writeFrame(wire.output, 1, text);
    return wire.finish();
  }
  if (session === undefined) throw new Error('execStart without detach gave no session');
  await pump(session, await x.takeOver(!session.tty), true, log);
}

export function execRoutes(containers: Containers, log: Logger): Route[] {
  return [
    {
      method: 'POST',
      path: '/containers/{id}/exec',
      async handle(x) {
        const config = await x.body(execConfig, 'ExecOptions');
        if (config.Cmd.length === 0) throw invalidParameter('No exec command specified');
        x.json(201, await containers.execCreate(x.param('id'), config));
      },
    },
    {
      method: 'POST',
      path: '/exec/{id}/start',
      hijack: true,
      async handle(x) {
        const body = await x.body(execStart, 'ExecStartOptions');
        if (!body.Detach) return startAttached(containers, x, body, log);
        await containers.execStart(x.param('id'), { detach: true, tty: body.Tty });
        x.empty(200);
      },
    },
    {
      method: 'POST',
      path: '/exec/{id}/resize',
      async handle(x) {
        await containers.execResize(x.param('id'), dimension(x, 'h'), dimension(x, 'w'));
        x.empty(200);
      },
    },
    {
      method: 'GET',
      path: '/exec/{id}/json',
      async handle(x) {
        x.json(200, await containers.execInspect(x.param('id')));
      },
    },
  ];
}
