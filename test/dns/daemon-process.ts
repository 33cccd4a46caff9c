/**
 * A daemon's side of berth-netd (netd/client.ts) as a process on a throw-away host: one JSON call a line on stdin, one answer a line on stdout.
 * argv: the client's options as JSON.
 */
import { createInterface } from 'node:readline';
import { messageOf } from '../../src/errors.ts';
import { createAttendant, netdProgram } from '../../src/netd/client.ts';
import type { AttendantOptions } from '../../src/netd/client.ts';
import type { Attendant } from '../../src/network/attendant.ts';

export type DaemonOptions = Partial<Omit<AttendantOptions, 'log'>> & { execRoot: string };

export interface Answer {
  value?: unknown;
  error?: string;
  ms: number;
}

const berthd = new URL('../../src/berthd.ts', import.meta.url).pathname;
const say = (message: string, fields: object = {}): void =>
  void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
const attendant = createAttendant({
  program: netdProgram(berthd),
  ...(JSON.parse(process.argv[2] ?? '') as DaemonOptions),
  log: { debug: () => undefined, info: say, warn: say, error: say },
});
attendant.onLease((change) => say('lease', change));

async function carryOut(call: keyof Attendant, args: unknown[]): Promise<unknown> {
  const perform = attendant[call] as (...list: unknown[]) => Promise<unknown>;
  return perform.apply(attendant, args);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { call, args } = JSON.parse(line) as { call: keyof Attendant; args: unknown[] };
  const began = performance.now();
  const write = (answer: Omit<Answer, 'ms'>): void =>
    void process.stdout.write(`${JSON.stringify({ ...answer, ms: performance.now() - began })}\n`);
  carryOut(call, args).then(
    (value) => write({ value }),
    (error: unknown) => write({ error: messageOf(error) }),
  );
});
