import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countersFrom, parseBlkio, parseIoStat, parseKeyed, parseLimit } from './cgroup-stats.ts';
import { parseNetDev } from './interface-counters.ts';
import { parseStat } from './machine-cpu.ts';

const from = (files: Record<string, string>) => async (file: string) => Promise.resolve(files[file] ?? '');

void test('the counters of a v1 group', async () => {
  const counters = await countersFrom(
    1,
    from({
      'cpuacct.usage': '1500\n',
      'cpuacct.stat': 'user 12\nsystem 3\n',
      'cpuacct.usage_percpu': '1000 500 \n',
      'cpu.stat': 'nr_periods 10\nnr_throttled 2\nthrottled_time 7\nwait_sum 9\n',
      'memory.usage_in_bytes': '4096\n',
      'memory.max_usage_in_bytes': '8192\n',
      'memory.limit_in_bytes': '9223372036854771712\n',
      'memory.failcnt': '1\n',
      'memory.stat': 'cache 1\ntotal_inactive_file 2\n',
      'pids.current': '3\n',
      'pids.max': 'max\n',
      'blkio.bfq.io_service_bytes_recursive': 'Total 0\n',
      'blkio.throttle.io_service_bytes_recursive': '8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n',
    }),
  );
  assert.deepEqual(counters.cpu, {
    total: 1500,
    user: 120_000_000,
    kernel: 30_000_000,
    perCpu: [1000, 500],
    periods: 10,
    throttledPeriods: 2,
    throttled: 7,
  });
  assert.deepEqual(counters.memory, {
    usage: 4096,
    peak: 8192,
    limit: 9_223_372_036_854_771_712,
    failures: 1,
    details: { cache: 1, total_inactive_file: 2 },
  });
  assert.deepEqual(counters.pids, { current: 3, limit: Infinity });
  assert.deepEqual(
    counters.io.bytes.map(({ major, op, value }) => [major, op, value]),
    [
      [8, 'Read', 1],
      [8, 'Write', 2],
      [8, 'Total', 3],
    ],
  );
  assert.deepEqual(counters.io.operations, []);
});

void test('the counters of a v2 group', async () => {
  const counters = await countersFrom(
    2,
    from({
      'cpu.stat':
        'usage_usec 15\nuser_usec 10\nsystem_usec 5\nnr_periods 1\nnr_throttled 2\nthrottled_usec 3\nnr_bursts 0\n',
      'memory.current': '4096\n',
      'memory.max': 'max\n',
      'memory.stat': 'anon 1\ninactive_file 2\n',
      'memory.events': 'low 0\nhigh 0\nmax 9\noom 4\noom_kill 1\n',
      'pids.current': '3\n',
      'pids.max': '100\n',
      'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n',
    }),
  );
  assert.deepEqual(counters.cpu, {
    total: 15_000,
    user: 10_000,
    kernel: 5000,
    periods: 1,
    throttledPeriods: 2,
    throttled: 3000,
  });
  assert.deepEqual(counters.memory, {
    usage: 4096,
    limit: Infinity,
    failures: 4,
    details: { anon: 1, inactive_file: 2 },
  });
  assert.deepEqual(counters.pids, { current: 3, limit: 100 });
  assert.deepEqual(
    [counters.io.bytes, counters.io.operations].map((list) => list.map(({ op, value }) => [op, value])),
    [
      [
        ['read', 1],
        ['write', 2],
      ],
      [
        ['read', 3],
        ['write', 4],
      ],
    ],
  );
});

void test('files that a kernel does not have count nothing', async () => {
  for (const version of [1, 2] as const) {
    const { cpu, memory, pids, io } = await countersFrom(version, from({}));
    assert.deepEqual([cpu.total, memory.usage, pids.current, io.bytes], [0, 0, 0, []]);
    assert.deepEqual([memory.limit, pids.limit], [Infinity, Infinity]);
  }
  assert.deepEqual(parseKeyed('a 1\nb x\n\nc'), { a: 1 });
  assert.deepEqual([parseLimit('max\n'), parseLimit('5\n')], [Infinity, 5]);
  assert.deepEqual(parseBlkio('nonsense\n8:0 Read x\n'), []);
  assert.deepEqual(parseIoStat('8:0 \n').bytes.length, 2);
});

void test('the machine’s CPU time', () => {
  const text = 'cpu  1 2 3 4 5 6 7 100 100 100\ncpu0 1 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 5\n';
  assert.deepEqual(parseStat(text), { total: 28 * 10_000_000, online: 2 });
});

void test('the interfaces of a namespace, without those that the kernel puts there', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     840      10    0    0    0     0          0         0      840      10    0    0    0     0       0          0
  eth0:1100      12    1    2    0     0          0         0     126       3    4    5    0     0       0          0
 tunl0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
`;
  assert.deepEqual(
    [...parseNetDev(text)],
    [
      [
        'eth0',
        {
          rxBytes: 1100,
          rxPackets: 12,
          rxErrors: 1,
          rxDropped: 2,
          txBytes: 126,
          txPackets: 3,
          txErrors: 4,
          txDropped: 5,
        },
      ],
    ],
  );
});
