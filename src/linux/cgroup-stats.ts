/**
 * What the kernel counted for a control group: cgroup v1 (admin-guide/cgroup-v1: cpuacct, memory, blkio-controller, pids)
 * and v2 (admin-guide/cgroup-v2). Read through the thread pool, as the kernel may have to gather the counters of all CPUs
 * first; the parsers are pure.
 */
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { hierarchies, type Hierarchy } from './cgroup-hierarchies.ts';

export interface CgroupCpu {
  /** Nanoseconds. */
  total: number;
  user: number;
  kernel: number;
  /** Nanoseconds on each CPU; v1 only. */
  perCpu?: number[];
  periods: number;
  throttledPeriods: number;
  /** Nanoseconds. */
  throttled: number;
}

export interface CgroupMemory {
  /** Bytes. */
  usage: number;
  /** The most there ever was, in bytes; v1 only. */
  peak?: number;
  /** Bytes; Infinity without one. */
  limit: number;
  /** How often the limit was hit (v1), or nothing could be reclaimed any more (v2). */
  failures: number;
  /** memory.stat, by the kernel's names. */
  details: Record<string, number>;
}

export interface IoCounter {
  major: number;
  minor: number;
  /** As the kernel writes it in v1 ('Read', 'Write', 'Sync' …); 'read' and 'write' in v2. */
  op: string;
  /** Bytes, or operations. */
  value: number;
}

export interface CgroupCounters {
  version: 1 | 2;
  cpu: CgroupCpu;
  memory: CgroupMemory;
  /** `limit` Infinity without one. */
  pids: { current: number; limit: number };
  io: { bytes: IoCounter[]; operations: IoCounter[] };
}

/** USER_HZ: the unit in which the kernel tells user space of ticks; 100 on every architecture that Node runs on. */
const TICK = 1e9 / 100;
const MICROSECOND = 1000;

/** 'name 12' lines; others are left out. */
export function parseKeyed(text: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const [name = '', value = ''] = line.split(' ');
    if (/^\d+$/.test(value)) found[name] = Number(value);
  }
  return found;
}

/** One number, or 'max'. */
export const parseLimit = (text: string): number => (text.trim() === 'max' ? Infinity : Number(text.trim() || 0));

/** Lines of v1: '8:0 Read 4096'; the sums ('Total 4096', '8:0 Total 4096' is one of a device) as the kernel has them. */
export function parseBlkio(text: string): IoCounter[] {
  return [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, op = '', value]) => ({
    major: Number(major),
    minor: Number(minor),
    op,
    value: Number(value),
  }));
}

/** Lines of v2: '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6'. */
export function parseIoStat(text: string): { bytes: IoCounter[]; operations: IoCounter[] } {
  const result: { bytes: IoCounter[]; operations: IoCounter[] } = { bytes: [], operations: [] };
  for (const [, major, minor, rest = ''] of text.matchAll(/^(\d+):(\d+) (.*)$/gm)) {
    const values = new Map([...rest.matchAll(/(\w+)=(\d+)/g)].map(([, name = '', value]) => [name, Number(value)]));
    const entry = (op: string, name: string): IoCounter => ({
      major: Number(major),
      minor: Number(minor),
      op,
      value: values.get(name) ?? 0,
    });
    result.bytes.push(entry('read', 'rbytes'), entry('write', 'wbytes'));
    result.operations.push(entry('read', 'rios'), entry('write', 'wios'));
  }
  return result;
}

/** Text of a file of the group; '' when this kernel or this group has none. */
export type ReadCounter = (file: string) => Promise<string>;

async function countersV1(read: ReadCounter): Promise<CgroupCounters> {
  const [total, ticks, perCpu, throttling, usage, peak, limit, failures, details, current, most] = await Promise.all(
    [
      'cpuacct.usage',
      'cpuacct.stat',
      'cpuacct.usage_percpu',
      'cpu.stat',
      'memory.usage_in_bytes',
      'memory.max_usage_in_bytes',
      'memory.limit_in_bytes',
      'memory.failcnt',
      'memory.stat',
      'pids.current',
      'pids.max',
    ].map(read),
  );
  const { user = 0, system = 0 } = parseKeyed(ticks ?? '');
  const { nr_periods = 0, nr_throttled = 0, throttled_time = 0 } = parseKeyed(throttling ?? '');
  return {
    version: 1,
    cpu: {
      total: Number(total),
      user: user * TICK,
      kernel: system * TICK,
      perCpu: (perCpu ?? '').trim().split(/\s+/).filter(Boolean).map(Number),
      periods: nr_periods,
      throttledPeriods: nr_throttled,
      throttled: throttled_time,
    },
    memory: {
      usage: Number(usage),
      peak: Number(peak),
      // Without a limit it is the largest multiple of a page.
      limit: Number(limit) || Infinity,
      failures: Number(failures),
      details: parseKeyed(details ?? ''),
    },
    pids: { current: Number(current), limit: parseLimit(most ?? 'max') || Infinity },
    io: {
      bytes: await blkio(read, 'io_service_bytes'),
      operations: await blkio(read, 'io_serviced'),
    },
  };
}

/** Each I/O scheduler counts in files of its own; those of throttling count whichever is used. */
async function blkio(read: ReadCounter, name: string): Promise<IoCounter[]> {
  const files = [`blkio.${name}_recursive`, `blkio.bfq.${name}_recursive`, `blkio.throttle.${name}_recursive`];
  for (const file of files) {
    const counters = parseBlkio(await read(file));
    if (counters.length > 0) return counters;
  }
  return [];
}

async function countersV2(read: ReadCounter): Promise<CgroupCounters> {
  const [cpu, usage, limit, details, events, current, most, io] = await Promise.all(
    [
      'cpu.stat',
      'memory.current',
      'memory.max',
      'memory.stat',
      'memory.events',
      'pids.current',
      'pids.max',
      'io.stat',
    ].map(read),
  );
  const times = parseKeyed(cpu ?? '');
  const micro = (name: string): number => (times[name] ?? 0) * MICROSECOND;
  return {
    version: 2,
    cpu: {
      total: micro('usage_usec'),
      user: micro('user_usec'),
      kernel: micro('system_usec'),
      periods: times['nr_periods'] ?? 0,
      throttledPeriods: times['nr_throttled'] ?? 0,
      throttled: micro('throttled_usec'),
    },
    memory: {
      usage: Number(usage),
      limit: limit === '' ? Infinity : parseLimit(limit ?? 'max'),
      failures: parseKeyed(events ?? '')['oom'] ?? 0,
      details: parseKeyed(details ?? ''),
    },
    pids: { current: Number(current), limit: most === '' ? Infinity : parseLimit(most ?? 'max') },
    io: parseIoStat(io ?? ''),
  };
}

/** From a group whose files `read` gives. */
export const countersFrom = (version: 1 | 2, read: ReadCounter): Promise<CgroupCounters> =>
  version === 1 ? countersV1(read) : countersV2(read);

/** Which hierarchy of a version has a file: in v1 controllers are mounted alone or several together, wherever the system wants. */
const mountOf = { 1: new Map<string, string>(), 2: new Map<string, string>() } as const;

function readerOf(path: string, version: 1 | 2, mounts: readonly Hierarchy[]): ReadCounter {
  const group = posix.normalize(`/${path}`);
  return async (file) => {
    const known = mountOf[version].get(file);
    for (const mount of known === undefined ? mounts.map((one) => one.mount) : [known]) {
      try {
        const text = await readFile(`${mount}${group}/${file}`, 'utf8');
        mountOf[version].set(file, mount);
        return text;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && GONE.has(String(error.code)))) throw error;
      }
    }
    return '';
  };
}

/** The group is not there, or was removed while it was read; EOPNOTSUPP: not in a group of threads. */
const GONE = new Set(['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTDIR']);

/** There when the controllers that count are in hierarchies of this version. */
const SIGN = { 1: 'cpuacct.usage', 2: 'cpu.stat' } as const;

/** Undefined when there is no such group. */
export async function readCgroupCounters(path: string): Promise<CgroupCounters | undefined> {
  for (const version of [1, 2] as const) {
    const mounts = hierarchies().filter((one) => one.version === version);
    const read = readerOf(path, version, mounts);
    if (mounts.length > 0 && (await read(SIGN[version])) !== '') return countersFrom(version, read);
  }
  return undefined;
}
