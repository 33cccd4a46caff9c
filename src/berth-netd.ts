/**
 * berth-netd: names in containers and host ports, beside berthd and longer than it. Started by netd/client.ts, which says on which
 * descriptor it is told that the socket listens.
 */
import { closeSync, writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createLog } from './daemon/log.ts';
import { messageOf } from './errors.ts';
import { startNetd } from './netd/server.ts';
import { createHeldPorts } from './ports/held.ts';

const READY_FD = 3;

/** berthd may be gone already: this process is needed all the same, by its successor. */
function tellReady(): void {
  try {
    writeSync(READY_FD, 'ready\n');
    closeSync(READY_FD);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  }
}

void (async () => {
  const { values } = parseArgs({
    options: {
      socket: { type: 'string', default: '' },
      version: { type: 'string', default: '' },
      'host-root': { type: 'string', default: '' },
      'server-port': { type: 'string', default: '53' },
    },
  });
  process.title = 'berth-netd';
  process.umask(0o077);
  const log = createLog({ level: 'info', format: 'text' });
  // A terminal's or a service manager's word to berthd's group is not meant for what outlives it.
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);
  process.on('uncaughtException', (error) => {
    log.fatal('ends because of a mistake of its own; berthd starts another', {
      error: error.stack ?? messageOf(error),
    });
    process.exit(1);
  });
  // The libuv pool's threads are born here and not inside a container's namespace.
  await stat('/');
  const { ended } = await startNetd({
    socket: values.socket,
    version: values.version,
    hostRoot: values['host-root'],
    serverPort: Number(values['server-port']),
    log,
    heldPorts: createHeldPorts({ log }),
  });
  tellReady();
  await ended;
  // Replies that are on their way are written first.
  setTimeout(() => process.exit(0), 20);
})();
