/** The longer run of kill.test.ts; SEED repeats one. */
import { chaos } from '../support/chaos.ts';
import { hostTest } from '../support/host.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

hostTest(`random verbs, the daemon killed in the middle, 150 times (SEED=${seed})`, {}, (host) =>
  chaos(host, 150, seed),
);
