import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../model/json.ts';
import { Samplers } from './samplers.ts';
import { statsView, type Sample } from './view.ts';

const GIB = 2 ** 30;

const sample = (version: 1 | 2, more: Partial<Sample['cgroup']> = {}): Sample => ({
  read: '2026-01-02T03:04:05.000000000Z',
  cgroup: {
    version,
    cpu: { total: 10, user: 4, kernel: 6, periods: 0, throttledPeriods: 0, throttled: 0 },
    memory: { usage: 4096, limit: Infinity, failures: 0, details: { anon: 1, cache: 2, total_cache: 2, other: 3 } },
    pids: { current: 2, limit: Infinity },
    io: {
      bytes: [{ major: 8, minor: 0, op: 'read', value: 5 }],
      operations: [{ major: 8, minor: 0, op: 'read', value: 1 }],
    },
    ...more,
  },
  machine: { total: 1000, online: 2 },
  interfaces: new Map(),
});
const owner = { id: 'f'.repeat(64), name: '/box' };

void test('what a running container answers', () => {
  const view = statsView(owner, sample(2), undefined, 8 * GIB);
  assert.equal(view['preread'], '0001-01-01T00:00:00Z');
  assert.deepEqual(view['pids_stats'], { current: 2 });
  assert.deepEqual(view['memory_stats'], { usage: 4096, stats: { anon: 1 }, limit: 8 * GIB });
  const { io_service_bytes_recursive, io_serviced_recursive } = view['blkio_stats'] as Json;
  assert.deepEqual(io_service_bytes_recursive, [{ major: 8, minor: 0, op: 'read', value: 5 }]);
  assert.equal(io_serviced_recursive, null);
  assert.equal('networks' in view, false);
  assert.equal((view['cpu_stats'] as Json)['system_cpu_usage'], 1000);
  assert.equal('system_cpu_usage' in (view['precpu_stats'] as Json), false);
  const second = statsView(owner, sample(2), sample(2), 8 * GIB);
  assert.deepEqual(second['precpu_stats'], second['cpu_stats']);
  assert.equal(second['preread'], second['read']);

  const old = statsView(owner, sample(1, { pids: { current: 2, limit: 10 } }), undefined, GIB);
  assert.deepEqual((old['memory_stats'] as Json)['stats'], { cache: 2, total_cache: 2 });
  assert.deepEqual(old['pids_stats'], { current: 2, limit: 10 });
  assert.notEqual((old['blkio_stats'] as Json)['io_serviced_recursive'], null);
});

void test('a stopped one has its name, and nothing else', () => {
  const view = statsView(owner, undefined, undefined, GIB);
  assert.deepEqual([view['name'], view['id'], view['os_type']], ['/box', owner.id, 'linux']);
  assert.deepEqual([view['read'], view['preread']], ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z']);
  assert.deepEqual([view['memory_stats'], view['pids_stats'], view['storage_stats']], [{}, {}, {}]);
});

void test('who watches one container gets the same samples; nobody looks when nobody watches', async () => {
  const samplers = new Samplers();
  let looks = 0;
  const look = async () => {
    looks += 1;
    return Promise.resolve(sample(2));
  };
  const gone = new AbortController();
  const one = samplers.watch('x', look, gone.signal);
  const other = samplers.watch('x', look, new AbortController().signal);
  const [first, second] = await Promise.all([one.next(), other.next()]);
  assert.equal(looks, 1);
  assert.equal(first.value, second.value);
  assert.equal(samplers.size, 1);
  const last = one.next();
  gone.abort();
  assert.equal((await last).done, true);
  assert.equal(samplers.size, 1);
  const ended = other.next();
  samplers.forget('x');
  assert.equal((await ended).done, true);
  assert.equal(samplers.size, 0);
  assert.equal((await samplers.watch('y', look, AbortSignal.abort()).next()).done, true);
  assert.equal(samplers.size, 0);
});

void test('a look that fails counts as one at a container that does not run', async () => {
  const samplers = new Samplers();
  const watching = samplers.watch('x', async () => Promise.reject(new Error('no')), new AbortController().signal);
  assert.deepEqual(await watching.next(), { done: false, value: undefined });
  await watching.return(undefined);
  assert.equal(samplers.size, 0);
});
