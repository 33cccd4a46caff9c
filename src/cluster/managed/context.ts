/** What the operations on a managed cluster share: its files, its etcd, this host's place in it. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaemonClusterSettings } from '../../daemon/settings.ts';
import { conflict, invalidParameter, unavailable } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { HostAddress } from '../../network/kernel.ts';
import type { Store } from '../../store/store.ts';
import type { ClusterControl } from '../cluster.ts';
import type { Etcd, EtcdOptions } from '../etcd/port.ts';
import { advertisedAddress, onlyAddress } from './advertise.ts';
import { EtcdProcess } from './etcd-process.ts';
import { lastComplaint } from './etcd-log.ts';
import { filesIn } from './etcd-member.ts';
import type { MemberSettings } from './etcd-member.ts';
import { isHostName } from './host-name.ts';
import { forgetMembership, hostId, membershipOf, putMembership } from './membership.ts';
import type { Membership } from './membership.ts';
import { MovingEtcd } from './moving-etcd.ts';

/** The registry of the cluster's hosts, networks and endpoints, as ../cluster.ts has it. */
export type Registry = Pick<ClusterControl, 'join' | 'leave' | 'status'>;

export interface ManagedDeps {
  /** Of this part alone: made when it is needed, 0700. */
  directory: string;
  /** Exists, for root alone. */
  scratch: string;
  store: Store;
  settings: DaemonClusterSettings;
  /** The machine's. */
  hostName: string;
  addresses: (this: void) => readonly HostAddress[];
  /** Path; undefined when there is none. */
  etcdProgram: (this: void) => string | undefined;
  /** Takes some milliseconds and megabytes: only hosts of a cluster do. */
  loadClient: (this: void) => Promise<(options: EtcdOptions) => Etcd>;
  registry: Registry;
  /** Containers on overlay networks, by name. */
  inUse: (this: void) => readonly string[];
  randomHex: (this: void, bytes: number) => string;
  /** Milliseconds since 1970. */
  now: (this: void) => number;
  log: Logger;
}

export const ADVERTISE_FLAG = '--advertise-addr';

/** Milliseconds in which an etcd that was started answers; it takes one second, on a busy machine some. */
const LONGEST_START = 45_000;

export class ManagedContext {
  readonly deps: ManagedDeps;
  readonly process: EtcdProcess;
  readonly files: ReturnType<typeof filesIn>;
  readonly #clients = new Set<MovingEtcd>();
  #create: ((options: EtcdOptions) => Etcd) | undefined;
  #etcd: Etcd | undefined;

  /** `etcdEnded`: called each time that the etcd of this host ends by itself. */
  constructor(deps: ManagedDeps, etcdEnded: () => void = () => undefined) {
    const { directory, etcdProgram: program, log } = deps;
    this.deps = deps;
    this.files = filesIn(directory);
    this.process = new EtcdProcess({ directory, program, ended: etcdEnded, log });
  }

  get membership(): Membership | undefined {
    return membershipOf(this.deps.store);
  }

  /** Conflict, saying what to do, when this host is in no cluster that Berth manages. */
  member(verb: string): Membership {
    this.refuseGiven(verb);
    const { membership } = this;
    if (membership) return membership;
    throw conflict(
      'this host is in no cluster: "berth cluster init" makes one, "berth cluster join TOKEN" goes into one that is there',
    );
  }

  refuseGiven(verb: string): void {
    if (!this.deps.settings.store) return;
    throw conflict(
      `this daemon was started with --cluster-store: its etcd is managed by whoever runs it, and "berth cluster ${verb}" is for ` +
        'clusters that Berth manages',
    );
  }

  /** As which this host goes into a cluster. */
  get hostName(): string {
    const name = this.deps.settings.name || this.deps.hostName;
    if (isHostName(name)) return name;
    throw invalidParameter(
      `the host's name ${JSON.stringify(name)} cannot be one in a cluster: start berthd with --cluster-name`,
    );
  }

  /** What was asked for, else --cluster-advertise, else `otherwise`, else the only one. */
  address(asked: string, otherwise = ''): string {
    const { settings, addresses } = this.deps;
    if (asked !== '') return advertisedAddress(ADVERTISE_FLAG, asked, addresses());
    if (settings.advertise !== '') return advertisedAddress('--cluster-advertise', settings.advertise, addresses());
    if (otherwise !== '') return advertisedAddress(ADVERTISE_FLAG, otherwise, addresses());
    return onlyAddress(ADVERTISE_FLAG, addresses());
  }

  // — Files —

  async writeFiles({
    authority,
    certificate,
    key,
  }: {
    authority: string;
    certificate: string;
    key: string;
  }): Promise<void> {
    await mkdir(this.deps.directory, { recursive: true, mode: 0o700 });
    await writeFile(this.files.authority, authority, { mode: 0o600 });
    await writeFile(this.files.certificate, certificate, { mode: 0o600 });
    await writeFile(this.files.key, key, { mode: 0o600 });
  }

  /** From here on this host is in the cluster. */
  async settle(membership: Membership): Promise<void> {
    putMembership(this.deps.store, membership);
    await this.noteEntered();
  }

  async noteEntered(): Promise<void> {
    await writeFile(this.files.entered, '', { mode: 0o600 });
  }

  /**
   * What is there without a record: what a kill left of going in is swept, but the files of a host that was in are kept, aside. They may
   * be all that is left of a cluster.
   */
  async sweepOrKeep(): Promise<void> {
    const { directory, now, log } = this.deps;
    if (existsSync(this.files.entered)) {
      await this.process.stop();
      const aside = `${directory}.lost-${new Date(now()).toISOString().slice(0, 19).replaceAll(':', '')}`;
      await rename(directory, aside);
      log.error(
        'this host was in a cluster, and its store does not know: was the store lost? The files of the cluster, with the data of its ' +
          'etcd, were moved aside; "berth cluster join" goes in again',
        { directory: aside },
      );
    }
    await this.sweep();
  }

  /** Nothing of a cluster is left on this host: neither a process nor a file nor a record. */
  async sweep(): Promise<void> {
    await this.process.stop();
    await rm(this.deps.directory, { recursive: true, force: true });
    forgetMembership(this.deps.store);
  }

  // — etcd —

  /** This host's own, of a member. */
  async startMember(membership: Membership): Promise<void> {
    const settings = settingsOf(membership);
    if (settings) await this.process.start(settings);
  }

  /** The same when the daemon starts: it was there before, and shall be again, whatever is in the way now. */
  async resumeMember(membership: Membership): Promise<void> {
    const settings = settingsOf(membership);
    if (settings) await this.process.resume(settings);
  }

  /** For the cluster's registry: it follows the members, whoever they are. */
  readonly connect = (options: EtcdOptions): Etcd => {
    const client: MovingEtcd = new MovingEtcd(this.open, options, () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  };

  /** For as long as the caller needs it, with these members. */
  readonly open = (options: EtcdOptions): Etcd => {
    if (!this.#create) throw new Error('a client of etcd is asked for before there is a cluster');
    return this.#create(options);
  };

  async load(): Promise<void> {
    this.#create ??= await this.deps.loadClient();
  }

  async options(endpoints: readonly string[]): Promise<EtcdOptions> {
    const [ca, certificate, key] = await Promise.all(
      [this.files.authority, this.files.certificate, this.files.key].map(async (file) => readFile(file)),
    );
    return {
      endpoints,
      tls: { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }) },
      timeout: this.deps.settings.timeout * 1000,
    };
  }

  /** Of the cluster that this host is in. */
  get etcd(): Etcd {
    if (this.#etcd) return this.#etcd;
    throw unavailable('this host is not in its cluster yet: berthd has just started');
  }

  /** Connects to etcd, and enters the registry: what comes back is settled as its join() is. */
  async connectTo(membership: Membership): Promise<{ entered: Promise<void> }> {
    const { registry, settings, store, randomHex } = this.deps;
    await this.load();
    const options = await this.options(membership.endpoints);
    this.#etcd = this.connect(options);
    const entered = registry.join({
      store: options,
      prefix: membership.prefix,
      advertise: membership.address,
      vxlanPort: membership.vxlanPort,
      hostName: membership.hostName,
      hostId: hostId(store, randomHex),
      leaseTtl: settings.lease,
      timeout: settings.timeout * 1000,
    });
    return { entered };
  }

  /** The same for the first time: Conflict when the cluster does not take this host, Unavailable when etcd does not answer it. */
  async enter(membership: Membership): Promise<void> {
    const { entered } = await this.connectTo(membership);
    await entered;
    const { state, reason } = this.deps.registry.status();
    if (state === 'joined') return;
    if (state === 'refused') throw conflict(`the cluster does not take this host: ${reason}`);
    throw unavailable(
      `etcd does not answer this host at ${membership.endpoints.join(', ')}: is a firewall between, or the clock of one of them wrong?`,
    );
  }

  /** The other way. */
  async exit(): Promise<void> {
    await this.deps.registry.leave();
    this.disconnect();
  }

  disconnect(): void {
    this.#etcd?.close();
    this.#etcd = undefined;
  }

  /** Other members, or another certificate: all clients change over. */
  async move(endpoints: readonly string[], { renewed } = { renewed: false }): Promise<void> {
    const { membership } = this;
    if (!membership || endpoints.length === 0) return;
    const same =
      endpoints.length === membership.endpoints.length && endpoints.every((url) => membership.endpoints.includes(url));
    if (same && !renewed) return;
    putMembership(this.deps.store, { ...membership, endpoints });
    const options = await this.options(endpoints);
    for (const client of this.#clients) client.move(options);
  }

  /** Resolves to the ID of this host's own etcd when it answers. Unavailable, with its own complaint, when it does not. */
  async answers(etcd: Etcd): Promise<bigint> {
    const end = performance.now() + LONGEST_START;
    for (;;) {
      try {
        return (await etcd.status()).member;
      } catch (error) {
        if (performance.now() > end || this.process.failures > 1) {
          const why = lastComplaint(this.files.log);
          throw unavailable(`etcd does not answer${why === '' ? '' : `: ${why}`}; see ${this.files.log}`, error);
        }
      }
      await sleep(100);
    }
  }
}

const settingsOf = ({ hostName: name, address, clusterId, member }: Membership): MemberSettings | undefined =>
  member && { name, address, clusterId, ...member };
