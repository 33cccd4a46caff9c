/** The API's ContainerStatsResponse (v1.52), from what the kernel counted. Pure. */
import type { CgroupCounters, IoCounter } from '../../linux/cgroup-stats.ts';
import type { InterfaceCounters } from '../../linux/interface-counters.ts';
import type { MachineCpu } from '../../linux/machine-cpu.ts';
import type { Json } from '../../model/json.ts';
import { NEVER } from '../record.ts';

/** One look at a running container. */
export interface Sample {
  /** RFC 3339. */
  read: string;
  cgroup: CgroupCounters;
  machine: MachineCpu;
  /** By the interface's name in the container; empty for one that uses the host's network. */
  interfaces: ReadonlyMap<string, InterfaceCounters>;
}

export interface Owner {
  id: string;
  /** With its leading slash. */
  name: string;
}

const NO_CPU: Json = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

const NO_BLKIO: Json = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

/** Of v2's memory.stat what dockerd passes on, under the same names. */
const DETAILS_V2 = new Set(
  (
    'anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp inactive_anon active_anon ' +
    'inactive_file active_file unevictable slab_reclaimable slab_unreclaimable pgfault pgmajfault workingset_refault ' +
    'workingset_activate workingset_nodereclaim pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree pglazyfreed ' +
    'thp_fault_alloc thp_collapse_alloc'
  ).split(' '),
);
/** Likewise of v1. */
const DETAILS_V1 = new Set(
  [
    'cache rss rss_huge mapped_file dirty writeback pgpgin pgpgout pgfault pgmajfault',
    'inactive_anon active_anon inactive_file active_file unevictable',
  ]
    .join(' ')
    .split(' ')
    .flatMap((name) => [name, `total_${name}`])
    .concat('hierarchical_memory_limit', 'hierarchical_memsw_limit'),
);

function cpuStats({ cgroup: { cpu }, machine }: Sample): Json {
  return {
    cpu_usage: {
      total_usage: cpu.total,
      ...(cpu.perCpu === undefined ? {} : { percpu_usage: cpu.perCpu }),
      usage_in_kernelmode: cpu.kernel,
      usage_in_usermode: cpu.user,
    },
    system_cpu_usage: machine.total,
    online_cpus: machine.online,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttled,
    },
  };
}

/** Go's `omitempty`. */
const unlessZero = (name: string, value: number): Json => (value === 0 ? {} : { [name]: value });

function memoryStats({ version, memory }: CgroupCounters, machineMemory: number): Json {
  const wanted = version === 1 ? DETAILS_V1 : DETAILS_V2;
  const details = Object.entries(memory.details).filter(([name]) => wanted.has(name));
  return {
    ...unlessZero('usage', memory.usage),
    ...unlessZero('max_usage', memory.peak ?? 0),
    ...(details.length === 0 ? {} : { stats: Object.fromEntries(details) }),
    ...unlessZero('failcnt', memory.failures),
    // More than the machine has is no limit.
    limit: Math.min(memory.limit, machineMemory),
  };
}

const ioEntries = (counters: readonly IoCounter[]): IoCounter[] | null =>
  counters.length === 0 ? null : [...counters];

function blkioStats({ version, io }: CgroupCounters): Json {
  return {
    ...NO_BLKIO,
    io_service_bytes_recursive: ioEntries(io.bytes),
    // dockerd leaves everything but the bytes out with v2.
    io_serviced_recursive: version === 1 ? ioEntries(io.operations) : null,
  };
}

const networkStats = (one: InterfaceCounters): Json => ({
  rx_bytes: one.rxBytes,
  rx_packets: one.rxPackets,
  rx_errors: one.rxErrors,
  rx_dropped: one.rxDropped,
  tx_bytes: one.txBytes,
  tx_packets: one.txPackets,
  tx_errors: one.txErrors,
  tx_dropped: one.txDropped,
});

/** `sample` undefined: it does not run; `before` undefined: nothing to compare with. `machineMemory` in bytes. */
export function statsView(
  { id, name }: Owner,
  sample: Sample | undefined,
  before: Sample | undefined,
  machineMemory: number,
): Json {
  const head = { name, id, os_type: 'linux' };
  const previous = {
    preread: before?.read ?? NEVER,
    precpu_stats: before === undefined ? NO_CPU : cpuStats(before),
  };
  if (sample === undefined) {
    return {
      ...head,
      read: NEVER,
      preread: previous.preread,
      pids_stats: {},
      blkio_stats: NO_BLKIO,
      num_procs: 0,
      storage_stats: {},
      cpu_stats: NO_CPU,
      precpu_stats: previous.precpu_stats,
      memory_stats: {},
    };
  }
  const { cgroup, interfaces } = sample;
  return {
    ...head,
    read: sample.read,
    preread: previous.preread,
    pids_stats: {
      ...unlessZero('current', cgroup.pids.current),
      // Go's largest number stands for 'none' there, which JavaScript cannot write: it is left out, as with v1.
      ...(cgroup.pids.limit === Infinity ? {} : { limit: cgroup.pids.limit }),
    },
    blkio_stats: blkioStats(cgroup),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(sample),
    precpu_stats: previous.precpu_stats,
    memory_stats: memoryStats(cgroup, machineMemory),
    ...(interfaces.size === 0
      ? {}
      : { networks: Object.fromEntries([...interfaces].map(([link, counters]) => [link, networkStats(counters)])) }),
  };
}
