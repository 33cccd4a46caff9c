/**
 * Runs a sequence against a real daemon on a throw-away host. A failure is made as short as time allows by leaving steps out; it
 * is printed with its seed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../support/daemon.ts';
import { createHost } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { messageOf } from '../../src/errors.ts';
import { compare, compareModel } from './compare.ts';
import { Model } from './model.ts';
import { observe, settled } from './observe.ts';
import { carryOut, sequence } from './verbs.ts';
import type { Outcome, Step, Verb } from './verbs.ts';

/** The first that is wrong; undefined when all is as it should be. */
async function runSteps(steps: readonly Step[]): Promise<string | undefined> {
  const host = await createHost({ leavesContainers: true });
  try {
    const daemon = await host.startDaemon();
    let model = new Model();
    for (const [index, step] of steps.entries()) {
      const at = `step ${index} (${JSON.stringify(step)})`;
      if (step.verb === 'KILL') {
        const next = await killed(host, daemon, model, step);
        if (typeof next === 'string') return `${at}: ${next}\n${lastOf(daemon)}`;
        model = next;
      } else {
        const before = model.copy();
        const { done, text } = await carryOut(daemon, step);
        if (model.apply(step) !== done) {
          return `${at}: ${done ? 'done' : 'refused'}, against the model: ${text}\n${describe(before)}\n${lastOf(daemon)}`;
        }
      }
      const wrong = await compare(host, daemon, model);
      if (wrong.length > 0) return `after ${at}:\n  ${wrong.join('\n  ')}\n${lastOf(daemon)}`;
    }
    await daemon.removeContainers();
    await carryOut(daemon, { verb: 'network prune' });
    const wrong = await compare(host, daemon, new Model());
    if (wrong.length > 0) return `at the end, with nothing left:\n  ${wrong.join('\n  ')}`;
    await daemon.stop();
    await host.assertClean();
    return undefined;
  } finally {
    await host[Symbol.asyncDispose]();
  }
}

const lastOf = (daemon: Daemon): string => daemon.log().split('\n').slice(-12).join('\n');
const describe = (model: Model): string =>
  JSON.stringify(
    [...model.containers].map(([name, { running, endpoints, ports }]) => ({
      name,
      running,
      on: [...endpoints],
      ports,
    })),
  );

/** What is acknowledged must be there, what is refused must not, and of the rest each may be done or not. */
async function killed(
  host: Host,
  daemon: Daemon,
  model: Model,
  { what, verbs, after }: Extract<Step, { verb: 'KILL' }>,
): Promise<Model | string> {
  const outcomes = new Map<Verb, Outcome>();
  const under = verbs.map(async (verb) => void outcomes.set(verb, await carryOut(daemon, verb)));
  await sleep(after);
  if (what !== 'berthd') await killAttendant(host);
  if (what !== 'berth-netd') await daemon.kill9();
  await Promise.all(under);
  if (what !== 'berth-netd') await daemon.restart();
  const candidates = outcomesOf(model, verbs, outcomes);
  let wrong: string[][] = [];
  let found: Model | undefined;
  // Ends that happened meanwhile are settled a moment after the start.
  await settled(async () => {
    const seen = await observe(daemon);
    wrong = candidates.map((candidate) => compareModel(candidate, seen));
    found = candidates[wrong.findIndex((list) => list.length === 0)];
    return found ? [] : ['none'];
  });
  if (found) return found;
  const nearest = wrong.toSorted((a, b) => a.length - b.length)[0] ?? [];
  const said = verbs.map((verb) => `${JSON.stringify(verb)} → ${outcomes.get(verb)?.text}`);
  return `no order of the verbs explains what is there:\n  ${[...said, ...nearest].join('\n  ')}`;
}

/** pkill looks at the processes of the throw-away host only: its PID namespace is its own. */
async function killAttendant(host: Host): Promise<void> {
  await host.exec(['sh', '-c', 'kill -9 $(pgrep -x berth-netd)']);
}

/** Every model that some of the verbs, in some order, lead to. */
function outcomesOf(model: Model, verbs: readonly Verb[], outcomes: ReadonlyMap<Verb, Outcome>): Model[] {
  const models: Model[] = [];
  const go = (current: Model, left: readonly Verb[]): void => {
    if (left.every((verb) => outcomes.get(verb)?.done !== true)) models.push(current);
    for (const verb of left) {
      const rest = left.filter((other) => other !== verb);
      const done = outcomes.get(verb)?.done;
      if (done === false) continue;
      for (const parts of done ? [[verb]] : partsOf(current, verb)) {
        const next = current.copy();
        if (parts.every((part) => next.apply(part))) go(next, rest);
      }
    }
  };
  go(model, verbs);
  return models;
}

/** How far a verb of several steps may have come. */
function partsOf(model: Model, verb: Verb): Verb[][] {
  if (verb.verb === 'rm -f') return [[verb], [{ verb: 'stop', name: verb.name }]];
  if (verb.verb !== 'network prune') return [[verb]];
  const names = [...model.networks.keys()].filter((name) => /^n\d$/.test(name));
  // Every subset: whichever was removed first.
  return Array.from({ length: 2 ** names.length }, (_, bits): Verb[] =>
    names.filter((_, index) => (bits >> index) & 1).map((name) => ({ verb: 'network rm', name })),
  ).filter((list) => list.length > 0);
}

async function failureOf(steps: readonly Step[]): Promise<string | undefined> {
  try {
    return await runSteps(steps);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? messageOf(error)) : String(error);
  }
}

/** Leaves out what is not needed to fail, half of it at first. */
async function shrink(
  steps: readonly Step[],
  failure: string,
  until: number,
): Promise<{ steps: readonly Step[]; failure: string }> {
  let best = { steps, failure };
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < best.steps.length && performance.now() < until;) {
      const fewer = best.steps.toSpliced(start, size);
      const again = await failureOf(fewer);
      if (again === undefined) start += size;
      else best = { steps: fewer, failure: again };
    }
  }
  return best;
}

/** Throws with seed and shrunk sequence. `patience`: milliseconds that shrinking may take. */
export async function checkModel(seed: number, length: number, patience: number): Promise<void> {
  const steps = sequence(seed, length);
  const failure = await failureOf(steps);
  if (failure === undefined) return;
  const failed = Number(/step (\d+)/.exec(failure)?.[1] ?? length);
  const short = await shrink(steps.slice(0, failed + 1), failure, performance.now() + patience);
  const lines = short.steps.map((step) => `  ${JSON.stringify(step)}`);
  throw new Error(`SEED=${seed}: ${failure}\n\nshrunk to\n${lines.join('\n')}\nwhich fails: ${short.failure}`);
}
