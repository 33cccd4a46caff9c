/**
 * The addresses of one subnet. Pure; not durable: whoever owns an address stores it, and takes it again after a restart.
 *
 * The lowest free address is handed out, as Docker does for local networks (its `serial` allocation belongs to swarm).
 * Every call costs the same however many addresses are taken: `#next` only grows, and what is released below it waits in a heap.
 */
import { contains, formatAddress, lastOf, sizeOf } from './address.ts';
import type { Address, Prefix } from './address.ts';
import { MinHeap } from './heap.ts';

export class AddressPool {
  readonly subnet: Prefix;
  /** Where allocate() looks; take() may go beyond, inside the subnet. */
  readonly range: Prefix;
  readonly #taken = new Set<bigint>();
  /** How many of #taken lie in the range. */
  #takenInRange = 0n;
  /** Every address of the range below it is taken, or in #returned. */
  #next: bigint;
  readonly #returned = new MinHeap();

  /** `reserved` (the gateway, auxiliary addresses) are never handed out. */
  constructor(subnet: Prefix, range: Prefix = subnet, reserved: readonly Address[] = []) {
    this.subnet = subnet;
    this.range = range;
    this.#next = range.base;
    // The network's own address and the broadcast address; in an IPv4 /31 and /32 every address is a host's (RFC 3021). IPv6 has no
    // broadcast, and its first address means any router (RFC 4291 section 2.6.1).
    if (subnet.family === 6 || sizeOf(subnet) > 2n) this.#add(subnet.base);
    if (subnet.family === 4 && sizeOf(subnet) > 2n) this.#add(lastOf(subnet));
    for (const address of reserved) this.take(address);
  }

  #add(value: bigint): void {
    this.#taken.add(value);
    if (this.#inRange(value)) this.#takenInRange++;
  }

  #inRange(value: bigint): boolean {
    return contains(this.range, { family: this.range.family, value });
  }

  /** undefined when the range is full. */
  allocate(): Address | undefined {
    const value = this.#lowest();
    if (value === undefined) return undefined;
    this.#add(value);
    return { family: this.subnet.family, value };
  }

  #lowest(): bigint | undefined {
    for (let value = this.#returned.pop(); value !== undefined; value = this.#returned.pop()) {
      // Somebody may have asked for that very address since it came back.
      if (!this.#taken.has(value)) return value;
    }
    const last = lastOf(this.range);
    while (this.#next <= last) {
      const value = this.#next++;
      if (!this.#taken.has(value)) return value;
    }
    return undefined;
  }

  /** Takes this very address; false when it is taken already or no address of the subnet. */
  take(address: Address): boolean {
    if (!contains(this.subnet, address) || this.#taken.has(address.value)) return false;
    this.#add(address.value);
    return true;
  }

  /** Whether the address is taken, or reserved. */
  has({ family, value }: Address): boolean {
    return family === this.subnet.family && this.#taken.has(value);
  }

  release(address: Address): void {
    const { value } = address;
    if (!this.has(address)) throw new Error(`${formatAddress(address)} is not taken`);
    this.#taken.delete(value);
    if (!this.#inRange(value)) return;
    this.#takenInRange--;
    if (value < this.#next) this.#returned.push(value);
  }

  /** What `network inspect` shows as Status: reserved addresses count as used. */
  usage(): { used: number; free: bigint } {
    return { used: this.#taken.size, free: sizeOf(this.range) - this.#takenInRange };
  }
}
