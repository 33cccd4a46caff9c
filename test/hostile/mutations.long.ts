/** Thousands of bodies that are almost right, others at each run: SEED repeats one. */
import { hostTest } from '../support/host.ts';
import { mutate } from './mutations.ts';

hostTest('bodies that are almost right', {}, async (host) => {
  const daemon = await host.startDaemon();
  await mutate(daemon, 2000, Number(process.env['SEED'] ?? Date.now() % 1_000_000));
});
