/** The longer run of model.test.ts. SEED repeats one, SEEDS says how many (20), LENGTH how long each is (120). */
import { test } from 'node:test';
import { checkModel } from './run.ts';

const given = process.env['SEED'];
const first = Number(given ?? Date.now() % 2 ** 31);
const count = given === undefined ? Number(process.env['SEEDS'] ?? 20) : 1;

for (let seed = first; seed < first + count; seed++) {
  void test(`SEED=${seed}`, async () => checkModel(seed, Number(process.env['LENGTH'] ?? 120), 300_000));
}
