/** What is known of the further processes in containers: those that clients ask for, and the probes of healthchecks. */
import { randomBytes } from 'node:crypto';
import { notFound } from '../errors.ts';
import type { ExecConfig } from '../model/container.ts';
import type { Container } from './registry.ts';

export interface Exec {
  id: string;
  container: Container;
  config: ExecConfig;
  state: 'created' | 'running' | 'ended';
  exitCode: number | null;
  pid: number;
  /** Milliseconds since 1970. */
  endedAt: number;
  watch?: { close(): void };
  ended: PromiseWithResolvers<void>;
}

/** Finished ones can be asked for their exit code for five minutes, as with dockerd. */
const KEPT = 5 * 60_000;

export class ExecTable {
  readonly #byId = new Map<string, Exec>();

  add(container: Container, config: ExecConfig): Exec {
    this.#sweep();
    const exec: Exec = {
      id: randomBytes(32).toString('hex'),
      container,
      config,
      state: 'created',
      exitCode: null,
      pid: 0,
      endedAt: 0,
      ended: Promise.withResolvers(),
    };
    this.#byId.set(exec.id, exec);
    container.execs.add(exec.id);
    return exec;
  }

  get(id: string): Exec | undefined {
    return this.#byId.get(id);
  }

  /** NotFound for one that is unknown, or of a container that is gone. */
  find(id: string): Exec {
    const exec = this.#byId.get(id);
    if (exec === undefined) throw notFound(`No such exec instance: ${id}`);
    return exec;
  }

  of(container: Container): Exec[] {
    return [...container.execs].flatMap((id) => this.#byId.get(id) ?? []);
  }

  forget(exec: Exec): void {
    this.#byId.delete(exec.id);
    exec.container.execs.delete(exec.id);
  }

  #sweep(): void {
    const before = Date.now() - KEPT;
    for (const exec of this.#byId.values()) {
      if (exec.state === 'running' || (exec.state === 'ended' && exec.endedAt > before)) continue;
      if (exec.state === 'created' && exec.container.running) continue;
      this.forget(exec);
    }
  }
}

/** False when it had ended before. */
export function markEnded(exec: Exec, code: number): boolean {
  if (exec.state === 'ended') return false;
  exec.state = 'ended';
  exec.exitCode = code;
  exec.endedAt = Date.now();
  exec.ended.resolve();
  return true;
}
