/**
 * Networks, sandboxes and endpoints in memory, each change written through to the store. Address pools live in memory only:
 * the endpoints in the store say which addresses are taken.
 */
import { formatAddress, parseAddress, parseInterface, parsePrefix } from '../ipam/address.ts';
import type { Address } from '../ipam/address.ts';
import { AddressPool } from '../ipam/pool.ts';
import type { SubnetConfig } from '../drivers/driver.ts';
import { unavailable } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';

export interface SandboxState {
  sandbox: SandboxRecord;
  endpoints: readonly EndpointRecord[];
}

export class NetworkState {
  readonly #store: Store;
  readonly #networks = new Map<string, NetworkRecord>();
  readonly #pools = new Map<string, AddressPool[]>();
  /** '<network> <address>' of every address that the pools count as ours. */
  readonly #given = new Set<string>();
  /** Container → sandbox. */
  readonly #sandboxes = new Map<string, SandboxState>();

  constructor(store: Store) {
    this.#store = store;
  }

  networks(): readonly NetworkRecord[] {
    return [...this.#networks.values()];
  }

  network(id: string): NetworkRecord | undefined {
    return this.#networks.get(id);
  }

  putNetwork(record: NetworkRecord): void {
    this.#store.put('network', record.id, record);
    this.#networks.set(record.id, record);
    this.#pools.set(record.id, record.subnets.map(poolOf));
  }

  pools(networkId: string): readonly AddressPool[] {
    return this.#pools.get(networkId) ?? [];
  }

  /** One address of each subnet, with prefix. All or none. */
  allocate(network: NetworkRecord): string[] {
    const given: string[] = [];
    for (const pool of this.pools(network.id)) {
      const address = pool.allocate();
      if (!address) {
        this.release(network.id, given);
        throw unavailable(
          `no available IPv${pool.subnet.family} addresses on this network's address pools: ${network.name} (${network.id})`,
        );
      }
      const text = `${formatAddress(address)}/${pool.subnet.length}`;
      this.#given.add(`${network.id} ${text}`);
      given.push(text);
    }
    return given;
  }

  /**
   * Addresses that an endpoint has since before this daemon. Returns those that are no longer the network's to give,
   * because the daemon was started with another subnet.
   */
  retake({ networkId, addresses }: EndpointRecord): string[] {
    const strange = new Set(addresses);
    this.#eachAddress(networkId, addresses, (pool, address, text) => {
      if (!pool.take(address)) return;
      this.#given.add(`${networkId} ${text}`);
      strange.delete(text);
    });
    return [...strange];
  }

  release(networkId: string, addresses: readonly string[]): void {
    this.#eachAddress(networkId, addresses, (pool, address, text) => {
      if (this.#given.delete(`${networkId} ${text}`)) pool.release(address);
    });
  }

  #eachAddress(
    networkId: string,
    addresses: readonly string[],
    use: (pool: AddressPool, address: Address, text: string) => void,
  ): void {
    for (const text of addresses) {
      const address = parseInterface(text)?.address;
      const pool = this.pools(networkId).find(({ subnet }) => subnet.family === address?.family);
      if (pool && address) use(pool, address, text);
    }
  }

  sandboxes(): readonly SandboxState[] {
    return [...this.#sandboxes.values()];
  }

  sandbox(containerId: string): SandboxState | undefined {
    return this.#sandboxes.get(containerId);
  }

  endpointsOf(networkId: string): { sandbox: SandboxRecord; endpoint: EndpointRecord }[] {
    return this.sandboxes().flatMap(({ sandbox, endpoints }) =>
      endpoints.filter((endpoint) => endpoint.networkId === networkId).map((endpoint) => ({ sandbox, endpoint })),
    );
  }

  /** Who shares the sandbox of this container. */
  joinedTo(containerId: string): readonly SandboxRecord[] {
    return this.sandboxes().flatMap(({ sandbox }) => (sandbox.owner === containerId ? [sandbox] : []));
  }

  putSandbox(state: SandboxState): void {
    this.#store.transaction(() => {
      this.#store.put('sandbox', state.sandbox.id, state.sandbox);
      for (const endpoint of state.endpoints) this.#store.put('endpoint', endpoint.id, endpoint);
    });
    this.#sandboxes.set(state.sandbox.containerId, state);
  }

  deleteSandbox({ sandbox, endpoints }: SandboxState): void {
    this.#store.transaction(() => {
      this.#store.delete('sandbox', sandbox.id);
      for (const endpoint of endpoints) this.#store.delete('endpoint', endpoint.id);
    });
    this.#sandboxes.delete(sandbox.containerId);
  }
}

/** What an earlier run left in the store. */
export function storedState(store: Store): { networks: NetworkRecord[]; sandboxes: SandboxState[] } {
  const endpoints = store.list<EndpointRecord>('endpoint');
  return {
    networks: store.list<NetworkRecord>('network'),
    sandboxes: store.list<SandboxRecord>('sandbox').map((sandbox) => ({
      sandbox,
      endpoints: endpoints.filter(({ sandboxId }) => sandboxId === sandbox.id),
    })),
  };
}

function poolOf({ subnet, range, gateway, routeVia }: SubnetConfig): AddressPool {
  const prefix = parsePrefix(subnet);
  if (!prefix) throw new Error(`the store holds a bad subnet: ${subnet}`);
  const reserved = [gateway, routeVia].flatMap((text) => parseAddress(text) ?? []);
  return new AddressPool(prefix, range === '' ? prefix : parsePrefix(range), reserved);
}
