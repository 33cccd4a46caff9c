/**
 * Testcontainers 12: see packages/testcontainers.mjs. Without its reaper and without exposing the host's ports to containers, which need images
 * (testcontainers/ryuk, testcontainers/sshd) that cannot be had here.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { scenarios } from '../compatibility/scenarios.ts';
import { bodiesOf, toldBy } from './told.ts';

const program = new URL('packages/testcontainers.mjs', import.meta.url);
const { rows } = (await import(program.href)) as { rows: Readonly<Record<string, unknown>> };

scenarios(
  { client: 'testcontainers 12' },
  async (host) => {
    const daemon = await host.startDaemon();
    const files = join(host.root, 'files');
    mkdirSync(files);
    // On a machine that is a container itself it would take the gateway's address for the host's.
    const env = {
      ...daemon.clientEnv,
      TESTCONTAINERS_RYUK_DISABLED: 'true',
      TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
      HOME: host.root,
    };
    return toldBy(await host.exec([process.execPath, program.pathname, files], { env, timeout: 180_000 }));
  },
  bodiesOf(Object.keys(rows)),
);
