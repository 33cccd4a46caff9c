/** Networks and sandboxes on fakes, for unit tests. */
import assert from 'node:assert/strict';
import { FakeFirewall } from '../firewall/fake-firewall.ts';
import type { LogFields } from '../log.ts';
import { NO_SETTINGS } from '../model/container.ts';
import type { EndpointSettings } from '../model/container.ts';
import type { Publish } from '../model/events.ts';
import type { Json } from '../model/json.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import type { ClusterHost } from './cluster.ts';
import { createNetworkController } from './controller.ts';
import type { NetworkParts } from './controller.ts';
import { FakeAttendant } from './fake-attendant.ts';
import { FakeCluster, FakeClusterStore } from './fake-cluster.ts';
import { FakeFiles, FakeKernel } from './fake-kernel.ts';
import type { IpamConfig, NetworkCreateRequest, Sandbox, SandboxRequest } from './port.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';

export const defaults: NetworkSettings = {
  bridge: '',
  bip: '',
  bip6: '',
  fixedCidr: '',
  fixedCidr6: '',
  defaultGateway: '',
  defaultGateway6: '',
  mtu: 0,
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  ipForward: true,
  ipMasq: true,
  icc: true,
  iptables: true,
  ip6tables: true,
  ipv6: false,
  ip: '0.0.0.0',
  hostGatewayIps: [],
  userlandProxy: true,
  defaultNetworkOptions: {},
  defaultAddressPools: [],
};

export class World {
  kernel = new FakeKernel();
  firewall = new FakeFirewall();
  attendant = new FakeAttendant();
  readonly clusterStore: FakeClusterStore;
  /** Of the present daemon. */
  cluster: FakeCluster;
  files = new FakeFiles();
  store: Store = createMemoryStore();
  /** type, action, id, attributes. */
  published: Parameters<Publish>[] = [];
  warnings: string[] = [];
  now = '2026-01-01T00:00:00Z';
  #counter: number;

  /** Worlds with one cluster store are hosts of one cluster. */
  constructor(clusterStore = new FakeClusterStore(), host: ClusterHost = { name: 'a', address: '192.0.2.1' }) {
    this.clusterStore = clusterStore;
    // No two worlds of one cluster make the same IDs.
    this.#counter = clusterStore.worlds++ << 16;
    this.cluster = new FakeCluster(clusterStore, host);
  }

  start(settings: Partial<NetworkSettings> = {}): NetworkParts {
    this.kernel.startAgain();
    this.cluster = new FakeCluster(this.clusterStore, this.cluster.host);
    const note = (message: string, _fields?: LogFields): void => void this.warnings.push(message);
    return createNetworkController({
      settings: { ...defaults, ...settings },
      execRoot: '/run/berth',
      store: this.store,
      kernel: this.kernel,
      firewall: this.firewall,
      attendant: this.attendant,
      cluster: this.cluster,
      files: this.files,
      publish: (...event) => void this.published.push(event),
      log: { debug() {}, info() {}, warn: note, error: note },
      // Numbers in front, so that no two begin alike.
      randomHex: (bytes) =>
        (++this.#counter)
          .toString(16)
          .padStart(6, '0')
          .padEnd(bytes * 2, '0')
          .slice(0, bytes * 2),
      now: () => this.now,
      later: (_milliseconds, body) => setImmediate(body),
    });
  }

  async started(settings: Partial<NetworkSettings> = {}): Promise<NetworkParts> {
    const parts = this.start(settings);
    await parts.sandboxes.restore(new Map(), new Map());
    return parts;
  }

  /** '<type> <action> <name> <driver> <container>'. */
  get events(): string[] {
    return this.published.map(
      ([type, action, , { name, type: driver, container }]) => `${type} ${action} ${name} ${driver} ${container}`,
    );
  }

  record(name: string): NetworkRecord {
    const found = this.store.list<NetworkRecord>('network').find((network) => network.name === name);
    assert.ok(found, name);
    return found;
  }

  /** All that a refusal must leave as it was. */
  snapshot(): unknown {
    return structuredClone([
      this.kernel.survey(),
      [...this.kernel.sysctls],
      this.firewall.state(),
      this.store.list('network'),
      this.published,
    ]);
  }
}

/** A sandbox that is ready; one that cannot be is closed, as the engine does it. */
export async function open({ sandboxes }: Pick<NetworkParts, 'sandboxes'>, asked: SandboxRequest): Promise<Sandbox> {
  const sandbox = await sandboxes.open(asked);
  try {
    await sandbox.ready;
  } catch (error) {
    await sandboxes.close(asked.containerId);
    throw error;
  }
  return sandbox;
}

/** What one host did was told to all, and each has done what follows from it. */
export async function hostsSettled(store: FakeClusterStore): Promise<void> {
  await store.told();
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export const inspect = async ({ networks }: NetworkParts, ref: string): Promise<Json> =>
  networks.inspect(ref, { verbose: false, scope: '' });
export const names = ({ networks }: NetworkParts, ...filters: [string, string[]][]): string[] =>
  networks.list(new Map(filters)).map(({ Name }) => String(Name));

export const request = (containerId: string, more: Partial<SandboxRequest> = {}): SandboxRequest => ({
  containerId,
  containerName: `name-${containerId}`,
  hostname: containerId,
  domainname: '',
  networkMode: 'default',
  endpoints: {},
  links: [],
  exposed: [],
  portBindings: {},
  publishAll: false,
  netAdmin: false,
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  extraHosts: [],
  filesDir: `/c/${containerId}`,
  ...more,
});
export const creation = (Name: string, more: Partial<NetworkCreateRequest> = {}): NetworkCreateRequest => ({
  Name,
  Driver: 'bridge',
  Scope: '',
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigOnly: false,
  ConfigFrom: null,
  IPAM: null,
  Options: {},
  Labels: {},
  ...more,
});
export const pool = (Subnet: string, more: Partial<IpamConfig> = {}): IpamConfig => ({
  Subnet,
  IPRange: '',
  Gateway: '',
  AuxiliaryAddresses: {},
  ...more,
});
export const ipam = (...Config: IpamConfig[]): NetworkCreateRequest['IPAM'] => ({
  Driver: 'default',
  Config,
  Options: {},
});
export const settings = (more: Partial<EndpointSettings>): EndpointSettings => ({ ...NO_SETTINGS, ...more });
