import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Limits, writesOf } from './cgroup-limits.ts';

const V1 = {
  'memory.limit_in_bytes': '1000',
  'memory.memsw.limit_in_bytes': '2000',
  'memory.soft_limit_in_bytes': '0',
  'cpu.shares': '1024',
  'cpu.cfs_period_us': '100000',
  'cpu.cfs_quota_us': '-1',
  'cpuset.cpus': '0-1',
  'pids.max': 'max',
  'blkio.bfq.weight': '100',
};
const V2 = {
  'memory.max': '1000',
  'memory.swap.max': '0',
  'memory.low': '0',
  'cpu.weight': '100',
  'cpu.max': '50000 200000',
  'cpuset.cpus': '',
  'pids.max': 'max',
  'io.weight': 'default 100',
};

/** 'file value' of each. */
const written = async (files: Record<string, string>, limits: Limits): Promise<string[]> => {
  const writes = await writesOf(
    limits,
    (name) => (Object.hasOwn(files, name) ? name : undefined),
    async (file) => Promise.resolve(files[file] ?? ''),
  );
  return writes.map(({ file, value }) => `${file} ${value}`);
};
const ALL: Limits = {
  memory: 3000,
  memorySwap: 4000,
  memoryReservation: 500,
  cpuShares: 512,
  cpuPeriod: 10_000,
  cpuQuota: 5000,
  cpus: '0',
  pids: -1,
  blkioWeight: 1000,
};

void describe('what is written', () => {
  void test('v1: memory and swap in the order that keeps memory the smaller', async () => {
    assert.deepEqual(await written(V1, { memory: 3000, memorySwap: 4000 }), [
      'memory.memsw.limit_in_bytes 4000',
      'memory.limit_in_bytes 3000',
    ]);
    assert.deepEqual(await written(V1, { memory: 100, memorySwap: 200 }), [
      'memory.limit_in_bytes 100',
      'memory.memsw.limit_in_bytes 200',
    ]);
    assert.deepEqual(await written(V1, { memorySwap: -1 }), ['memory.memsw.limit_in_bytes -1']);
  });
  void test('v1: everything, each to the file that is there', async () => {
    assert.deepEqual((await written(V1, ALL)).slice(2), [
      'memory.soft_limit_in_bytes 500',
      'cpu.shares 512',
      'cpu.cfs_period_us 10000',
      'cpu.cfs_quota_us 5000',
      'cpuset.cpus 0',
      'pids.max max',
      'blkio.bfq.weight 1000',
    ]);
  });
  void test('v2: swap by itself, both numbers of the CPU in one file, weights in their own ranges', async () => {
    assert.deepEqual(await written(V2, ALL), [
      'memory.max 3000',
      'memory.swap.max 1000',
      'memory.low 500',
      'cpu.weight 20',
      'cpu.max 5000 10000',
      'cpuset.cpus 0',
      'pids.max max',
      'io.weight 10000',
    ]);
    assert.deepEqual(await written(V2, { cpuQuota: -1 }), ['cpu.max max 200000']);
    assert.deepEqual(await written(V2, { cpuPeriod: 5000 }), ['cpu.max 50000 5000']);
    assert.deepEqual(await written(V2, { memorySwap: 1500 }), ['memory.swap.max 500']);
    assert.deepEqual(await written({ ...V2, 'memory.max': 'max' }, { memorySwap: 1500 }), ['memory.swap.max max']);
  });
  void test('nothing where the kernel has no such file', async () => {
    assert.deepEqual(await written({}, ALL), []);
  });
});
