/**
 * The addresses of one subnet. Pure; not durable: whoever owns an address stores it, and takes it again after a restart.
 *
 * The lowest free address is handed out, as Docker does for local networks (its `serial` allocation belongs to swarm).
 */
import { contains, formatAddress, lastOf, sizeOf } from './address.ts';
import type { Address, Prefix } from './address.ts';

export class AddressPool {
  readonly subnet: Prefix;
  /** Where allocate() looks; take() may go beyond, inside the subnet. */
  readonly range: Prefix;
  readonly #taken = new Set<bigint>();
  /** No address of the range below it is free. */
  #hint: bigint;

  /** `reserved` (the gateway, auxiliary addresses) are never handed out. */
  constructor(subnet: Prefix, range: Prefix = subnet, reserved: readonly Address[] = []) {
    this.subnet = subnet;
    this.range = range;
    this.#hint = range.base;
    // In a /31 and /32 (RFC 3021) and their IPv6 like every address is a host's.
    if (sizeOf(subnet) > 2n) {
      this.#taken.add(subnet.base);
      // IPv6 has no broadcast.
      if (subnet.family === 4) this.#taken.add(lastOf(subnet));
    }
    for (const address of reserved) if (contains(subnet, address)) this.#taken.add(address.value);
  }

  /** undefined when the range is full. */
  allocate(): Address | undefined {
    const last = lastOf(this.range);
    for (let value = this.#hint; value <= last; value++) {
      if (this.#taken.has(value)) continue;
      this.#taken.add(value);
      this.#hint = value + 1n;
      return { family: this.subnet.family, value };
    }
    this.#hint = last + 1n;
    return undefined;
  }

  /** Takes this very address; false when it is taken already or no address of the subnet. */
  take(address: Address): boolean {
    if (!contains(this.subnet, address) || this.#taken.has(address.value)) return false;
    this.#taken.add(address.value);
    return true;
  }

  release(address: Address): void {
    if (!this.#taken.delete(address.value)) throw new Error(`${formatAddress(address)} is not taken`);
    if (contains(this.range, address) && address.value < this.#hint) this.#hint = address.value;
  }

  /** What `network inspect` shows as Status: reserved addresses count as used. */
  usage(): { used: number; free: bigint } {
    let usedInRange = 0n;
    for (const value of this.#taken) if (contains(this.range, { family: this.range.family, value })) usedInRange++;
    return { used: this.#taken.size, free: sizeOf(this.range) - usedInRange };
  }
}
