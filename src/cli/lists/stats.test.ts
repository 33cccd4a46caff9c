import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printer } from '../format/listing.ts';
import { blockIo, cpuPercent, memoryPercent, memoryUsed, networkIo, statsListing, type StatsAnswer } from './stats.ts';

const answer = (more: Partial<StatsAnswer> = {}): StatsAnswer => ({
  id: 'abcdef0123456789',
  name: '/box',
  cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2000, online_cpus: 4 },
  precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1000 },
  memory_stats: { usage: 1000, limit: 4000, stats: { total_inactive_file: 200 } },
  pids_stats: { current: 3 },
  blkio_stats: {
    io_service_bytes_recursive: [
      { op: 'Read', value: 10 },
      { op: 'read', value: 1 },
      { op: 'Write', value: 5 },
      { op: 'Total', value: 16 },
    ],
  },
  networks: { eth0: { rx_bytes: 7, tx_bytes: 8 }, eth1: { rx_bytes: 1, tx_bytes: 1 } },
  ...more,
});

void test('shares and sums', () => {
  assert.equal(cpuPercent(answer()), 80);
  const perCpu = { cpu_usage: { total_usage: 300, percpu_usage: [1, 2] }, system_cpu_usage: 2000 };
  assert.equal(cpuPercent(answer({ cpu_stats: perCpu })), 40);
  assert.equal(cpuPercent(answer({ precpu_stats: answer().cpu_stats })), 0);
  assert.equal(memoryUsed(answer()), 800);
  assert.equal(memoryUsed(answer({ memory_stats: { usage: 10, stats: { inactive_file: 4 } } })), 6);
  assert.equal(memoryUsed(answer({ memory_stats: { usage: 10, stats: { inactive_file: 40 } } })), 10);
  assert.equal(memoryPercent(answer()), 20);
  assert.equal(memoryPercent(answer({ memory_stats: {} })), 0);
  assert.deepEqual(blockIo(answer()), [11, 5]);
  assert.deepEqual(blockIo(answer({ blkio_stats: { io_service_bytes_recursive: null } })), [0, 0]);
  assert.deepEqual(networkIo(answer()), [8, 9]);
});

void test('the table, with a row of which nothing is known', async () => {
  const print = await printer(statsListing({ truncate: true }), '');
  assert.equal(
    print([
      { container: 'box', answer: answer() },
      { container: 'gone', answer: undefined },
    ]),
    `CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O   BLOCK I/O   PIDS
abcdef012345   box       80.00%    800B / 3.906KiB     20.00%    8B / 9B   11B / 5B    3
--             --        --        -- / --             --        --        --          --
`,
  );
});
