/** Registries of several hosts on a real etcd: the registry runs in the test, its client of etcd in a throw-away host. */
import { createCluster } from '../../src/cluster/cluster.ts';
import type { ClusterControl } from '../../src/cluster/cluster.ts';
import type { ClusterSettings } from '../../src/cluster/deps.ts';
import { Listener, settingsOf } from '../../src/cluster/testing-hosts.ts';
import type { Cluster, ClusterEndpoint } from '../../src/network/cluster.ts';
import type { LogFields } from '../../src/log.ts';
import { connect } from '../etcd/remote.ts';
import type { RemoteEtcd } from '../etcd/remote.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

/** Seconds: short, so that tests are; long enough for a busy machine to keep it. */
export const LEASE = 3;
/** Milliseconds in which a lease that nobody keeps is over, and everybody knows. */
export const AFTER_LEASE = (LEASE + 10) * 1000;

export const clock = {
  now: (): number => performance.now(),
  later(milliseconds: number, body: () => void): () => void {
    const timer = setTimeout(body, milliseconds);
    return () => clearTimeout(timer);
  },
};

export class RealHost implements AsyncDisposable {
  readonly name: string;
  readonly listener: Listener;
  readonly control: ClusterControl;
  readonly warnings: string[] = [];
  readonly #clients: RemoteEtcd[] = [];

  constructor(host: Host, name: string, listener = new Listener()) {
    const note = (text: string, fields?: LogFields): void =>
      void this.warnings.push(`${text} ${fields ? JSON.stringify(fields) : ''}`.trim());
    this.name = name;
    this.listener = listener;
    this.control = createCluster({
      connect: (options) => {
        const client = connect(host, options);
        this.#clients.push(client);
        // It is ended in the end, when all else is.
        return { ...client, close: () => undefined };
      },
      clock,
      log: { debug() {}, info() {}, warn: note, error: note },
      mtuOf: () => 1500,
      version: '0.0.0',
    });
  }

  get cluster(): Cluster {
    return this.control.cluster;
  }

  /** Once, when it is in or refused. */
  async begin(
    endpoints: readonly string[],
    more: Partial<ClusterSettings> = {},
    before: readonly ClusterEndpoint[] = [],
  ): Promise<this> {
    const { cluster, listener, control, name } = this;
    const joining = control.join(
      settingsOf(name, { store: { endpoints, timeout: 1500 }, leaseTtl: LEASE, timeout: 10_000, ...more }),
    );
    cluster.begin(listener, before, [...listener.networks.values()]);
    await joining;
    return this;
  }

  /** Names of other hosts' containers on a network that is followed. */
  peers(networkId: string): string[] {
    return [...(this.listener.peers.get(networkId)?.values() ?? [])]
      .map(({ containerName, host }) => `${containerName}@${host.name}`)
      .toSorted();
  }

  async sees(networkId: string, ...peers: readonly string[]): Promise<void> {
    const wanted = peers.toSorted().join();
    await until(
      () => this.peers(networkId).join() === wanted,
      AFTER_LEASE,
      `${this.name} seeing [${wanted}], not what it was told: ${this.listener.log.join('; ')}; ${this.warnings.join('; ')};`,
    );
  }

  async is(state: ReturnType<ClusterControl['status']>['state']): Promise<void> {
    await until(() => this.control.status().state === state, AFTER_LEASE, `${this.name} being ${state}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.close({ keep: false });
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
  }
}
