/** `POST /containers/{id}/update`. Of a device's own limits dockerd takes what a client sends, and changes nothing by it. */
import type { ContainerUpdate } from '../../model/container.ts';
import { restartPolicy } from './container.ts';
import { integer, nullable, object, optional, string } from './kit.ts';

const int64 = integer('int64');

export const containerUpdate = object<ContainerUpdate>('container.UpdateConfig', {
  CpuShares: int64,
  Memory: int64,
  MemoryReservation: int64,
  MemorySwap: int64,
  NanoCpus: int64,
  CpuPeriod: int64,
  CpuQuota: int64,
  CpuRealtimePeriod: optional(int64),
  CpuRealtimeRuntime: optional(int64),
  CpusetCpus: string,
  CpusetMems: string,
  PidsLimit: nullable(int64),
  BlkioWeight: optional(integer('uint16')),
  RestartPolicy: restartPolicy,
});

/** A limit of processes can be changed since 1.40; 0 and all below it are none. */
export function updateFor({ PidsLimit, ...change }: ContainerUpdate, version: number): ContainerUpdate {
  if (version < 40 || PidsLimit === null) return { ...change, PidsLimit: null };
  return { ...change, PidsLimit: Math.max(0, PidsLimit) };
}
