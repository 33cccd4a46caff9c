/** Random verbs and kills against a model; the longer run is model.long.ts. */
import { test } from 'node:test';
import { checkModel } from './run.ts';

for (const seed of [20261126, 14]) {
  void test(`networks, containers, ports and names are as a simple model says (seed ${seed})`, async () =>
    checkModel(seed, 40, 60_000));
}
