/**
 * This host in one cluster. A loop keeps it there: it enters (lease, keys of the host, everything read, everything of this host's put
 * where it is missing), and then looks three times in a lease's life whether all is well. Whatever happened (the lease was over, the
 * store was restored, a watch missed something), the answer is to enter again: what is there is compared with what was told.
 */
import { messageOf, unavailable } from '../errors.ts';
import type { BerthError } from '../errors.ts';
import type { ClusterEndpoint, ClusterListener } from '../network/cluster.ts';
import type { NetworkRecord } from '../network/records.ts';
import { Bell, Gate, bounded, pause } from './calls.ts';
import type { Call } from './calls.ts';
import { Claims } from './claims.ts';
import { Contact } from './contact.ts';
import type { ClusterDeps, ClusterSettings, ClusterStatus, HostRecord } from './deps.ts';
import { EtcdError } from './etcd/error.ts';
import { clusterKeys } from './keys.ts';
import { Membership, Refused } from './membership.ts';
import { View } from './view.ts';
import type { Snapshot } from './view.ts';

/** Milliseconds until what failed is tried again. */
const RETRY = 250;

/** What this host had when it was in the cluster before, or waits for while it is in none. */
export interface Before {
  endpoints: readonly ClusterEndpoint[];
  networks: readonly NetworkRecord[];
  followed: Iterable<string>;
}

export class Registry {
  readonly settings: ClusterSettings;
  readonly host: HostRecord;
  readonly claims: Claims;
  readonly view: View;
  readonly contact: Contact;
  readonly #deps: ClusterDeps;
  readonly #membership: Membership;
  readonly #gate = new Gate();
  readonly #bell: Bell;
  #state: ClusterStatus['state'] = 'connecting';
  #refused = '';
  /** That the store does not answer, since it did. */
  #warned = false;
  /** Those of the contact after which it was entered. */
  #restores = 0;
  /** A watch was lost: the store may be another one, too. */
  #doubt = false;
  #closed = false;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: ClusterDeps, settings: ClusterSettings, listener: ClusterListener, before: Before) {
    const { hostId, hostName, advertise, vxlanPort, prefix } = settings;
    const keys = clusterKeys(prefix);
    this.settings = settings;
    this.#deps = deps;
    const { version } = deps;
    const secure = deps.secure?.();
    this.host = { id: hostId, name: hostName, address: advertise, ...(secure && { secure }), vxlanPort, version };
    this.contact = new Contact(deps, settings);
    this.#membership = new Membership(this.contact, deps.clock, settings, this.host);
    this.claims = new Claims(this.contact, keys, this.host, before.endpoints);
    this.#bell = new Bell(deps.clock);
    this.view = new View({
      contact: this.contact,
      keys,
      claims: this.claims,
      listener,
      log: deps.log,
      hostId,
      networks: before.networks,
      followed: before.followed,
      missed: () => {
        this.#doubt = true;
        this.#enterAgain();
      },
      unsettled: () => this.#bell.ring(),
    });
  }

  get state(): ClusterStatus['state'] {
    return this.#state;
  }

  /** '' when all is well. */
  get reason(): string {
    if (this.#state === 'joined') return '';
    return this.#state === 'refused' ? this.#refused : this.refusal().message;
  }

  /** Seconds that the lease has left. */
  get leaseLeft(): number {
    return this.#membership.left;
  }

  start(): void {
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#enter();
        await this.#stay();
      } catch (error) {
        if (this.#closed) return;
        this.#failed(error);
        await this.#bell.wait(error instanceof Refused ? this.#interval : RETRY);
      }
    }
  }

  /** Milliseconds. */
  get #interval(): number {
    return (this.settings.leaseTtl * 1000) / 3;
  }

  async #enter(): Promise<void> {
    const { contact, claims, view } = this;
    this.#gate.close();
    await this.#gate.empty();
    view.stopWatching();
    const { restores } = contact;
    const restored = restores !== this.#restores;
    // It went back just now: what it lacks was not removed, and what was put may be gone.
    const sameStore = (): void => {
      if (contact.restores !== restores) throw new EtcdError('unavailable', 'the cluster store was restored');
    };
    // What hangs on the old lease and should not goes with it.
    const entry = await this.#membership.enter({ fresh: restored || this.#doubt });
    sameStore();
    const snapshot = await this.#read(restored);
    const gone = this.#gone(snapshot);
    // Nobody removes a network that a host is on. (The revision may be past the one that was seen before the store went back.)
    if (!restored && entry.kept && claims.standOn(gone)) contact.wentBack();
    sameStore();
    for (const networkId of gone) claims.loseNetwork(networkId);
    await claims.renew(entry);
    view.tellLosses();
    const peers = await view.readAllPeers(claims.networks());
    sameStore();
    if (this.#closed) return;
    // Nothing fails from here on.
    this.#restores = restores;
    this.#doubt = false;
    view.show(snapshot, peers, restored);
    this.#joined();
    // What hangs on them was not put again: it is nobody's. Where this fails it ends by itself.
    for (const lease of entry.former) contact.revoke(lease).catch(() => undefined);
  }

  async #read(restored: boolean): Promise<Snapshot> {
    const snapshot = await this.view.read();
    if (!restored) return snapshot;
    const { networks } = this.view;
    const lost = [...this.#gone(snapshot)].flatMap((id) => networks.get(id) ?? []);
    if (lost.length === 0) return snapshot;
    await networks.putBack(lost, (text, network) => this.#deps.log.warn(text, { network }));
    return this.view.read();
  }

  /** Networks of this host's endpoints that are not there. */
  #gone({ networks }: Snapshot): Set<string> {
    const there = new Set(networks.map(({ id }) => id));
    return new Set(this.claims.networks().filter((id) => !there.has(id)));
  }

  /** Until it must enter again. */
  async #stay(): Promise<void> {
    let away = false;
    while (!this.#closed && this.#gate.isOpen) {
      await this.#bell.wait(away ? RETRY : this.#interval);
      if (this.#closed || !this.#gate.isOpen) return;
      try {
        const [kept, there] = await Promise.all([this.#membership.keep(), this.#membership.isThere()]);
        if (!kept || !there || this.contact.restores !== this.#restores) return;
        await this.#gate.pass(async () => this.#settle());
        if (away) this.#joined();
        away = false;
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        this.#failed(error);
        away = true;
      }
    }
  }

  /** What was asked for while the store was away is done. */
  async #settle(): Promise<void> {
    if (this.claims.waiting > 0) await this.claims.settle();
    this.view.tellLosses();
    await this.view.catchUp();
    this.contact.save();
  }

  #joined(): void {
    const { log } = this.#deps;
    const { name: host, address } = this.host;
    if (this.#state === 'away') log.info('the cluster store is back');
    else if (this.#state !== 'joined') log.info('this host is in the cluster', { host, address });
    this.#state = 'joined';
    this.#warned = false;
    this.contact.save(true);
    this.#gate.open();
  }

  #failed(error: unknown): void {
    const { log } = this.#deps;
    if (error instanceof Refused) {
      if (this.#state !== 'refused' || this.#refused !== error.message) {
        log.error('this host is not let into the cluster', { reason: error.message });
      }
      this.#refused = error.message;
      this.#state = 'refused';
      return;
    }
    // Once, however often it is tried again.
    if (this.#warned) return;
    this.#warned = true;
    if (error instanceof EtcdError) log.warn('the cluster store does not answer', { error: error.message });
    else log.error('the cluster could not be followed', { error: messageOf(error) });
    if (this.#state === 'joined') this.#state = 'away';
  }

  /** Who is at something ends it; then the loop enters. */
  #enterAgain(): void {
    this.#gate.close();
    this.#bell.ring();
  }

  /**
   * `body`, while this host is in the cluster, again and again until it was done or the time is over. `afterwards` is waited for, too,
   * but outside: entering again may be what it waits for.
   */
  async attempt<T>(body: (call: Call) => Promise<T>, afterwards?: (result: T) => Promise<void>): Promise<T> {
    const { clock } = this.#deps;
    const { timeout } = this.settings;
    let trouble = '';
    const refuse = (): BerthError => this.refusal(trouble);
    return bounded(clock, timeout, refuse, async (call) => {
      for (;;) {
        if (this.#state === 'refused' || this.#closed) throw this.refusal();
        await this.#gate.opened();
        if (call.over) throw this.refusal();
        try {
          const result = await this.#gate.pass(async () => body(call));
          await afterwards?.(result);
          return result;
        } catch (error) {
          if (!(error instanceof EtcdError)) throw error;
          const hopeless = this.contact.hopeless(error);
          if (hopeless) throw hopeless;
          trouble = error.message;
          if (error.code === 'no-lease') this.#enterAgain();
          else await pause(clock, Math.min(RETRY, timeout / 4));
        } finally {
          if (this.claims.waiting > 0) this.#bell.ring();
        }
      }
    });
  }

  /** Never rejects; what cannot be done at once is done when it can. */
  async release(endpointId: string): Promise<void> {
    const { clock } = this.#deps;
    if (!this.#gate.isOpen || this.#state !== 'joined') this.claims.forget(endpointId);
    else {
      const late = (): EtcdError => new EtcdError('unavailable', 'the store has not answered in time');
      const body = async (): Promise<void> => this.#gate.pass(async () => this.claims.release(endpointId));
      await bounded(clock, this.settings.timeout, late, body).catch((error: unknown) => {
        if (!(error instanceof EtcdError)) throw error;
      });
    }
    if (this.claims.waiting > 0) this.#bell.ring();
  }

  /** What a call rejects with. `trouble`: what it met itself. */
  refusal(trouble = ''): BerthError {
    if (this.#closed) return unavailable('this host has left the cluster');
    if (this.#state === 'refused') return unavailable(`this host is not let into the cluster: ${this.#refused}`);
    return this.contact.refusal(trouble);
  }

  /** This host leaves the cluster, and nothing of the cluster is left here. */
  async leave(): Promise<void> {
    // Never out of a call.
    await Promise.resolve();
    for (const { networkId } of this.claims.all()) this.claims.loseNetwork(networkId, 'this host has left the cluster');
    this.view.tellLosses();
    this.view.clear();
    this.contact.forget();
    await this.close({ keep: false });
    this.contact.forget();
  }

  /** Resolves within the time of a call. `keep`: what this host has stays as long as the lease. */
  async close({ keep }: { keep: boolean }): Promise<void> {
    this.#closed = true;
    this.#gate.close();
    this.#bell.ring();
    this.view.end();
    const body = async (): Promise<void> => {
      await this.#running;
      await (keep ? this.#membership.keep() : this.#membership.leave());
      this.contact.save(true);
    };
    const late = (): BerthError => this.contact.refusal();
    await bounded(this.#deps.clock, this.settings.timeout, late, body).catch((error: unknown) =>
      this.#deps.log.warn('the cluster store was not told of the end: it notices when the lease is over', {
        error: messageOf(error),
      }),
    );
    this.contact.close();
  }
}
