/** Limits: the API's numbers as the runtime wants them (config-linux.md, "Control groups"). Pure. */
import type { HostConfig, Resources } from '../../model/container.ts';
import type { OciResources } from './oci.ts';

/** NanoCpus 1e9 is one CPU: this many microseconds of quota in a period of 100 ms. */
const PERIOD = 100_000;

/** Microseconds of each period, as asked for in either way. */
export function cpuTime(host: Pick<Resources, 'NanoCpus' | 'CpuPeriod' | 'CpuQuota'>): {
  period?: number;
  quota?: number;
} {
  if (host.NanoCpus > 0) return { period: PERIOD, quota: Math.round((host.NanoCpus * PERIOD) / 1e9) };
  return {
    ...(host.CpuPeriod > 0 ? { period: host.CpuPeriod } : {}),
    ...(host.CpuQuota === 0 ? {} : { quota: host.CpuQuota }),
  };
}

export function limitsOf(host: HostConfig): Omit<OciResources, 'devices' | 'blockIO'> {
  const memory: NonNullable<OciResources['memory']> = {};
  if (host.Memory > 0) memory.limit = host.Memory;
  if (host.MemoryReservation > 0) memory.reservation = host.MemoryReservation;
  // Memory and swap together. Minus one, without limit, is what a new group has anyway; some kernels have no such file.
  if (host.Memory > 0 && host.MemorySwap > 0) memory.swap = host.MemorySwap;
  if (host.MemorySwappiness !== null && host.MemorySwappiness >= 0) memory.swappiness = host.MemorySwappiness;
  if (host.OomKillDisable) memory.disableOOMKiller = true;
  const cpu: NonNullable<OciResources['cpu']> = cpuTime(host);
  // No quota is what a new group has anyway.
  if (cpu.quota !== undefined && cpu.quota < 0) delete cpu.quota;
  if (host.CpuShares > 0) cpu.shares = host.CpuShares;
  if (host.CpuRealtimePeriod) cpu.realtimePeriod = host.CpuRealtimePeriod;
  if (host.CpuRealtimeRuntime) cpu.realtimeRuntime = host.CpuRealtimeRuntime;
  if (host.CpusetCpus !== '') cpu.cpus = host.CpusetCpus;
  if (host.CpusetMems !== '') cpu.mems = host.CpusetMems;
  const pids = host.PidsLimit ?? 0;
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids > 0 ? { pids: { limit: pids } } : {}),
  };
}
