/** Limits: the API's numbers as the runtime wants them (config-linux.md, "Control groups"). Pure. */
import type { HostConfig } from '../../model/container.ts';
import type { OciResources } from './oci.ts';

/** NanoCpus 1e9 is one CPU: this many microseconds of quota in a period of 100 ms. */
const PERIOD = 100_000;

export function limitsOf(host: HostConfig): Omit<OciResources, 'devices'> {
  const memory: NonNullable<OciResources['memory']> = {};
  if (host.Memory > 0) memory.limit = host.Memory;
  if (host.MemoryReservation > 0) memory.reservation = host.MemoryReservation;
  // Memory and swap together. Minus one, without limit, is what a new group has anyway; some kernels have no such file.
  if (host.Memory > 0 && host.MemorySwap > 0) memory.swap = host.MemorySwap;
  if (host.MemorySwappiness !== null && host.MemorySwappiness >= 0) memory.swappiness = host.MemorySwappiness;
  if (host.OomKillDisable) memory.disableOOMKiller = true;
  const cpu: NonNullable<OciResources['cpu']> = {};
  if (host.CpuShares > 0) cpu.shares = host.CpuShares;
  if (host.NanoCpus > 0) {
    cpu.period = PERIOD;
    cpu.quota = Math.round((host.NanoCpus * PERIOD) / 1e9);
  }
  if (host.CpuPeriod > 0) cpu.period = host.CpuPeriod;
  if (host.CpuQuota > 0) cpu.quota = host.CpuQuota;
  if (host.CpusetCpus !== '') cpu.cpus = host.CpusetCpus;
  if (host.CpusetMems !== '') cpu.mems = host.CpusetMems;
  const pids = host.PidsLimit ?? 0;
  return {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pids > 0 ? { pids: { limit: pids } } : {}),
  };
}
