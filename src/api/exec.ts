/** /exec, and the making of one below /containers. */
import { invalidParameter, messageOf } from '../errors.ts';
import type { Containers } from '../engine/port.ts';
import type { Logger } from '../log.ts';
import { dimension } from './containers.ts';
import { execConfig, execStart, type ExecStartBody } from './decode/exec.ts';
import { present } from './decode/kit.ts';
import type { Exchange, Wire } from './exchange.ts';
import { writeFrame } from './framing.ts';
import { pump } from './hijack.ts';
import type { Route } from './router.ts';

/**
 * The answer's head goes out before there is a process: a client that reads the head through a buffer and the stream past it
 * (Python's) would lose what comes together with it. What is refused before has its status; the rest is told in the stream:
 * `docker exec` prints that, then takes its exit code (126, 127) from inspect.
 */
async function startAttached(containers: Containers, x: Exchange, body: ExecStartBody, log: Logger): Promise<void> {
  const size = body.ConsoleSize === undefined ? {} : { consoleSize: body.ConsoleSize };
  let wire: Wire | undefined;
  const accepted = async (): Promise<void> => void (wire = await x.takeOver(!body.Tty));
  const session = await containers
    .execStart(x.param('id'), { detach: false, tty: body.Tty, ...size, accepted })
    .catch((error: unknown) => {
      if (wire === undefined) throw error;
      const text = Buffer.from(`${messageOf(error)}\r\n`);
      if (body.Tty) wire.output.write(text);
      else writeFrame(wire.output, 1, text);
      wire.finish();
    });
  if (session !== undefined && wire !== undefined) await pump(session, wire, true, log);
}

export function execRoutes(containers: Containers, log: Logger): Route[] {
  return [
    {
      method: 'POST',
      path: '/containers/{id}/exec',
      async handle(x) {
        const config = await x.body(present(execConfig), 'ExecOptions');
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
