/** The etcd process of this host while berthd runs: found again or started, started again when it ends, ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, unavailable } from '../../errors.ts';
import { isAlive, signalProcess, watchExit } from '../../linux/pidfd.ts';
import type { ProcessId } from '../../linux/pidfd.ts';
import type { Logger } from '../../log.ts';
import { lastComplaint } from './etcd-log.ts';
import { filesIn, spawnEtcd, startedEtcd } from './etcd-member.ts';
import type { MemberSettings } from './etcd-member.ts';

export interface EtcdProcessOptions {
  directory: string;
  /** Path of the program, undefined when there is none. */
  program: (this: void) => string | undefined;
  /** It ended by itself, and will be started again. */
  ended: (this: void) => void;
  log: Logger;
}

/** Milliseconds before it is started again: each time the next one, until it has lived for a while. */
const PAUSES = [100, 500, 1000, 2000, 5000, 10_000, 30_000];
const LIVED = 60_000;
/** Milliseconds that it is given to end by itself. */
const LONGEST_END = 10_000;
const SIGTERM = 15;
const SIGKILL = 9;

export class EtcdProcess {
  readonly #options: EtcdProcessOptions;
  #settings: MemberSettings | undefined;
  #process: ProcessId | undefined;
  #watch: { close(): void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #began = 0;

  constructor(options: EtcdProcessOptions) {
    this.#options = options;
  }

  /** Resolves when there is a process; whether it answers is another question. Unavailable when there is no program. */
  async start(settings: MemberSettings): Promise<void> {
    this.#settings = settings;
    // Whoever waited to start it again need not.
    clearTimeout(this.#timer);
    const running = startedEtcd(this.#options.directory);
    if (running) {
      this.#take(running);
      return;
    }
    const program = this.#options.program();
    if (program === undefined) {
      throw unavailable('missing etcd: install it (Debian: apt-get install etcd-server)');
    }
    const spawned = await spawnEtcd(program, this.#options.directory, settings);
    // Stopped meanwhile: what nobody looks after shall not run.
    if (this.#settings !== settings) return void signalProcess(spawned, SIGTERM);
    this.#take(spawned);
    this.#options.log.info('etcd was started', { pid: this.#process?.pid });
  }

  /** The same, as often as it takes: what fails is logged, and tried again until it is given up. */
  async resume(settings: MemberSettings): Promise<void> {
    try {
      await this.start(settings);
    } catch (error) {
      this.#options.log.error('etcd cannot be started', { error: messageOf(error) });
      if (this.#settings === settings) this.#again(PAUSES.at(-1) ?? 0);
    }
  }

  /** How often it has ended of late without having lived for a while. */
  get failures(): number {
    return this.#failures;
  }

  /** Resolves when there is none any more, also one that an earlier berthd started. */
  async stop(): Promise<void> {
    this.release();
    const running = this.#process ?? startedEtcd(this.#options.directory);
    this.#process = undefined;
    if (!running || !signalProcess(running, SIGTERM)) return;
    const end = performance.now() + LONGEST_END;
    while (isAlive(running)) {
      if (performance.now() > end) signalProcess(running, SIGKILL);
      await sleep(20);
    }
  }

  /** It goes on, nobody looks after it. */
  release(): void {
    this.#settings = undefined;
    this.#failures = 0;
    this.#watch?.close();
    this.#watch = undefined;
    clearTimeout(this.#timer);
  }

  #take(running: ProcessId): void {
    this.#process = running;
    this.#began = performance.now();
    this.#watch?.close();
    this.#watch = watchExit(running, () => this.#ended());
  }

  #ended(): void {
    const { directory, log } = this.#options;
    if (!this.#settings) return;
    if (performance.now() - this.#began > LIVED) this.#failures = 0;
    const pause = PAUSES[Math.min(this.#failures++, PAUSES.length - 1)] ?? 0;
    log.warn('etcd ended, and is started again', { reason: lastComplaint(filesIn(directory).log), ms: pause });
    this.#again(pause);
    this.#options.ended();
  }

  #again(pause: number): void {
    this.#timer = setTimeout(() => {
      if (this.#settings) void this.resume(this.#settings);
    }, pause).unref();
  }
}
