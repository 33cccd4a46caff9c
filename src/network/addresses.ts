/**
 * Which address is whose. An address of a pool is free, or kept for containers that asked for it by name (as long as they exist,
 * whether they run or not), or used by an endpoint, or both. What is kept is never handed out to somebody who did not ask for it, as
 * Docker does while its container is stopped; but who asks for it by name gets it when nobody uses it: that is how Compose replaces
 * a container by one with the same address before it removes the old one.
 */
import { forbidden, invalidParameter, unavailable } from '../errors.ts';
import { contains, formatAddress, parseAddress, parseInterface, parsePrefix } from '../ipam/address.ts';
import type { Address } from '../ipam/address.ts';
import { AddressPool } from '../ipam/pool.ts';
import type { SubnetConfig } from '../drivers/driver.ts';
import type { EndpointSettings } from '../model/container.ts';
import type { EndpointRecord, NetworkRecord } from './records.ts';

interface Taken {
  /** IDs of containers. */
  keepers: Set<string>;
  /** ID of the container of this host whose endpoint has it; '' for none. */
  user: string;
  /** Who has it on another host: for a moment both may, until the one that lost it is off the network; '' for nobody. */
  elsewhere: string;
}

/** Asked for by name: `--ip`, `--ip6`. */
export const askedAddresses = ({ IPAMConfig }: EndpointSettings): readonly string[] =>
  [IPAMConfig?.IPv4Address, IPAMConfig?.IPv6Address].flatMap((text) => (text ? [text] : []));

/** Who has an address of which the cluster says no more than that it is taken; until that one is told. */
export const unknownHolder = (claim: string): string => `${UNKNOWN}${claim}`;
const UNKNOWN = 'unknown:';

export class AddressBook {
  readonly #pools = new Map<string, readonly AddressPool[]>();
  /** '<network> <address>' of everything that the pools count as taken by a container. */
  readonly #taken = new Map<string, Taken>();
  /** Container → what is kept for it. */
  readonly #kept = new Map<string, { networkId: string; address: Address }[]>();

  putNetwork({ id, subnets }: NetworkRecord): void {
    const present = this.#pools.get(id);
    const same = present?.length === subnets.length && subnets.every((subnet, index) => fits(present[index], subnet));
    if (!same) this.#pools.set(id, subnets.map(poolOf));
  }

  deleteNetwork(id: string): void {
    this.#pools.delete(id);
  }

  pools(networkId: string): readonly AddressPool[] {
    return this.#pools.get(networkId) ?? [];
  }

  /**
   * Replaces what is kept for the container: what it asks for by name on networks that are there. Addresses outside a network's
   * subnets are none to keep.
   */
  keep(
    containerId: string,
    endpoints: Readonly<Record<string, EndpointSettings>>,
    networks: readonly NetworkRecord[],
  ): void {
    this.forget(containerId);
    const kept: { networkId: string; address: Address }[] = [];
    for (const [ref, settings] of Object.entries(endpoints)) {
      const asked = askedAddresses(settings).flatMap((text) => parseAddress(text) ?? []);
      const networkId = asked.length > 0 ? networks.find(({ id, name }) => id === ref || name === ref)?.id : undefined;
      if (networkId === undefined) continue;
      for (const address of asked) {
        const taken = this.#take(networkId, address);
        if (!taken) continue;
        taken.keepers.add(containerId);
        kept.push({ networkId, address });
      }
    }
    if (kept.length > 0) this.#kept.set(containerId, kept);
  }

  forget(containerId: string): void {
    for (const { networkId, address } of this.#kept.get(containerId) ?? []) {
      this.#taken.get(keyOf(networkId, address))?.keepers.delete(containerId);
      this.#freeIfUnused(networkId, address);
    }
    this.#kept.delete(containerId);
  }

  /** undefined when the address is no container's to have: outside the subnets, the gateway, auxiliary. */
  #take(networkId: string, address: Address): Taken | undefined {
    const key = keyOf(networkId, address);
    const present = this.#taken.get(key);
    if (present) return present;
    if (!this.#poolOf(networkId, address)?.take(address)) return undefined;
    const taken = { keepers: new Set<string>(), user: '', elsewhere: '' };
    this.#taken.set(key, taken);
    return taken;
  }

  /** One address of each family, with prefix: those that are asked for, else of the first pool that has one. All or none. */
  allocate(
    network: NetworkRecord,
    containerId: string,
    asked: readonly string[],
    families: readonly (4 | 6)[] = [4, 6],
  ): string[] {
    const given: string[] = [];
    try {
      for (const family of families) {
        const pools = this.pools(network.id).filter(({ subnet }) => subnet.family === family);
        const wish = asked.flatMap((text) => parseAddress(text) ?? []).find((address) => address.family === family);
        if (wish) given.push(this.#useAsked(network, containerId, wish));
        else if (pools.length > 0) given.push(this.#useFree(network, containerId, pools));
      }
      return given;
    } catch (error) {
      this.release(network.id, given, containerId);
      throw error;
    }
  }

  #useAsked(network: NetworkRecord, containerId: string, address: Address): string {
    const pool = this.#poolOf(network.id, address);
    if (!pool) {
      throw invalidParameter(`no configured subnet or ip-range contain the IP address ${formatAddress(address)}`);
    }
    const taken = this.#take(network.id, address);
    if (!taken || taken.user !== '' || taken.elsewhere !== '') throw forbidden('Address already in use');
    taken.user = containerId;
    return withPrefix(address, pool);
  }

  #useFree(network: NetworkRecord, containerId: string, pools: readonly AddressPool[]): string {
    for (const pool of pools) {
      const address = pool.allocate();
      if (!address) continue;
      this.#taken.set(keyOf(network.id, address), { keepers: new Set(), user: containerId, elsewhere: '' });
      return withPrefix(address, pool);
    }
    throw unavailable(
      `no available IPv${pools[0]?.subnet.family ?? 4} addresses on this network's address pools: ${network.name} (${network.id})`,
    );
  }

  /**
   * Addresses that an endpoint has since before this daemon. Returns those that are no longer the network's to give, because the
   * daemon was started with another subnet, or another container's.
   */
  retake(containerId: string, { networkId, addresses }: EndpointRecord): string[] {
    return addresses.filter((text) => {
      const address = parseInterface(text)?.address;
      const taken = address && this.#take(networkId, address);
      if (!taken || taken.user !== '') return true;
      taken.user = containerId;
      return false;
    });
  }

  /** What an endpoint used. What is another container's by now stays. */
  release(networkId: string, addresses: readonly string[], containerId: string): void {
    for (const text of addresses) {
      const address = parseInterface(text)?.address;
      const taken = address && this.#taken.get(keyOf(networkId, address));
      if (!address || taken?.user !== containerId) continue;
      taken.user = '';
      this.#freeIfUnused(networkId, address);
    }
  }

  /** Endpoints of other hosts have them; `holder` is none of this host's containers. */
  occupy(networkId: string, addresses: readonly string[], holder: string): void {
    for (const text of addresses) {
      const address = parseInterface(text)?.address;
      const taken = address && this.#take(networkId, address);
      if (taken && (taken.elsewhere === '' || taken.elsewhere.startsWith(UNKNOWN))) taken.elsewhere = holder;
    }
  }

  /** …and have them no more. What is somebody else's by now stays. */
  vacate(networkId: string, addresses: readonly string[], holder: string): void {
    for (const text of addresses) {
      const address = parseInterface(text)?.address;
      const taken = address && this.#taken.get(keyOf(networkId, address));
      if (!address || taken?.elsewhere !== holder) continue;
      taken.elsewhere = '';
      this.#freeIfUnused(networkId, address);
    }
  }

  #freeIfUnused(networkId: string, address: Address): void {
    const key = keyOf(networkId, address);
    const taken = this.#taken.get(key);
    if (!taken || taken.user !== '' || taken.elsewhere !== '' || taken.keepers.size > 0) return;
    this.#taken.delete(key);
    this.#poolOf(networkId, address)?.release(address);
  }

  #poolOf(networkId: string, address: Address): AddressPool | undefined {
    return this.pools(networkId).find(({ subnet }) => subnet.family === address.family && contains(subnet, address));
  }
}

const keyOf = (networkId: string, address: Address): string => `${networkId} ${formatAddress(address)}`;

const withPrefix = (address: Address, { subnet }: AddressPool): string => `${formatAddress(address)}/${subnet.length}`;

function fits(pool: AddressPool | undefined, { subnet, range }: SubnetConfig): boolean {
  const same = (a: { base: bigint; length: number } | undefined, text: string): boolean => {
    const b = parsePrefix(text);
    return a?.base === b?.base && a?.length === b?.length;
  };
  return pool !== undefined && same(pool.subnet, subnet) && same(pool.range, range === '' ? subnet : range);
}

export function poolOf({
  subnet,
  range,
  gateway,
  routeVia,
  reserved: hosts = [],
  auxiliary,
}: SubnetConfig): AddressPool {
  const prefix = parsePrefix(subnet);
  if (!prefix) throw new Error(`the store holds a bad subnet: ${subnet}`);
  const reserved = [gateway, routeVia, ...hosts, ...Object.values(auxiliary)].flatMap(
    (text) => parseAddress(text) ?? [],
  );
  return new AddressPool(prefix, range === '' ? prefix : parsePrefix(range), reserved);
}
