/** Whether a container that ended is started again, and when. Pure. */
import type { RestartPolicy } from '../model/container.ts';

/** Milliseconds. */
const FIRST = 100;
const LONGEST = 60_000;
/** A run of this length ends the doubling. */
const SOUND = 10_000;

export function planRestart(input: {
  policy: RestartPolicy;
  exitCode: number;
  restarts: number;
  stoppedByHand: boolean;
  ran: number;
  lastDelay: number;
}): { delay: number } | undefined {
  const { policy, exitCode, restarts, stoppedByHand, ran, lastDelay } = input;
  if (stoppedByHand) return undefined;
  const most = policy.MaximumRetryCount;
  const wanted =
    policy.Name === 'always' ||
    policy.Name === 'unless-stopped' ||
    (policy.Name === 'on-failure' && exitCode !== 0 && (most === 0 || restarts < most));
  if (!wanted) return undefined;
  return { delay: lastDelay === 0 || ran >= SOUND ? FIRST : Math.min(lastDelay * 2, LONGEST) };
}

/** When the daemon starts: 'always' also after a stop by hand; what had all its tries gets no more. */
export function startsWithDaemon(input: {
  policy: RestartPolicy;
  stoppedByHand: boolean;
  exitCode: number;
  restarts: number;
}): boolean {
  const { policy, stoppedByHand } = input;
  if (policy.Name === 'always') return true;
  return planRestart({ ...input, stoppedByHand, ran: 0, lastDelay: 0 }) !== undefined;
}
