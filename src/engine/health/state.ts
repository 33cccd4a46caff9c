/**
 * How a healthcheck goes, by dockerd's rules: what is asked, when, and what the answers make of the container's health.
 * Pure; times in milliseconds.
 */
import type { ContainerConfig, Health, HealthResult } from '../../model/container.ts';

export interface HealthPlan {
  command: [program: string, ...args: string[]];
  /** From the end of one probe to the begin of the next. */
  interval: number;
  timeout: number;
  /** After the start; failures in it do not count. */
  startPeriod: number;
  /** Takes the interval's place in the start period, until the first success. */
  startInterval: number;
  /** Failures in a row that make it unhealthy. */
  retries: number;
}

const LOG_LENGTH = 5;
/** What setTimeout() can wait for: some 24 days. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** undefined: there is no healthcheck, or it was turned off. */
export function planOf({ Healthcheck: check, Shell }: ContainerConfig): HealthPlan | undefined {
  const [kind, ...words] = check?.Test ?? [];
  if (check === undefined || (kind !== 'CMD' && kind !== 'CMD-SHELL')) return undefined;
  const shell = Shell !== undefined && Shell.length > 0 ? Shell : ['/bin/sh', '-c'];
  const [program, ...args] = kind === 'CMD' ? words : [...shell, ...words];
  if (program === undefined) return undefined;
  // 0 stands for the default, as what is not there does.
  const time = (nanoseconds: number | undefined, usual: number): number => (nanoseconds ? nanoseconds / 1e6 : usual);
  return {
    command: [program, ...args],
    interval: time(check.Interval, 30_000),
    timeout: time(check.Timeout, 30_000),
    startPeriod: time(check.StartPeriod, 0),
    startInterval: time(check.StartInterval, 5000),
    retries: check.Retries || 3,
  };
}

/** Of a run that begins; the log of the one before stays. */
export const begun = (before: Health | undefined): Health => ({
  Status: 'starting',
  FailingStreak: 0,
  Log: before?.Log ?? [],
});

/** Nobody asks any more, because it stands still or has ended: dockerd calls such a container unhealthy, without an event. */
export const unwatched = (health: Health): Health => ({ ...health, Status: 'unhealthy' });

/** `sinceStart`: from the container's start to that of the probe. */
export function afterProbe(plan: HealthPlan, before: Health, result: HealthResult, sinceStart: number): Health {
  const Log = [...before.Log, result].slice(-LOG_LENGTH);
  if (result.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log };
  if (before.Status === 'starting' && sinceStart < plan.startPeriod) return { ...before, Log };
  const FailingStreak = before.FailingStreak + 1;
  return { Status: FailingStreak >= plan.retries ? 'unhealthy' : before.Status, FailingStreak, Log };
}

/** Until the next probe. */
export function delayBefore(plan: HealthPlan, status: Health['Status'], sinceStart: number): number {
  const early = sinceStart < plan.startPeriod && status === 'starting';
  return Math.min(early ? plan.startInterval : plan.interval, LONGEST_DELAY);
}
