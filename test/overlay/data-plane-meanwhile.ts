/**
 * On a throw-away host with the network's bridge: many peers are set, and some told of and some gone while that goes on. The scenario comes
 * in as JSON; printed is in how many turns of the event loop it was done.
 */
import { text } from 'node:stream/consumers';
import { createLinuxKernel } from '../../src/linux/kernel.ts';
import type { PeerPlan, TunnelPlan } from '../../src/drivers/plan.ts';

export interface Meanwhile {
  plan: TunnelPlan;
  list: readonly PeerPlan[];
  /** Turn → change. */
  changes: readonly { turn: number; add: readonly PeerPlan[]; remove: readonly PeerPlan[] }[];
  /** Set while the first list is under way: it takes its place. */
  instead?: readonly PeerPlan[];
}

const { plan, list, changes, instead } = JSON.parse(await text(process.stdin)) as Meanwhile;
const kernel = createLinuxKernel({ ruleMarks: [] });
kernel.ensureTunnel(plan);
let turns = 0;
let done = false;
const turn = (): void => {
  turns++;
  for (const change of changes) if (change.turn === turns) kernel.changePeers(plan, change);
  if (!done) setImmediate(turn);
};
setImmediate(turn);
const sets = [kernel.setPeers(plan, list)];
if (instead) sets.push(kernel.setPeers(plan, instead));
await Promise.all(sets);
done = true;
process.stdout.write(`${turns}\n`);
kernel.close();
