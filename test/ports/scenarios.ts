/** What held.test.ts runs inside a throw-away host: `node scenarios.ts NAME`. Fails by an exception. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { silent } from '../../src/log.ts';
import { createHeldPorts } from '../../src/ports/held.ts';
import { until } from '../support/wait.ts';
import { datagrams } from './scenarios-datagrams.ts';
import { holding } from './scenarios-holding.ts';
import { streams } from './scenarios-streams.ts';

const [name = ''] = process.argv.slice(2);
const held = createHeldPorts({ log: silent });
// The descriptor by which the table is grown comes and goes.
await sleep(100);
await until(() => !readdirSync('/proc/self/fd').includes('16383'));
const scenario = { ...holding, ...streams, ...datagrams }[name];
assert.ok(scenario, `no such scenario: ${name}`);
await scenario(held);
held.close();
process.stdout.write('done\n');
