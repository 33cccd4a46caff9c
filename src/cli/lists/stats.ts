/** The columns of `stats`, and how its figures are worked out of what the daemon counts. Pure. */
import type { Listing } from '../format/listing.ts';
import { shortId } from '../format/text.ts';
import { binarySize, humanSize } from '../format/units.ts';

interface CpuStats {
  /** Nanoseconds. */
  cpu_usage: { total_usage: number; percpu_usage?: number[] | null };
  system_cpu_usage?: number;
  online_cpus?: number;
}

/** What is used of the API's ContainerStatsResponse. */
export interface StatsAnswer {
  id?: string;
  name?: string;
  cpu_stats: CpuStats;
  precpu_stats: CpuStats;
  /** Bytes. */
  memory_stats: { usage?: number; limit?: number; stats?: Record<string, number> };
  pids_stats: { current?: number };
  blkio_stats: { io_service_bytes_recursive?: { op: string; value: number }[] | null };
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }>;
}

export interface StatsRow {
  /** As the user called it, or its ID. */
  container: string;
  /** Undefined: nothing is known (yet, or any more). */
  answer: StatsAnswer | undefined;
}

/** The share of one CPU, in percent: 200 for two that are busy. */
export function cpuPercent({ cpu_stats: now, precpu_stats: before }: StatsAnswer): number {
  const own = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const online = now.online_cpus || (now.cpu_usage.percpu_usage?.length ?? 0);
  return own > 0 && all > 0 ? (own / all) * online * 100 : 0;
}

/** Bytes, without the part of the page cache that the kernel would give up first. */
export function memoryUsed({ memory_stats: { usage = 0, stats = {} } }: StatsAnswer): number {
  // v1 counts it for the group and those below it under another name than v2.
  const cache = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return cache < usage ? usage - cache : usage;
}

export function memoryPercent(answer: StatsAnswer): number {
  const limit = answer.memory_stats.limit ?? 0;
  return limit === 0 ? 0 : (memoryUsed(answer) / limit) * 100;
}

/** Bytes read and written. */
export function blockIo({ blkio_stats }: StatsAnswer): [read: number, written: number] {
  const sums: [number, number] = [0, 0];
  for (const { op, value } of blkio_stats.io_service_bytes_recursive ?? []) {
    const letter = op.charAt(0).toLowerCase();
    if (letter === 'r') sums[0] += value;
    else if (letter === 'w') sums[1] += value;
  }
  return sums;
}

/** Bytes received and sent. */
export function networkIo({ networks = {} }: StatsAnswer): [received: number, sent: number] {
  const all = Object.values(networks);
  return [all.reduce((sum, one) => sum + one.rx_bytes, 0), all.reduce((sum, one) => sum + one.tx_bytes, 0)];
}

const UNKNOWN = '--';
const percent = (share: number): string => `${share.toFixed(2)}%`;

export function statsListing({ truncate }: { truncate: boolean }): Listing<StatsRow> {
  const known =
    (text: (answer: StatsAnswer) => string, unknown = UNKNOWN) =>
    ({ answer }: StatsRow): string =>
      answer === undefined ? unknown : text(answer);
  const pair = ([left, right]: [number, number]): string => `${humanSize(left)} / ${humanSize(right)}`;
  const noPair = `${UNKNOWN} / ${UNKNOWN}`;
  return {
    type: '*container.statsContext',
    columns: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
    fields: {
      Container: { header: 'CONTAINER', value: ({ container }) => container },
      Name: { header: 'NAME', value: ({ answer }) => answer?.name?.replace(/^\//, '') || UNKNOWN },
      ID: {
        header: 'CONTAINER ID',
        value: ({ answer }) => (truncate ? shortId(answer?.id ?? '') : (answer?.id ?? '')) || UNKNOWN,
      },
      CPUPerc: { header: 'CPU %', value: known((answer) => percent(cpuPercent(answer))) },
      MemUsage: {
        header: 'MEM USAGE / LIMIT',
        value: known(
          (answer) => `${binarySize(memoryUsed(answer))} / ${binarySize(answer.memory_stats.limit ?? 0)}`,
          noPair,
        ),
      },
      MemPerc: { header: 'MEM %', value: known((answer) => percent(memoryPercent(answer))) },
      NetIO: { header: 'NET I/O', value: known((answer) => pair(networkIo(answer))) },
      BlockIO: { header: 'BLOCK I/O', value: known((answer) => pair(blockIo(answer))) },
      PIDs: { header: 'PIDS', value: known(({ pids_stats }) => String(pids_stats.current ?? 0)) },
    },
  };
}
