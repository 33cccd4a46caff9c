/** Debian's Python client (python3-docker): its scenarios are in python/, run by one process inside the host. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarios } from '../compatibility/scenarios.ts';
import { startRegistryOn } from '../support/registry.ts';
import { bodiesOf, toldBy } from './told.ts';

const directory = new URL('python/', import.meta.url).pathname;

/** The docstrings of the test methods. */
const names = readdirSync(directory)
  .filter((file) => file.endsWith('.py'))
  .toSorted()
  .flatMap((file) => [
    ...readFileSync(join(directory, file), 'utf8').matchAll(/ def test_\w+\(self\):\n\s+"""(.+)"""/g),
  ])
  .map(([, name = '']) => name);

scenarios(
  { client: 'Python docker 5' },
  async (host) => {
    await using registry = await startRegistryOn(host, true);
    const daemon = await host.startDaemon();
    const argv = ['/usr/bin/python3', '-B', join(directory, 'scenarios.py')];
    return toldBy(await host.exec(argv, { env: { ...daemon.clientEnv, REGISTRY: registry.host }, timeout: 120_000 }));
  },
  bodiesOf(names),
);
