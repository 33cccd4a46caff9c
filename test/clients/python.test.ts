/** Debian's Python client (python3-docker): its scenarios are in python/, run by one process inside the host. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarios } from '../compatibility/scenarios.ts';

const directory = new URL('python/', import.meta.url).pathname;

interface Result {
  name: string;
  /** The traceback; null when there is none. */
  failure: string | null;
}

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
    const daemon = await host.startDaemon();
    const { stdout, stderr } = await host.exec(['/usr/bin/python3', '-B', join(directory, 'scenarios.py')], {
      env: daemon.clientEnv,
      timeout: 120_000,
    });
    const lines = stdout.split('\n').filter((line) => line.startsWith('{"name":'));
    const results = lines.map((line) => JSON.parse(line) as Result);
    return { results: new Map(results.map(({ name, failure }) => [name, failure])), stderr };
  },
  Object.fromEntries(
    names.map((name) => [
      name,
      async ({ results, stderr }: { results: Map<string, string | null>; stderr: string }) => {
        assert.ok(results.has(name), `the scenario did not run: ${stderr}`);
        assert.equal(results.get(name), null);
      },
    ]),
  ),
);
