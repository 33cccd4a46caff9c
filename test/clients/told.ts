/** Scenarios that a client tells of in its own language: a program inside the host prints what became of each, one JSON object a line. */
import assert from 'node:assert/strict';

export interface Told {
  /** Scenario → its traceback, null when it passed. */
  results: ReadonlyMap<string, string | null>;
  stderr: string;
}

export function toldBy({ stdout, stderr }: { stdout: string; stderr: string }): Told {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"name":'));
  const results = lines.map((line) => JSON.parse(line) as { name: string; failure: string | null });
  return { results: new Map(results.map(({ name, failure }) => [name, failure])), stderr };
}

/** A body for each, for `scenarios`. */
export const bodiesOf = (names: readonly string[]): Record<string, (told: Told) => Promise<void>> =>
  Object.fromEntries(
    names.map((name) => [
      name,
      async ({ results, stderr }) => {
        assert.ok(results.has(name), `the scenario did not run: ${stderr}`);
        assert.equal(results.get(name), null);
      },
    ]),
  );
