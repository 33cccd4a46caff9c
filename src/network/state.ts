/**
 * Networks, sandboxes and endpoints in memory, each change written through to the store. Which addresses are taken follows from
 * the endpoints in the store and from what containers asked for by name: see addresses.ts.
 */
import type { Store } from '../store/store.ts';
import { AddressBook } from './addresses.ts';
import { shimName } from '../drivers/macvlan/network.ts';
import { hasShim } from '../drivers/macvlan/options.ts';
import { tunnelName } from '../drivers/overlay/names.ts';
import type { AddressPool } from '../ipam/pool.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';

export interface SandboxState {
  sandbox: SandboxRecord;
  /** In the order in which they were connected. */
  endpoints: readonly EndpointRecord[];
}

export interface Attached {
  sandbox: SandboxRecord;
  endpoint: EndpointRecord;
}

export class NetworkState {
  readonly addresses = new AddressBook();
  readonly #store: Store;
  readonly #networks = new Map<string, NetworkRecord>();
  /** Name of a bridge or tunnel → network. */
  readonly #byLink = new Map<string, string>();
  /** Container → sandbox. */
  readonly #sandboxes = new Map<string, SandboxState>();
  /** Network → endpoint → container: so that a network's endpoints are found however many others there are. */
  readonly #attached = new Map<string, Map<string, string>>();
  /** Container → who shares its sandbox. */
  readonly #joined = new Map<string, Set<string>>();
  /** Host end of a veth pair → container; path of a namespace → container: for events of the kernel. */
  readonly #byHostName = new Map<string, string>();
  readonly #byPath = new Map<string, string>();

  constructor(store: Store) {
    this.#store = store;
  }

  networks(): readonly NetworkRecord[] {
    return [...this.#networks.values()];
  }

  network(id: string): NetworkRecord | undefined {
    return this.#networks.get(id);
  }

  /** Also makes its address pools anew when its subnets are others than before. */
  putNetwork(record: NetworkRecord): void {
    this.#store.put('network', record.id, record);
    this.#networks.set(record.id, record);
    for (const link of linksOf(record)) this.#byLink.set(link, record.id);
    this.addresses.putNetwork(record);
  }

  deleteNetwork(id: string): void {
    this.#store.delete('network', id);
    for (const link of linksOf(this.#networks.get(id))) this.#byLink.delete(link);
    this.#networks.delete(id);
    this.addresses.deleteNetwork(id);
  }

  /** The network whose bridge, or tunnel, has this name. */
  networkOfLink(name: string): NetworkRecord | undefined {
    return this.#networks.get(this.#byLink.get(name) ?? '');
  }

  pools(networkId: string): readonly AddressPool[] {
    return this.addresses.pools(networkId);
  }

  sandboxes(): readonly SandboxState[] {
    return [...this.#sandboxes.values()];
  }

  sandbox(containerId: string): SandboxState | undefined {
    return this.#sandboxes.get(containerId);
  }

  /** The sandbox whose veth pair has this end on the host. */
  sandboxOfLink(hostName: string): SandboxState | undefined {
    return this.#sandboxes.get(this.#byHostName.get(hostName) ?? '');
  }

  /** The sandbox that owns the namespace at this path. */
  sandboxAt(path: string): SandboxState | undefined {
    return this.#sandboxes.get(this.#byPath.get(path) ?? '');
  }

  endpointsOf(networkId: string): Attached[] {
    return [...(this.#attached.get(networkId) ?? [])].flatMap(([endpointId, containerId]) => {
      const state = this.#sandboxes.get(containerId);
      const endpoint = state?.endpoints.find(({ id }) => id === endpointId);
      return state && endpoint ? [{ sandbox: state.sandbox, endpoint }] : [];
    });
  }

  inUse(networkId: string): boolean {
    return (this.#attached.get(networkId)?.size ?? 0) > 0;
  }

  /** Who shares the sandbox of this container. */
  joinedTo(containerId: string): readonly SandboxRecord[] {
    return [...(this.#joined.get(containerId) ?? [])].flatMap((id) => this.#sandboxes.get(id)?.sandbox ?? []);
  }

  /** Replaces what is known of the container: endpoints that it no longer has go. */
  putSandbox(state: SandboxState): void {
    const { containerId } = state.sandbox;
    const before = this.#sandboxes.get(containerId);
    this.#store.transaction(() => {
      this.#store.put('sandbox', state.sandbox.id, state.sandbox);
      for (const endpoint of before?.endpoints ?? []) {
        if (!state.endpoints.some(({ id }) => id === endpoint.id)) this.#store.delete('endpoint', endpoint.id);
      }
      for (const endpoint of state.endpoints) {
        if (!before?.endpoints.includes(endpoint)) this.#store.put('endpoint', endpoint.id, endpoint);
      }
    });
    if (before) this.#unindex(before);
    this.#sandboxes.set(containerId, state);
    this.#index(state);
  }

  deleteSandbox(state: SandboxState): void {
    const known = this.#sandboxes.get(state.sandbox.containerId);
    this.#store.transaction(() => {
      this.#store.delete('sandbox', state.sandbox.id);
      for (const endpoint of [...state.endpoints, ...(known?.endpoints ?? [])]) {
        this.#store.delete('endpoint', endpoint.id);
      }
    });
    if (known) this.#unindex(known);
    this.#sandboxes.delete(state.sandbox.containerId);
  }

  #index({ sandbox, endpoints }: SandboxState): void {
    for (const { id, networkId, hostName } of endpoints) {
      const attached = this.#attached.get(networkId) ?? new Map<string, string>();
      this.#attached.set(networkId, attached.set(id, sandbox.containerId));
      if (hostName !== '') this.#byHostName.set(hostName, sandbox.containerId);
    }
    if (sandbox.kind === 'own') this.#byPath.set(sandbox.namespacePath, sandbox.containerId);
    if (sandbox.owner !== '') {
      this.#joined.set(sandbox.owner, (this.#joined.get(sandbox.owner) ?? new Set()).add(sandbox.containerId));
    }
  }

  #unindex({ sandbox, endpoints }: SandboxState): void {
    for (const { id, networkId, hostName } of endpoints) {
      const attached = this.#attached.get(networkId);
      attached?.delete(id);
      if (attached?.size === 0) this.#attached.delete(networkId);
      this.#byHostName.delete(hostName);
    }
    if (sandbox.kind === 'own') this.#byPath.delete(sandbox.namespacePath);
    const joined = this.#joined.get(sandbox.owner);
    joined?.delete(sandbox.containerId);
    if (joined?.size === 0) this.#joined.delete(sandbox.owner);
  }
}

/** Names on the host of what is made for the network and no other. */
export const linksOf = (network: NetworkRecord | undefined): string[] =>
  network && network.bridge !== ''
    ? [network.bridge, ...(network.driver === 'overlay' ? [tunnelName(network.id)] : [])]
    : network?.driver === 'macvlan' && hasShim(network.options)
      ? [shimName(network.id)]
      : [];

/** What an earlier run left in the store. */
export function storedState(store: Store): { networks: NetworkRecord[]; sandboxes: SandboxState[] } {
  const endpoints = Map.groupBy(
    store.list<EndpointRecord>('endpoint').map(currentEndpoint),
    ({ sandboxId }) => sandboxId,
  );
  return {
    networks: store.list<NetworkRecord>('network'),
    sandboxes: store.list<SandboxRecord>('sandbox').map((sandbox) => ({
      sandbox: currentSandbox(sandbox),
      endpoints: (endpoints.get(sandbox.id) ?? []).toSorted((a, b) => (a.interfaceName < b.interfaceName ? -1 : 1)),
    })),
  };
}

/** Version 0.1 knew one interface in each sandbox, and no published ports. */
const currentEndpoint = (record: EndpointRecord): EndpointRecord => ({
  ...record,
  interfaceName: (record.interfaceName as string | undefined) ?? (record.hostName === '' ? '' : 'eth0'),
});

const currentSandbox = (record: SandboxRecord): SandboxRecord => ({
  ...record,
  ports: (record.ports as SandboxRecord['ports'] | undefined) ?? [],
  request: (record.request as SandboxRecord['request'] | undefined) ?? {
    hostname: record.containerId.slice(0, 12),
    domainname: '',
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    extraHosts: [],
    links: [],
    exposed: [],
    portBindings: {},
    publishAll: false,
    netAdmin: false,
  },
});
