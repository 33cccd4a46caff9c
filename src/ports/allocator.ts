/**
 * Which host port is whose on this daemon. A port at 0.0.0.0 excludes the same at every IPv4 address and the other way
 * round; IPv6 likewise; the families do not touch each other (IPV6_V6ONLY). Every check costs the same however many
 * ports there are.
 */
import { conflict } from '../errors.ts';
import type { PortBinding } from '../network/records.ts';
import { everyAddress, familyOf, placeKey } from './spec.ts';
import type { HostPlace, Protocol } from './spec.ts';
import type { WantedPort } from './wanted.ts';

export interface PortOwner {
  id: string;
  /** For people: the container's. */
  name: string;
}

/** net.ipv4.ip_local_port_range as the kernel has it by default. */
const EPHEMERAL = { first: 32_768, last: 60_999 };

/** Host ports that some other process has: `portText` of each. */
export type TakenElsewhere = ReadonlySet<string>;
export const portText = ({ protocol, hostPort }: { protocol: Protocol; hostPort: number }): string =>
  `${protocol}/${hostPort}`;

interface Owner {
  name: string;
  /** By placeKey. */
  ports: Map<string, HostPlace>;
}

export class PortAllocator {
  /** 'tcp/4/80' → address → owner's ID. */
  readonly #taken = new Map<string, Map<string, string>>();
  readonly #owners = new Map<string, Owner>();
  readonly #ephemeral: { first: number; last: number };
  /** The port after which the next search begins. */
  readonly #last: Record<Protocol, number>;

  /** Random ports come from `ephemeral`, both ends included. */
  constructor(ephemeral: { first: number; last: number } = EPHEMERAL) {
    this.#ephemeral = ephemeral;
    this.#last = { tcp: ephemeral.last, udp: ephemeral.last, sctp: ephemeral.last };
  }

  /**
   * A host port for each of `wanted` at each of its places, in their order, or Conflict and nothing. Routed ones get host port 0
   * and take nothing. `proxy` is false in all.
   */
  allocate(owner: PortOwner, wanted: readonly WantedPort[], elsewhere: TakenElsewhere = new Set()): PortBinding[] {
    const bindings: PortBinding[] = [];
    try {
      for (const one of wanted) {
        const hostPort = one.routed ? 0 : this.#choose(one, elsewhere);
        for (const { hostAddress, address } of one.places) {
          const { networkId, protocol, port } = one;
          const binding: PortBinding = { protocol, hostAddress, hostPort, address, port, proxy: false, networkId };
          this.#add(owner, binding);
          bindings.push(binding);
        }
      }
    } catch (error) {
      this.release(owner.id, bindings);
      throw error;
    }
    return bindings;
  }

  /** Takes exactly these, as when a daemon begins anew; what the owner has already is fine. Conflict and nothing otherwise. */
  take(owner: PortOwner, ports: readonly HostPlace[]): void {
    const added: HostPlace[] = [];
    try {
      for (const port of ports) {
        if (this.#owners.get(owner.id)?.ports.has(placeKey(port))) continue;
        this.#add(owner, port);
        added.push(port);
      }
    } catch (error) {
      this.release(owner.id, added);
      throw error;
    }
  }

  /** Some, or all of an owner. What it does not have is left alone. */
  release(ownerId: string, ports?: readonly HostPlace[]): void {
    const owner = this.#owners.get(ownerId);
    if (!owner) return;
    for (const port of ports ?? [...owner.ports.values()]) {
      if (!owner.ports.delete(placeKey(port))) continue;
      const slot = slotText(port);
      const addresses = this.#taken.get(slot);
      addresses?.delete(port.hostAddress);
      if (addresses?.size === 0) this.#taken.delete(slot);
    }
    if (owner.ports.size === 0) this.#owners.delete(ownerId);
  }

  /** Refusals name the owner so from now on. */
  rename(ownerId: string, name: string): void {
    const owner = this.#owners.get(ownerId);
    if (owner) owner.name = name;
  }

  #add(owner: PortOwner, port: HostPlace): void {
    if (port.hostPort === 0) return;
    const holder = this.#holderOf(port);
    if (holder) throw alreadyAllocated(holder, port.hostPort);
    const slot = slotText(port);
    const addresses = this.#taken.get(slot) ?? new Map<string, string>();
    this.#taken.set(slot, addresses.set(port.hostAddress, owner.id));
    const known = this.#owners.get(owner.id) ?? { name: owner.name, ports: new Map<string, HostPlace>() };
    known.name = owner.name;
    known.ports.set(placeKey(port), port);
    this.#owners.set(owner.id, known);
  }

  #holderOf(port: HostPlace): { name: string; hostAddress: string } | undefined {
    const addresses = this.#taken.get(slotText(port));
    if (!addresses) return undefined;
    const every = everyAddress(familyOf(port.hostAddress));
    const [first] = addresses.keys();
    const hostAddress =
      port.hostAddress === every ? first : [every, port.hostAddress].find((one) => addresses.has(one));
    if (hostAddress === undefined) return undefined;
    return { name: this.#owners.get(addresses.get(hostAddress) ?? '')?.name ?? '', hostAddress };
  }

  #choose({ protocol, first, last, places }: WantedPort, elsewhere: TakenElsewhere): number {
    const free = (hostPort: number): boolean =>
      !elsewhere.has(portText({ protocol, hostPort })) &&
      places.every(({ hostAddress }) => !this.#holderOf({ protocol, hostAddress, hostPort }));
    // #add says who has it.
    if (first !== 0 && first === last) return first;
    if (first !== 0) {
      for (let port = first; port <= last; port++) if (free(port)) return port;
      throw conflict(`all ports are allocated: ${first}-${last}/${protocol} on ${places[0]?.hostAddress ?? ''}`);
    }
    const range = this.#ephemeral;
    for (let step = range.first; step <= range.last; step++) {
      this.#last[protocol] = this.#last[protocol] >= range.last ? range.first : this.#last[protocol] + 1;
      if (free(this.#last[protocol])) return this.#last[protocol];
    }
    throw conflict('all ports are allocated');
  }
}

const slotText = ({ protocol, hostAddress, hostPort }: HostPlace): string =>
  `${protocol}/${familyOf(hostAddress)}/${hostPort}`;

/** Docker's words (which put no brackets around IPv6 addresses), and whose it is. */
function alreadyAllocated({ name, hostAddress }: { name: string; hostAddress: string }, port: number): Error {
  const holder = name === '' ? '' : ` (held by container "${name}")`;
  return conflict(`Bind for ${hostAddress}:${port} failed: port is already allocated${holder}`);
}
