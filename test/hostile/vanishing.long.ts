/** The same clients again and again: what berthd holds stays the same, and its memory within bounds. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import { slowRegistryOn } from './slow-registry.ts';
import { assertQuiet, leavesNothing, memoryOf, works } from './support.ts';
import { prepareContainers, vanishing } from './vanishing.ts';

const ROUNDS = 30;
/** Bytes that a round may add at the most: garbage that is collected late is not yet a leak. */
const GROWTH = 512 * 1024;

hostTest('rounds of clients that vanish', {}, async (host) => {
  await using registry = await slowRegistryOn(host);
  // As bin/berthd starts it: with a nursery of 16 MB and an arena for each thread memory says little.
  const env = { NODE_OPTIONS: '--max-semi-space-size=2', MALLOC_ARENA_MAX: '2' };
  const daemon = await host.startDaemon({ env });
  await works(daemon);
  await prepareContainers(daemon);
  const round = async (): Promise<void> => {
    for (const once of Object.values(vanishing)) await once(daemon, registry.host);
  };
  for (let i = 0; i < 5; i++) await leavesNothing(daemon, round);
  const before = memoryOf(daemon);
  await leavesNothing(daemon, async () => {
    for (let i = 0; i < ROUNDS; i++) await round();
  });
  const grown = memoryOf(daemon) - before;
  assert.ok(grown < ROUNDS * GROWTH, `${Math.round(grown / 1024)} KiB more after ${ROUNDS} rounds`);
  assertQuiet(daemon);
});
