/** Limits of a control group that is in use, written to its files: cgroup v1 where the group has that controller there, else v2. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { hierarchies } from './cgroup-hierarchies.ts';

/** What is undefined stays as it is; -1 is no limit. */
export interface Limits {
  /** Bytes. */
  memory?: number;
  /** Bytes of memory and swap together. */
  memorySwap?: number;
  memoryReservation?: number;
  /** 2 to 262,144, as cgroup v1 counts. */
  cpuShares?: number;
  /** Microseconds. */
  cpuPeriod?: number;
  cpuQuota?: number;
  realtimePeriod?: number;
  realtimeRuntime?: number;
  /** '0-2,4' */
  cpus?: string;
  mems?: string;
  pids?: number;
  /** 10 to 1000. */
  blkioWeight?: number;
}

interface Write {
  file: string;
  value: string;
}

/** A file that was not written, and what the kernel said. */
export class LimitError extends Error {}

/** undefined: no hierarchy has such a file for the group. */
type Find = (name: string) => string | undefined;
type Read = (file: string) => Promise<string>;

const finderOf =
  (path: string): Find =>
  (name) =>
    hierarchies()
      .map(({ mount }) => `${mount}${posix.normalize(`/${path}`)}/${name}`)
      .find((file) => existsSync(file));

const readText: Read = async (file) => (await readFile(file, 'utf8')).trim();
const orMax = (value: number): string => (value < 0 ? 'max' : String(value));
/** From one range of weights to another, as the runtimes convert them. */
export const cpuWeight = (shares: number): number => 1 + Math.floor(((shares - 2) * 9999) / 262_142);
export const ioWeight = (weight: number): number => 1 + Math.floor(((weight - 10) * 9999) / 990);

/** v1 holds memory ≤ memory + swap at every moment: the larger one is moved first where both grow. */
async function memoryWrites(limits: Limits, find: Find, read: Read): Promise<Write[]> {
  const { memory, memorySwap } = limits;
  const limit = find('memory.limit_in_bytes');
  if (limit !== undefined) {
    const both = find('memory.memsw.limit_in_bytes');
    const writes: Write[] = memory === undefined ? [] : [{ file: limit, value: String(memory) }];
    if (memorySwap === undefined || both === undefined) return writes;
    const swap = { file: both, value: String(memorySwap) };
    const grows = memorySwap < 0 || memorySwap > Number(await read(both));
    return grows ? [swap, ...writes] : [...writes, swap];
  }
  const [max, swapMax] = [find('memory.max'), find('memory.swap.max')];
  const writes: Write[] = memory === undefined || max === undefined ? [] : [{ file: max, value: orMax(memory) }];
  if (memorySwap === undefined || swapMax === undefined || max === undefined) return writes;
  // v2 limits swap alone.
  const own = memory ?? Number(await read(max));
  const swap = memorySwap < 0 || Number.isNaN(own) ? -1 : Math.max(0, memorySwap - own);
  return [...writes, { file: swapMax, value: orMax(swap) }];
}

/** v2 has both numbers in one file. */
async function cpuWrites({ cpuPeriod, cpuQuota }: Limits, find: Find, read: Read): Promise<Write[]> {
  const max = find('cpu.max');
  if (max === undefined || (cpuPeriod === undefined && cpuQuota === undefined)) {
    return plain(find, [
      [cpuPeriod, 'cpu.cfs_period_us'],
      [cpuQuota, 'cpu.cfs_quota_us'],
    ]);
  }
  const [quota = 'max', period = '100000'] = (await read(max)).split(' ');
  return [{ file: max, value: `${cpuQuota === undefined ? quota : orMax(cpuQuota)} ${cpuPeriod ?? period}` }];
}

const plain = (find: Find, values: readonly (readonly [value: number | string | undefined, name: string])[]): Write[] =>
  values.flatMap(([value, name]) => {
    const file = value === undefined ? undefined : find(name);
    return file === undefined ? [] : [{ file, value: String(value) }];
  });

/** In an order in which the kernel takes them. `find` gives a file of the group by its name, `read` its content. */
export async function writesOf(limits: Limits, find: Find, read: Read): Promise<Write[]> {
  const { cpuShares, pids, blkioWeight } = limits;
  return [
    ...(await memoryWrites(limits, find, read)),
    ...plain(find, [
      [
        limits.memoryReservation,
        find('memory.soft_limit_in_bytes') === undefined ? 'memory.low' : 'memory.soft_limit_in_bytes',
      ],
      [cpuShares, 'cpu.shares'],
      [cpuShares === undefined ? undefined : cpuWeight(cpuShares), 'cpu.weight'],
    ]),
    ...(await cpuWrites(limits, find, read)),
    ...plain(find, [
      [limits.realtimePeriod, 'cpu.rt_period_us'],
      [limits.realtimeRuntime, 'cpu.rt_runtime_us'],
      [limits.cpus, 'cpuset.cpus'],
      [limits.mems, 'cpuset.mems'],
      [pids === undefined ? undefined : orMax(pids), 'pids.max'],
      [blkioWeight, find('blkio.weight') === undefined ? 'blkio.bfq.weight' : 'blkio.weight'],
      [blkioWeight === undefined ? undefined : ioWeight(blkioWeight), 'io.weight'],
      [blkioWeight, 'io.bfq.weight'],
    ]),
  ];
}

/**
 * All of them or none: what was written before a refusal is taken back. Resolves with what takes everything back. Throws
 * LimitError. A lower memory limit may have to wait for memory to be reclaimed: everything is on a thread of the pool.
 */
export async function setLimits(path: string, limits: Limits): Promise<() => Promise<void>> {
  const find = finderOf(path);
  const done: Write[] = [];
  const undo = async (): Promise<void> => {
    for (const { file, value } of done.toReversed()) await writeFile(file, value);
  };
  for (const { file, value } of await writesOf(limits, find, readText)) {
    try {
      const before = await readText(file);
      await writeFile(file, value);
      done.push({ file, value: before });
    } catch (error) {
      await undo().catch(() => undefined);
      throw new LimitError(await reason(error, file, value), { cause: error });
    }
  }
  return undo;
}

/** The usual one in the runtime's words: more is in use than is to be allowed. */
async function reason(error: unknown, file: string, value: string): Promise<string> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'EBUSY' || !file.endsWith('/memory.limit_in_bytes')) {
    return `write ${value} to ${file}: ${error instanceof Error ? error.message : String(error)}`;
  }
  const beside = async (name: string): Promise<string> => readText(file.replace('memory.limit_in_bytes', name));
  const [usage, peak] = [await beside('memory.usage_in_bytes'), await beside('memory.max_usage_in_bytes')];
  return `unable to set memory limit to ${value} (current usage: ${usage}, peak usage: ${peak})`;
}
