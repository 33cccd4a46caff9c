/** `POST /containers/{id}/update`: limits and restart policy of a container that exists. */
import { BerthError, conflict, messageOf, system } from '../errors.ts';
import { type Limits, setLimits } from '../linux/cgroup-limits.ts';
import type { ContainerUpdate, HostConfig } from '../model/container.ts';
import { type Context, cgroupOf, publish, save } from './context.ts';
import { checkResources } from './host-config.ts';
import { thisMachine } from './machine.ts';
import type { Container } from './registry.ts';
import { cpuTime } from './spec/resources.ts';

export async function updateContainer(
  context: Context,
  container: Container,
  change: ContainerUpdate,
): Promise<{ Warnings: string[] }> {
  const wanted = { ...change };
  const Warnings = checkResources(wanted, thisMachine(context), true);
  const refuse = (error: unknown): never => {
    const text = `Cannot update container ${container.id}: ${messageOf(error)}`;
    throw error instanceof BerthError ? new BerthError(error.kind, text, { cause: error }) : system(text, error);
  };
  await container.lock.run(async () => {
    const { record } = container;
    await using undo = new AsyncDisposableStack();
    try {
      if (container.removing || record.state.Dead) {
        throw conflict('container is marked for removal and cannot be "update"');
      }
      const before = record.hostConfig;
      const hostConfig = merged(before, wanted);
      // The kernel first: a record that says more than is in force would be a promise.
      if (container.running) undo.defer(await setLimits(cgroupOf(context, container), limitsOf(wanted)));
      undo.defer(() => void (record.hostConfig = before));
      record.hostConfig = hostConfig;
    } catch (error) {
      refuse(error);
    }
    save(context, container);
    undo.move();
    publish(context, container, 'update');
  });
  return { Warnings };
}

/** What is 0, '' or null stays. Conflict, in dockerd's words, for what does not go together with what is set. Pure. */
export function merged(host: HostConfig, change: ContainerUpdate): HostConfig {
  const { RestartPolicy, PidsLimit, ...limits } = change;
  const clash = (now: string, set: string): never => {
    throw conflict(`Conflicting options: ${now} cannot be updated as ${set} has already been set`);
  };
  if (limits.NanoCpus > 0 && host.CpuPeriod > 0) clash('Nano CPUs', 'CPU Period');
  if (limits.NanoCpus > 0 && host.CpuQuota > 0) clash('Nano CPUs', 'CPU Quota');
  if (limits.CpuPeriod > 0 && host.NanoCpus > 0) clash('CPU Period', 'NanoCPUs');
  if (limits.CpuQuota > 0 && host.NanoCpus > 0) clash('CPU Quota', 'NanoCPUs');
  if (limits.Memory > host.MemorySwap && limits.Memory !== 0 && limits.MemorySwap === 0) {
    throw conflict(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  }
  if (RestartPolicy.Name !== '' && RestartPolicy.Name !== 'no' && host.AutoRemove) {
    throw conflict('Restart policy cannot be updated because AutoRemove is enabled for the container');
  }
  const set = Object.entries(limits).filter(([, value]) => value !== 0 && value !== '' && value !== undefined);
  return {
    ...host,
    ...Object.fromEntries(set),
    ...(PidsLimit === null ? {} : { PidsLimit }),
    ...(RestartPolicy.Name === '' ? {} : { RestartPolicy }),
  };
}

/** What a control group is told of a change. Pure. */
export function limitsOf(change: ContainerUpdate): Limits {
  const limits: Limits = {};
  const { period, quota } = cpuTime(change);
  if (change.Memory > 0) limits.memory = change.Memory;
  if (change.MemorySwap !== 0) limits.memorySwap = change.MemorySwap;
  if (change.MemoryReservation > 0) limits.memoryReservation = change.MemoryReservation;
  if (change.CpuShares > 0) limits.cpuShares = change.CpuShares;
  if (period !== undefined) limits.cpuPeriod = period;
  if (quota !== undefined) limits.cpuQuota = quota;
  if (change.CpuRealtimePeriod) limits.realtimePeriod = change.CpuRealtimePeriod;
  if (change.CpuRealtimeRuntime) limits.realtimeRuntime = change.CpuRealtimeRuntime;
  if (change.CpusetCpus !== '') limits.cpus = change.CpusetCpus;
  if (change.CpusetMems !== '') limits.mems = change.CpusetMems;
  if (change.PidsLimit !== null) limits.pids = change.PidsLimit > 0 ? change.PidsLimit : -1;
  if (change.BlkioWeight) limits.blkioWeight = change.BlkioWeight;
  return limits;
}
