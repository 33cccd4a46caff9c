import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerUpdate, HostConfig } from '../model/container.ts';
import { sampleHost } from './testing-samples.ts';
import { limitsOf, merged } from './update.ts';

const change = (own: Partial<ContainerUpdate>): ContainerUpdate => ({
  CpuShares: 0,
  Memory: 0,
  MemoryReservation: 0,
  MemorySwap: 0,
  NanoCpus: 0,
  CpuPeriod: 0,
  CpuQuota: 0,
  CpusetCpus: '',
  CpusetMems: '',
  PidsLimit: null,
  RestartPolicy: { Name: '', MaximumRetryCount: 0 },
  ...own,
});

void test('what is not set stays as it is', () => {
  const host = sampleHost({ Memory: 1 << 24, MemorySwap: 1 << 25, CpusetCpus: '0', PidsLimit: 9 });
  assert.deepEqual(merged(host, change({})), host);
  const RestartPolicy = { Name: 'on-failure', MaximumRetryCount: 2 } as const;
  assert.deepEqual(merged(host, change({ CpuShares: 5, PidsLimit: -1, RestartPolicy })), {
    ...host,
    CpuShares: 5,
    PidsLimit: -1,
    RestartPolicy,
  });
});

void test('what does not go together with what is set', () => {
  const cases: [Partial<HostConfig>, Partial<ContainerUpdate>, RegExp][] = [
    [{ CpuPeriod: 5000 }, { NanoCpus: 1e9 }, /Nano CPUs cannot be updated as CPU Period has already been set/],
    [{ CpuQuota: 5000 }, { NanoCpus: 1e9 }, /Nano CPUs cannot be updated as CPU Quota has already been set/],
    [{ NanoCpus: 1e9 }, { CpuPeriod: 5000 }, /CPU Period cannot be updated as NanoCPUs has already been set/],
    [{ NanoCpus: 1e9 }, { CpuQuota: 5000 }, /CPU Quota cannot be updated as NanoCPUs has already been set/],
    [{}, { Memory: 1 << 24 }, /smaller than already set memoryswap limit, update the memoryswap at the same time/],
    [
      { AutoRemove: true },
      { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
      /because AutoRemove is enabled/,
    ],
  ];
  for (const [host, wanted, text] of cases) assert.throws(() => merged(sampleHost(host), change(wanted)), text);
  merged(sampleHost({ AutoRemove: true }), change({ RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } }));
  merged(sampleHost({ MemorySwap: 1 << 25 }), change({ Memory: 1 << 24 }));
});

void test('for the control group', () => {
  assert.deepEqual(limitsOf(change({})), {});
  assert.deepEqual(limitsOf(change({ NanoCpus: 5e8, MemorySwap: -1, PidsLimit: 0, CpusetCpus: '1' })), {
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    memorySwap: -1,
    pids: -1,
    cpus: '1',
  });
  assert.deepEqual(limitsOf(change({ CpuQuota: -1, CpuPeriod: 2000 })), { cpuPeriod: 2000, cpuQuota: -1 });
});
