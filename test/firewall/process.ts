/**
 * A firewall in a process of its own, inside a throw-away host: one JSON call a line on stdin, one answer a line on stdout.
 * `hosted` measures what a call takes there.
 */
import { createInterface } from 'node:readline';
import { messageOf } from '../../src/errors.ts';
import type { FirewallChange, FirewallSettings, FirewallState } from '../../src/firewall/firewall.ts';
import { createFirewall, leaveBackend } from '../../src/firewall/index.ts';
import type { FirewallOptions } from '../../src/firewall/index.ts';
import { silent } from '../../src/log.ts';

export interface ProcessOptions {
  backend: FirewallOptions['backend'];
  settings: FirewallSettings;
}

export type Call =
  | { call: 'set'; state: FirewallState }
  | { call: 'change'; change: FirewallChange }
  | { call: 'remove' }
  /** As a daemon does that is started with the other backend. */
  | { call: 'leave'; last: FirewallOptions['backend'] };

export interface Answer {
  error?: string;
  ms: number;
  warnings: string[];
}

const { backend, settings } = JSON.parse(process.argv[2] ?? '') as ProcessOptions;
const warnings: string[] = [];
const log = {
  ...silent,
  warn: (message: string, fields: object = {}) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
};
const firewall = createFirewall({ backend, settings, log });

async function carryOut(call: Call): Promise<void> {
  switch (call.call) {
    case 'set':
      return firewall.set(call.state);
    case 'change':
      return firewall.change(call.change);
    case 'remove':
      return firewall.remove();
    case 'leave':
      return leaveBackend(call.last, backend, { settings, log });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line) as Call;
  const start = performance.now();
  const error = await carryOut(call).then(() => undefined, messageOf);
  const answer: Answer = {
    ms: performance.now() - start,
    warnings: warnings.splice(0),
    ...(error === undefined ? {} : { error }),
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
