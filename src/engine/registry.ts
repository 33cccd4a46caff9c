/** The containers of this daemon: by ID, by prefix of an ID, by name; and what of each lives in memory only. */
import { conflict, invalidParameter, notFound } from '../errors.ts';
import type { Json } from '../model/json.ts';
import type { HealthMonitor } from './health/monitor.ts';
import { Lock } from './lock.ts';
import type { AttachSession } from './process/session.ts';
import type { ContainerRecord } from './record.ts';

export interface Exit {
  code: number;
  error: string;
}

interface Settle {
  resolve: (result: Json) => void;
  reject: (error: Error) => void;
}

/** Things that happen to a container, to be waited for. */
export class Moments {
  readonly #listeners = new Set<() => void>();
  readonly #waiting = { exit: new Set<Settle>(), removed: new Set<Settle>() };

  async wait(what: 'exit' | 'removed', signal?: AbortSignal): Promise<Json> {
    return new Promise((resolve, reject) => {
      const set = this.#waiting[what];
      const abort = (): void => {
        set.delete(settle);
        reject(new Error('the client has gone'));
      };
      const done = (): void => {
        set.delete(settle);
        signal?.removeEventListener('abort', abort);
      };
      const settle: Settle = {
        resolve(result) {
          done();
          resolve(result);
        },
        reject(error) {
          done();
          reject(error);
        },
      };
      set.add(settle);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort);
    });
  }

  /** Called at each moment; returns the function that ends that. */
  listen(told: () => void): () => void {
    this.#listeners.add(told);
    return () => this.#listeners.delete(told);
  }

  tell(what: 'exit' | 'removed', result: Json): void {
    for (const told of this.#listeners) told();
    for (const settle of this.#waiting[what]) settle.resolve(result);
  }
}

export class Container {
  record: ContainerRecord;
  readonly lock = new Lock();
  readonly moments = new Moments();
  /** Attached before the start, connected by it. */
  readonly pending = new Set<AttachSession>();
  readonly execs = new Set<string>();
  /** Ends the watch for conmon's end. */
  watch: { close(): void } | undefined;
  /** While it runs and has a healthcheck. */
  health: HealthMonitor | undefined;
  /** Milliseconds since 1970 of the last start. */
  startedAt = 0;
  removing = false;
  /** Restarts that a client asked for and that are at the stop yet: its end is none. */
  restarts = 0;
  /** Commits that let it stand still. */
  commits = 0;
  /** A restart by policy is due. */
  restart: { timer: NodeJS.Timeout; delay: number } | undefined;
  /** Milliseconds of the last wait before a restart by policy. */
  restartDelay = 0;

  constructor(record: ContainerRecord) {
    this.record = record;
  }

  get id(): string {
    return this.record.id;
  }

  get running(): boolean {
    return this.record.state.Running;
  }
}

export class Registry {
  #byId = new Map<string, Container>();
  #byName = new Map<string, string>();

  all(): Container[] {
    return [...this.#byId.values()];
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  add(container: Container): void {
    this.#byId.set(container.id, container);
    this.#byName.set(container.record.name, container.id);
  }

  remove(container: Container): void {
    this.#byId.delete(container.id);
    this.release(container.record.name, container.id);
  }

  hasName(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Throws Docker's Conflict when another container has the name. */
  reserve(name: string, id: string): void {
    const owner = this.#byName.get(name);
    if (owner !== undefined && owner !== id) {
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#byName.set(name, id);
  }

  release(name: string, id: string): void {
    if (this.#byName.get(name) === id) this.#byName.delete(name);
  }

  /** A full ID comes first, then a full name, then a prefix of an ID. */
  find(ref: string): Container {
    const name = ref.replace(/^\//, '');
    if (name === '') throw invalidParameter('invalid container name or ID: value is empty');
    const exact = this.#byId.get(name) ?? this.#byId.get(this.#byName.get(name) ?? '');
    if (exact !== undefined) return exact;
    if (/^[0-9a-f]{1,63}$/.test(name)) {
      const found = this.all().filter(({ id }) => id.startsWith(name));
      if (found.length > 1) throw invalidParameter(`multiple IDs found with provided prefix: ${name}`);
      if (found[0] !== undefined) return found[0];
    }
    throw notFound(`No such container: ${ref}`);
  }
}
