/** Two recordings of the same calls, field by field. Pure. */
import type { Recorded } from './record.ts';

export interface Difference {
  call: string;
  /** 'status', 'headers.content-type', 'body.HostConfig.Memory', 'body.Networks[0].Name' */
  path: string;
  /** JSON, or 'nothing'. */
  berth: string;
  dockerd: string;
}

const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const say = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

function* differences(path: string, ours: unknown, theirs: unknown): Generator<Omit<Difference, 'call'>> {
  if (isTree(ours) && isTree(theirs) && Array.isArray(ours) === Array.isArray(theirs)) {
    for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      yield* differences(Array.isArray(ours) ? `${path}[${key}]` : `${path}.${key}`, ours[key], theirs[key]);
    }
    return;
  }
  if (ours !== theirs) yield { path, berth: say(ours), dockerd: say(theirs) };
}

export function compare(berth: readonly Recorded[], dockerd: readonly Recorded[]): Difference[] {
  return berth.flatMap(({ call, answer }, index) => {
    const theirs = dockerd[index]?.answer;
    return (['status', 'headers', 'body'] as const).flatMap((part) =>
      [...differences(part, answer[part], theirs?.[part])].map((one) => ({ call, ...one })),
    );
  });
}

/** A difference that is meant, with its reason. */
export interface Accepted {
  /** The call as the report names it, or part of it; all calls without it. */
  call?: RegExp;
  path: RegExp;
  /** What Berth says there; anything without it. */
  berth?: RegExp;
  dockerd?: RegExp;
  when?: (difference: Difference) => boolean;
  /** A sentence for docs/compatibility.md: what differs and why. */
  reason: string;
}

const covers = ({ call, path, berth, dockerd, when }: Accepted, one: Difference): boolean =>
  (call?.test(one.call) ?? true) &&
  path.test(one.path) &&
  (berth?.test(one.berth) ?? true) &&
  (dockerd?.test(one.dockerd) ?? true) &&
  (when?.(one) ?? true);

/** What nobody accepted, and the acceptances that nothing needs. */
export function judge(
  all: readonly Difference[],
  accepted: readonly Accepted[],
): { open: Difference[]; unused: Accepted[] } {
  const used = new Set<Accepted>();
  const open = all.filter((one) => {
    const covering = accepted.filter((each) => covers(each, one));
    for (const each of covering) used.add(each);
    return covering.length === 0;
  });
  return { open, unused: accepted.filter((each) => !used.has(each)) };
}
