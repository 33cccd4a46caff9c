import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { PortBinding } from '../network/records.ts';
import { PortAllocator } from './allocator.ts';
import { familyOf, overlap } from './spec.ts';
import type { WantedPort } from './wanted.ts';

const web = { id: 'w', name: 'web' };
const other = { id: 'o', name: 'other' };
const want = (first: number, last: number, ...addresses: string[]): WantedPort => ({
  networkId: 'n',
  protocol: 'tcp',
  port: 80,
  first,
  last,
  routed: false,
  places: addresses.map((hostAddress) => ({ hostAddress, address: '172.17.0.2', implied: false })),
});
const ports = (bindings: readonly PortBinding[]): number[] => bindings.map(({ hostPort }) => hostPort);

void describe('the allocator of host ports', () => {
  void test("a port that is another's is refused in Docker's words, with the holder's name", () => {
    const allocator = new PortAllocator();
    allocator.allocate(web, [want(8080, 8080, '0.0.0.0', '::')]);
    for (const [address, holder] of [
      ['0.0.0.0', '0.0.0.0'],
      ['127.0.0.1', '0.0.0.0'],
      ['::', '::'],
      ['::1', '::'],
    ] as const) {
      assert.throws(() => allocator.allocate(other, [want(8080, 8080, address)]), {
        kind: 'Conflict',
        message: `Bind for ${holder}:8080 failed: port is already allocated (held by container "web")`,
      });
    }
    allocator.rename('w', 'www');
    assert.throws(() => allocator.take(other, [{ protocol: 'tcp', hostAddress: '::1', hostPort: 8080 }]), /"www"/);
    assert.deepEqual(ports(allocator.allocate(other, [{ ...want(8080, 8080, '0.0.0.0'), protocol: 'udp' }])), [8080]);
  });

  void test('a specific address excludes the wildcard of its family and itself, nothing else', () => {
    const allocator = new PortAllocator();
    allocator.allocate(web, [want(80, 80, '127.0.0.1')]);
    allocator.allocate(other, [want(80, 80, '127.0.0.2', '::')]);
    assert.throws(() => allocator.allocate(other, [want(80, 80, '0.0.0.0')]), /Bind for 127\.0\.0\.1:80 failed/);
    assert.throws(() => allocator.allocate(other, [want(80, 80, '127.0.0.1')]), /Bind for 127\.0\.0\.1:80 failed/);
    allocator.release('w');
    allocator.release('o', [{ protocol: 'tcp', hostAddress: '127.0.0.2', hostPort: 80 }]);
    allocator.allocate(web, [want(80, 80, '0.0.0.0')]);
  });

  void test('all or nothing', () => {
    const allocator = new PortAllocator();
    allocator.allocate(web, [want(81, 81, '0.0.0.0')]);
    assert.throws(() => allocator.allocate(other, [want(80, 80, '0.0.0.0'), want(81, 81, '0.0.0.0')]), /:81 failed/);
    allocator.allocate(web, [want(80, 80, '0.0.0.0')]);
  });

  void test('of a range the first that is free at all places', () => {
    const allocator = new PortAllocator();
    allocator.allocate(web, [want(8000, 8000, '0.0.0.0'), want(8001, 8001, '::')]);
    const range = want(8000, 8003, '0.0.0.0', '::');
    assert.deepEqual(ports(allocator.allocate(other, [range])), [8002, 8002]);
    assert.deepEqual(ports(allocator.allocate(other, [want(8000, 8003, '::')])), [8000]);
    assert.throws(() => allocator.allocate(other, [range], new Set(['tcp/8003'])), {
      kind: 'Conflict',
      message: 'all ports are allocated: 8000-8003/tcp on 0.0.0.0',
    });
  });

  void test('random ports go on where the last one was, and around', () => {
    const allocator = new PortAllocator({ first: 50_000, last: 50_002 });
    const next = (): number[] => ports(allocator.allocate(web, [want(0, 0, '0.0.0.0', '::')]));
    assert.deepEqual(next(), [50_000, 50_000]);
    allocator.release('w');
    assert.deepEqual(
      [next(), next(), next()].map(([port]) => port),
      [50_001, 50_002, 50_000],
    );
    assert.throws(next, { kind: 'Conflict', message: 'all ports are allocated' });
    allocator.release('w');
    assert.deepEqual(ports(allocator.allocate(web, [want(0, 0, '::')], new Set(['tcp/50001']))), [50_002]);
  });

  void test('routed ports take nothing', () => {
    const allocator = new PortAllocator();
    const routed = { ...want(0, 0, '0.0.0.0'), routed: true };
    assert.deepEqual(ports([...allocator.allocate(web, [routed]), ...allocator.allocate(web, [routed])]), [0, 0]);
  });

  void test('take() is idempotent for the owner', () => {
    const allocator = new PortAllocator();
    const held = allocator.allocate(web, [want(80, 80, '0.0.0.0', '::')]);
    allocator.take(web, held);
    allocator.release('w');
    allocator.take(other, held);
    assert.throws(() => allocator.allocate(web, [want(80, 80, '::1')]), /"other"/);
  });

  void test('whatever happens, no two ports overlap, and everything comes back', () => {
    const address = fc.constantFrom('0.0.0.0', '127.0.0.1', '127.0.0.2', '::', '::1', 'fd00::1');
    const places = fc
      .uniqueArray(address, { minLength: 1, maxLength: 3 })
      .filter((list) => list.every((a, i) => list.slice(i + 1).every((b) => !overlap(a, b))));
    const range = fc.constantFrom([0, 0], [8000, 8000], [8001, 8001], [8000, 8003]);
    const protocol = fc.constantFrom('tcp' as const, 'udp' as const);
    const wanted = fc.tuple(range, places, protocol).map(([[first = 0, last = 0], list, kind]) => ({
      ...want(first, last, ...list),
      protocol: kind,
    }));
    const step = fc.record({
      owner: fc.constantFrom('a', 'b', 'c'),
      wanted: fc.array(wanted, { maxLength: 4 }),
      release: fc.boolean(),
      some: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const allocator = new PortAllocator({ first: 50_000, last: 50_005 });
        let model: (PortBinding & { owner: string })[] = [];
        const clash = (a: PortBinding, b: PortBinding): boolean =>
          a.protocol === b.protocol && a.hostPort === b.hostPort && overlap(a.hostAddress, b.hostAddress);
        for (const { owner, wanted: list, release, some } of steps) {
          if (release) {
            const mine = model.filter((one) => one.owner === owner);
            const gone = some ? mine.slice(0, 1) : mine;
            allocator.release(owner, some ? gone : undefined);
            model = model.filter((one) => !gone.includes(one));
            continue;
          }
          let got: PortBinding[];
          try {
            got = allocator.allocate({ id: owner, name: owner }, list);
          } catch {
            continue;
          }
          assert.equal(got.length, list.flatMap((one) => one.places).length);
          for (const one of got) {
            assert.ok(!model.some((held) => clash(held, one)), `${one.hostAddress}:${one.hostPort} is double-booked`);
            model.push({ ...one, owner });
          }
        }
        for (const { owner, ...port } of model) {
          const family = familyOf(port.hostAddress) === 4 ? '0.0.0.0' : '::';
          assert.throws(
            () => allocator.take({ id: 'x', name: 'x' }, [{ ...port, hostAddress: family }]),
            new RegExp(`"${owner}"|"[abc]"`),
          );
        }
        for (const owner of ['a', 'b', 'c']) allocator.release(owner);
        const all = [8000, 8001, 8002, 8003, 50_000, 50_001, 50_002, 50_003, 50_004, 50_005];
        for (const port of all) allocator.allocate(web, [want(port, port, '0.0.0.0', '::')]);
      }),
    );
  });
});
