/**
 * An Etcd whose members may become others while it is used: a host was made a member, one has left. Calls go to the client of now;
 * watches go on with the next one where they were.
 */
import type { Etcd, EtcdOptions, Keys, Watch, WatchListener } from '../etcd/port.ts';

interface Following {
  keys: Keys;
  /** The next revision that is not told yet. */
  next: bigint;
  listener: WatchListener;
  watch: Watch | undefined;
  started: boolean;
}

export class MovingEtcd implements Etcd {
  readonly #connect: (options: EtcdOptions) => Etcd;
  readonly #watches = new Set<Following>();
  readonly #onClose: () => void;
  #client: Etcd;
  #closed = false;

  constructor(connect: (options: EtcdOptions) => Etcd, options: EtcdOptions, onClose: () => void) {
    this.#connect = connect;
    this.#onClose = onClose;
    this.#client = connect(options);
  }

  /** Calls that are under way at the former client fail there with 'unavailable', as when a connection is lost. */
  move(options: EtcdOptions): void {
    if (this.#closed) return;
    const former = this.#client;
    this.#client = this.#connect(options);
    for (const following of this.#watches) {
      following.watch?.close();
      this.#follow(following);
    }
    former.close();
  }

  watch(keys: Keys, from: bigint, listener: WatchListener): Watch {
    const following: Following = { keys, next: from, listener, watch: undefined, started: false };
    this.#watches.add(following);
    this.#follow(following);
    return {
      close: () => {
        this.#watches.delete(following);
        following.watch?.close();
      },
    };
  }

  #follow(following: Following): void {
    const { keys, listener } = following;
    following.watch = this.#client.watch(keys, following.next, {
      started: (header) => {
        if (following.started) listener.resumed?.(header);
        else listener.started?.(header);
        following.started = true;
      },
      events: (header, events) => {
        following.next = header.revision + 1n;
        listener.events(header, events);
      },
      compacted: (revision) => {
        this.#watches.delete(following);
        listener.compacted(revision);
      },
      interrupted: (error) => listener.interrupted?.(error),
      resumed: (header) => listener.resumed?.(header),
    });
  }

  close(): void {
    this.#closed = true;
    this.#watches.clear();
    this.#client.close();
    this.#onClose();
  }

  get: Etcd['get'] = (...args) => this.#client.get(...args);
  transact: Etcd['transact'] = (...args) => this.#client.transact(...args);
  grant: Etcd['grant'] = (...args) => this.#client.grant(...args);
  keepAlive: Etcd['keepAlive'] = (...args) => this.#client.keepAlive(...args);
  revoke: Etcd['revoke'] = (...args) => this.#client.revoke(...args);
  members: Etcd['members'] = () => this.#client.members();
  addMember: Etcd['addMember'] = (...args) => this.#client.addMember(...args);
  promoteMember: Etcd['promoteMember'] = (...args) => this.#client.promoteMember(...args);
  removeMember: Etcd['removeMember'] = (...args) => this.#client.removeMember(...args);
  status: Etcd['status'] = () => this.#client.status();
}
