/** Which subnet a network gets when nobody says. Pure. */
import { bitsOf, formatPrefix, overlaps, parsePrefix, sizeOf } from './address.ts';
import type { Prefix } from './address.ts';

export interface PoolSource {
  /** CIDR, e.g. '172.20.0.0/14'. */
  base: string;
  /** Prefix length of the subnets cut from it. */
  size: number;
}

/** dockerd's local default pools, in its order: 172.17.0.0/16 … 172.31.0.0/16, then 192.168.0.0/16 in /20s. */
export const DEFAULT_POOLS: readonly PoolSource[] = [
  { base: '172.17.0.0/16', size: 16 },
  { base: '172.18.0.0/16', size: 16 },
  { base: '172.19.0.0/16', size: 16 },
  { base: '172.20.0.0/14', size: 16 },
  { base: '172.24.0.0/14', size: 16 },
  { base: '172.28.0.0/14', size: 16 },
  { base: '192.168.0.0/16', size: 20 },
];

/** The subnets of one source, lowest first. */
export function* subnetsOf({ base, size }: PoolSource): Generator<Prefix> {
  const pool = parsePrefix(base);
  if (!pool || size < pool.length || size > bitsOf(pool.family)) return;
  const step = 1n << BigInt(bitsOf(pool.family) - size);
  for (let offset = 0n; offset < sizeOf(pool); offset += step) {
    yield { family: pool.family, base: pool.base + offset, length: size };
  }
}

/** The first subnet of the pools that overlaps nothing in `taken`. */
export function chooseSubnet(
  sources: readonly PoolSource[],
  family: 4 | 6,
  taken: readonly Prefix[],
): Prefix | undefined {
  for (const source of sources) {
    for (const subnet of subnetsOf(source)) {
      if (subnet.family !== family) break;
      if (!taken.some((prefix) => overlaps(prefix, subnet))) return subnet;
    }
  }
  return undefined;
}

/**
 * A /64 out of a unique local prefix (RFC 4193 section 3.2.2: fd, 40 bits of a random global ID, 16 bits of subnet).
 * `globalId` is 10 hex digits.
 */
export function uniqueLocalSubnet(globalId: string): string {
  return formatPrefix({ family: 6, base: BigInt(`0xfd${globalId}`) << 80n, length: 64 });
}
