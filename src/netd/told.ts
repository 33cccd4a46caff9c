/** What the daemon has told berth-netd: all of it is told to the next one when that one ends. */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { HeldPort, SandboxNames } from '../network/attendant.ts';
import { placeKey } from '../ports/spec.ts';
import { Disconnected } from './connection.ts';
import type { Connection } from './connection.ts';
import { portions, ToldElsewhere } from './told-elsewhere.ts';
import { ToldLeases } from './told-leases.ts';

interface Known {
  names: SandboxNames;
  /** Where the resolver was last. */
  port: number;
  /** False while the call is under way that tells it. */
  done: boolean;
}

/** One call of putNames(), until its answer is there. */
export interface Wish {
  /** Where the resolver was last, 0 for nowhere. */
  readonly port: number;
  /** No later call has taken its place. */
  counts: () => boolean;
  /** `port`: where the resolver is now. */
  fulfil: (port: number | undefined) => void;
  /** What was known before holds again. */
  takeBack: () => void;
}

export class Told {
  readonly leases = new ToldLeases();
  readonly elsewhere = new ToldElsewhere();
  readonly #sandboxes = new Map<string, Known>();
  readonly #ports = new Map<string, Map<string, HeldPort>>();

  /** Whether a process is needed. */
  get something(): boolean {
    return this.#sandboxes.size > 0 || this.#ports.size > 0 || this.leases.size > 0 || this.elsewhere.size > 0;
  }

  putNames(names: SandboxNames): Wish {
    const { sandboxId } = names;
    const before = this.#sandboxes.get(sandboxId);
    const known: Known = { names, port: before?.port ?? 0, done: false };
    this.#sandboxes.set(sandboxId, known);
    const counts = (): boolean => this.#sandboxes.get(sandboxId) === known;
    return {
      port: known.port,
      counts,
      fulfil(port = known.port) {
        known.port = port;
        known.done = true;
      },
      takeBack: () => {
        if (!counts()) return;
        if (before) this.#sandboxes.set(sandboxId, before);
        else this.#sandboxes.delete(sandboxId);
      },
    };
  }

  dropNames(sandboxId: string): void {
    this.#sandboxes.delete(sandboxId);
  }

  holdPorts(owner: string, ports: readonly HeldPort[]): void {
    const own = this.#ports.get(owner) ?? new Map<string, HeldPort>();
    for (const port of ports) own.set(placeKey(port), port);
    this.#ports.set(owner, own);
  }

  releasePorts(owner: string, ports?: readonly HeldPort[]): void {
    const own = this.#ports.get(owner);
    for (const key of ports?.map(placeKey) ?? [...(own?.keys() ?? [])]) own?.delete(key);
    if (own?.size === 0) this.#ports.delete(owner);
  }

  /**
   * All that is so now; a call that is under way tells it itself. What cannot be done for one is logged, and no reason not to do it for
   * the others. Rejects with Disconnected.
   */
  async tell(connection: Connection, log: Logger): Promise<void> {
    const warn = (what: string, fields: object) => (error: unknown) => {
      if (error instanceof Disconnected) throw error;
      log.warn(what, { ...fields, error: messageOf(error) });
    };
    const names = [...this.#sandboxes.values()]
      .filter(({ done }) => done)
      .map(async (known) =>
        connection
          .ask({ op: 'putNames', names: known.names, port: known.port })
          .then(({ port }) => (known.port = port))
          .catch(warn('names cannot be answered in a container', { sandbox: known.names.sandboxId })),
      );
    const ports = [...this.#ports].map(async ([owner, own]) =>
      connection
        .ask({ op: 'holdPorts', owner, ports: [...own.values()] })
        .then(({ refused }) => {
          for (const { protocol, hostAddress, hostPort, code } of refused) {
            log.warn('a published port was taken by another process', { protocol, hostAddress, hostPort, code });
          }
        })
        .catch(warn('published ports cannot be kept', { owner })),
    );
    const leases = this.leases.tell(connection, (endpoint) => warn('a lease is not renewed', { endpoint }));
    const elsewhere = portions(this.elsewhere.all()).map(async (part) =>
      connection
        .ask({ op: 'changeElsewhere', ...part })
        .catch(warn('names of containers on other hosts are not all known', {})),
    );
    await Promise.all([...names, ...ports, ...leases, ...elsewhere]);
  }
}
