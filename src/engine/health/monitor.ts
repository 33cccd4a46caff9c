/** A container's probes while it runs: one at a time, from its start or unpause to its end or pause. */
import { messageOf } from '../../errors.ts';
import type { Health } from '../../model/container.ts';
import { type Context, publish, saveIfPossible } from '../context.ts';
import type { ContainerRecord } from '../record.ts';
import type { Container } from '../registry.ts';
import { probe } from './probe.ts';
import { type HealthPlan, afterProbe, begun, delayBefore, planOf, unwatched } from './state.ts';

/** Milliseconds; longer than the runtime gets to end after its process. */
const LONGEST_END = 5000;

export class HealthMonitor {
  readonly #context: Context;
  readonly #container: Container;
  readonly #plan: HealthPlan;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> = Promise.resolve();

  constructor(context: Context, container: Container, plan: HealthPlan) {
    this.#context = context;
    this.#container = container;
    this.#plan = plan;
  }

  /** `share` of the usual delay goes by before the first probe. */
  begin(share = 1): void {
    const delay = share * delayBefore(this.#plan, this.#health.Status, this.#sinceStart());
    this.#timer = setTimeout(() => {
      this.#underWay = this.#probe().catch((error: unknown) => {
        this.#context.log.error('a healthcheck failed', { container: this.#container.id, error: messageOf(error) });
      });
    }, delay).unref();
  }

  /** Resolves when no process of a probe is left, or when it does not end: one that waits for its storage holds nobody up. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#abort.abort();
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LONGEST_END).unref();
    await Promise.race([this.#underWay, late.promise]);
    clearTimeout(timer);
  }

  async #probe(): Promise<void> {
    const sinceStart = this.#sinceStart();
    const result = await probe(this.#context, this.#container, this.#plan, this.#abort.signal);
    if (this.#abort.signal.aborted) return;
    const before = this.#health;
    const after = afterProbe(this.#plan, before, result, sinceStart);
    this.#container.record.state.Health = after;
    if (after.Status !== before.Status) {
      // The others are kept in memory: a write for each probe of each container would be many.
      saveIfPossible(this.#context, this.#container);
      publish(this.#context, this.#container, `health_status: ${after.Status}`);
    }
    this.begin();
  }

  get #health(): Health {
    return this.#container.record.state.Health ?? begun(undefined);
  }

  #sinceStart(): number {
    return Date.now() - this.#container.startedAt;
  }
}

/** Of a run that begins, for its record. */
export function resetHealth({ config, state }: ContainerRecord): void {
  if (planOf(config) === undefined) delete state.Health;
  else state.Health = begun(state.Health);
}

/** The container runs, again or still. `share`: see HealthMonitor.begin(). */
export function resumeHealth(context: Context, container: Container, share = 1): void {
  const { config, state } = container.record;
  const plan = planOf(config);
  if (plan === undefined || !state.Running || state.Paused || container.health !== undefined) return;
  container.health = new HealthMonitor(context, container, plan);
  container.health.begin(share);
}

/** Under a new berthd: what became due while there was none must not be due for all containers at once. */
export const restoreHealth = (context: Context, container: Container): void =>
  resumeHealth(context, container, Math.random());

/** Nobody asks any more: see HealthMonitor.end(). */
export async function endHealth(container: Container): Promise<void> {
  const { state } = container.record;
  const monitor = container.health;
  container.health = undefined;
  if (state.Health !== undefined) state.Health = unwatched(state.Health);
  await monitor?.end();
}
