/** Which subnet a network gets when nobody says. Pure. */
import { bitsOf, contains, formatPrefix, lastOf, overlaps, parsePrefix } from './address.ts';
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

/**
 * The pools of a daemon: those of --default-address-pool, or Docker's. Without an IPv6 pool among them, IPv6 subnets come from
 * one unique local prefix of this host: `globalId` is 10 hex digits that stay the same.
 */
export function poolSources(configured: readonly PoolSource[], globalId: string): readonly PoolSource[] {
  const given = configured.length > 0 ? configured : DEFAULT_POOLS;
  const hasIpv6 = given.some(({ base }) => base.includes(':'));
  return hasIpv6 ? given : [...given, { base: uniqueLocalPrefix(globalId), size: 64 }];
}

/** A pool that stands ready to be cut: of one family, none inside another, lowest first, as dockerd sorts them. */
interface Pool extends Prefix {
  size: number;
}

/** `size` other than 0 replaces the pools' own: Docker's way to ask for some subnet of that length. */
function poolsOf(sources: readonly PoolSource[], family: 4 | 6, size: number): Pool[] {
  const pools = sources.flatMap((source): Pool[] => {
    const prefix = parsePrefix(source.base);
    const wanted = size || source.size;
    return prefix?.family === family && prefix.length <= wanted && wanted <= bitsOf(family)
      ? [{ ...prefix, size: wanted }]
      : [];
  });
  pools.sort((a, b) => (a.base === b.base ? a.length - b.length : a.base < b.base ? -1 : 1));
  return pools.filter((pool, index) => !pools.slice(0, index).some((earlier) => overlaps(earlier, pool)));
}

/** Whether any pool could ever give such a subnet. */
export const canCut = (sources: readonly PoolSource[], family: 4 | 6, size: number): boolean =>
  poolsOf(sources, family, size).length > 0;

/** The first subnet of the pools that overlaps nothing in `taken`; linear in `taken`, whatever the size of the pools. */
export function chooseSubnet(
  sources: readonly PoolSource[],
  family: 4 | 6,
  taken: readonly Prefix[],
  size = 0,
): Prefix | undefined {
  for (const pool of poolsOf(sources, family, size)) {
    const found = firstFree(pool, taken);
    if (found) return found;
  }
  return undefined;
}

/** Subnets of a pool are numbered; every taken prefix blocks one of them, or a run of them. */
function firstFree(pool: Pool, taken: readonly Prefix[]): Prefix | undefined {
  const shift = BigInt(bitsOf(pool.family) - pool.size);
  const count = 1n << BigInt(pool.size - pool.length);
  const single = new Set<bigint>();
  const runs: [first: bigint, last: bigint][] = [];
  const end = lastOf(pool);
  for (const prefix of taken) {
    if (prefix.family !== pool.family || prefix.base > end) continue;
    if (prefix.length >= pool.size) {
      if (prefix.base >= pool.base) single.add((prefix.base - pool.base) >> shift);
      continue;
    }
    const last = lastOf(prefix);
    if (last < pool.base) continue;
    runs.push([prefix.base < pool.base ? 0n : (prefix.base - pool.base) >> shift, (last - pool.base) >> shift]);
  }
  runs.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  let number = 0n;
  for (let run = 0; number < count;) {
    const next = runs[run];
    if (next && next[0] <= number) {
      if (next[1] >= number) number = next[1] + 1n;
      run++;
    } else if (single.has(number)) number++;
    else return { family: pool.family, base: pool.base + (number << shift), length: pool.size };
  }
  return undefined;
}

/** Those of `taken` that lie in the pools or around them: what holds the pools when they have run out. */
export function holdersOf<T extends { prefix: Prefix }>(
  sources: readonly PoolSource[],
  family: 4 | 6,
  taken: readonly T[],
): T[] {
  const pools = poolsOf(sources, family, 0);
  return taken.filter(({ prefix }) => pools.some((pool) => overlaps(pool, prefix)));
}

/** Whether `inner` lies in `outer`, whole. */
export const encloses = (outer: Prefix, inner: Prefix): boolean =>
  outer.length <= inner.length && contains(outer, { family: inner.family, value: inner.base });

/** A unique local /48 (RFC 4193 section 3.1: fd, then 40 bits of a global ID). `globalId` is 10 hex digits. */
export const uniqueLocalPrefix = (globalId: string): string =>
  formatPrefix({ family: 6, base: BigInt(`0xfd${globalId}`) << 80n, length: 48 });
