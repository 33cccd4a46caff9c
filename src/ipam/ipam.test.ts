import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addressBytes,
  addressFromBytes,
  contains,
  formatAddress,
  formatPrefix,
  lastOf,
  overlaps,
  parseAddress,
  parsePrefix,
} from './address.ts';
import type { Address, Prefix } from './address.ts';
import { AddressPool } from './pool.ts';
import { MinHeap } from './heap.ts';
import { canCut, chooseSubnet, DEFAULT_POOLS, encloses, holdersOf, poolSources, uniqueLocalPrefix } from './pools.ts';

const address: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt(0n, (1n << 32n) - 1n).map((value): Address => ({ family: 4, value })),
  fc.bigInt(0n, (1n << 128n) - 1n).map((value): Address => ({ family: 6, value })),
  // Zero groups, where IPv6 text is hardest.
  fc
    .array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 })
    .map((parts): Address => ({ family: 6, value: parts.reduce<bigint>((v, p) => (v << 16n) | p, 0n) })),
);
const prefix = (text: string): Prefix => {
  const result = parsePrefix(text);
  assert.ok(result, text);
  return result;
};
const ip = (text: string): Address => {
  const result = parseAddress(text);
  assert.ok(result, text);
  return result;
};

void test('an address survives its text and its bytes', () => {
  fc.assert(
    fc.property(address, (value) => {
      assert.deepEqual(parseAddress(formatAddress(value)), value);
      assert.deepEqual(addressFromBytes(addressBytes(value)), value);
      if (value.family === 6) assert.ok(isIPv6(formatAddress(value)));
    }),
  );
});

void test('what is no address is refused', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.5',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'g::',
    '::1%lo',
  ])
    assert.equal(parseAddress(text), undefined, text);
  for (const text of ['1.2.3.4', '1.2.3.4/33', '::/129', '1.2.3.4/', '/8', '1.2.3.4/8/8'])
    assert.equal(parsePrefix(text), undefined, text);
  fc.assert(fc.property(fc.string(), (text) => void parseAddress(text)));
  assert.equal(formatAddress(ip('2001:DB8:0:0:1:0:0:1')), '2001:db8::1:0:0:1');
  assert.equal(formatAddress(ip('::ffff:1.2.3.4')), '::ffff:102:304');
});

void test('subnets come in the order of dockerd and avoid what is taken', () => {
  const choose = (...taken: string[]): string => {
    const subnet = chooseSubnet(
      DEFAULT_POOLS,
      4,
      taken.map((text) => prefix(text)),
    );
    return subnet ? formatPrefix(subnet) : '';
  };
  assert.equal(choose(), '172.17.0.0/16');
  assert.equal(choose('172.17.3.0/24'), '172.18.0.0/16');
  assert.equal(choose('172.16.0.0/12'), '192.168.0.0/20');
  assert.equal(choose('172.16.0.0/12', '192.168.5.0/24'), '192.168.16.0/20');
  assert.equal(choose('172.16.0.0/12', '192.168.0.0/16'), '');
});

void test('pools: their order, sizes that a request asks for, and IPv6', () => {
  const text = (subnet: Prefix | undefined): string => (subnet ? formatPrefix(subnet) : '');
  assert.equal(uniqueLocalPrefix('0123456789'), 'fd01:2345:6789::/48');
  const sources = poolSources([], '0123456789');
  assert.equal(text(chooseSubnet(sources, 6, [])), 'fd01:2345:6789::/64');
  assert.equal(text(chooseSubnet(sources, 6, [prefix('fd01:2345:6789::/64')])), 'fd01:2345:6789:1::/64');
  assert.equal(text(chooseSubnet(sources, 4, [], 24)), '172.17.0.0/24');
  assert.equal(text(chooseSubnet(sources, 4, [prefix('172.17.0.0/25')], 26)), '172.17.0.128/26');
  assert.deepEqual([canCut(sources, 4, 8), canCut(sources, 6, 32), canCut(sources, 6, 80)], [false, false, true]);
  // Lowest first, and what lies in another pool is part of that one.
  const own = [
    { base: '10.9.0.0/16', size: 24 },
    { base: '10.0.0.0/8', size: 30 },
    { base: 'fd00::/8', size: 64 },
  ];
  assert.equal(text(chooseSubnet(own, 4, [])), '10.0.0.0/30');
  assert.equal(poolSources(own, '0123456789'), own);
  assert.equal(text(chooseSubnet([{ base: 'nonsense', size: 24 }], 4, [])), '');
  const taken = ['172.20.0.0/15', '10.0.0.0/8', '0.0.0.0/1'].map((one) => ({ prefix: prefix(one) }));
  assert.deepEqual(holdersOf(DEFAULT_POOLS, 4, taken), taken.slice(0, 1));
  assert.ok(
    encloses(prefix('10.0.0.0/8'), prefix('10.1.0.0/16')) && !encloses(prefix('10.1.0.0/16'), prefix('10.0.0.0/8')),
  );
});

void test('the chosen subnet is free, and no lower one of its pool is', () => {
  const block = fc
    .tuple(fc.nat(0xffff), fc.integer({ min: 14, max: 30 }))
    .map(([low, length]) => prefix(`10.${low >> 8}.${low & 0xff}.0/${length}`));
  fc.assert(
    fc.property(fc.array(block, { maxLength: 40 }), fc.integer({ min: 16, max: 28 }), (taken, size) => {
      const sources = [{ base: '10.0.0.0/13', size }];
      const chosen = chooseSubnet(sources, 4, taken);
      const free = (subnet: Prefix): boolean => !taken.some((one) => overlaps(one, subnet));
      const step = 1n << BigInt(32 - size);
      const end = chosen ? chosen.base : lastOf(prefix('10.0.0.0/13')) + 1n;
      if (chosen) assert.ok(free(chosen) && chosen.length === size);
      let checked = 0;
      for (let base = prefix('10.0.0.0/13').base; base < end && checked < 500; base += step, checked++) {
        assert.ok(!free({ family: 4, base, length: size }));
      }
    }),
    { numRuns: 100 },
  );
});

void test('a thousand networks out of 10.0.0.0/8 take no time to choose', () => {
  const taken: Prefix[] = [];
  const started = performance.now();
  for (let number = 0; number < 1000; number++) {
    const subnet = chooseSubnet([{ base: '10.0.0.0/8', size: 24 }], 4, taken);
    assert.ok(subnet);
    taken.push(subnet);
  }
  assert.equal(new Set(taken.map(formatPrefix)).size, 1000);
  // A quarter of a second here; a search through pairs would take minutes.
  assert.ok(performance.now() - started < 5000);
});

void test('a heap gives its numbers back in order, each once', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.bigInt({ min: 0n, max: 50n }), { nil: undefined })), (steps) => {
      const heap = new MinHeap();
      const model = new Set<bigint>();
      const lowest = (): bigint | undefined => [...model].toSorted((a, b) => (a < b ? -1 : 1))[0];
      for (const step of steps) {
        if (step === undefined) {
          const expected = lowest();
          assert.equal(heap.pop(), expected);
          if (expected !== undefined) model.delete(expected);
        } else {
          heap.push(step);
          model.add(step);
        }
      }
    }),
  );
});

void test('the lowest free address comes first; a range and reserved addresses are kept', () => {
  const pool = new AddressPool(prefix('172.17.0.0/16'), prefix('172.17.0.0/29'), [ip('172.17.0.1')]);
  const next = (): string | undefined => {
    const given = pool.allocate();
    return given && formatAddress(given);
  };
  assert.deepEqual([next(), next(), next()], ['172.17.0.2', '172.17.0.3', '172.17.0.4']);
  pool.release(ip('172.17.0.3'));
  assert.equal(next(), '172.17.0.3');
  assert.deepEqual([next(), next(), next(), next()], ['172.17.0.5', '172.17.0.6', '172.17.0.7', undefined]);
  assert.equal(pool.take(ip('172.17.9.9')), true);
  assert.equal(pool.take(ip('172.17.9.9')), false);
  assert.equal(pool.take(ip('10.0.0.1')), false);
  assert.deepEqual([pool.has(ip('172.17.9.9')), pool.has(ip('172.17.9.8')), pool.has(ip('::1'))], [true, false, false]);
  assert.throws(() => pool.release(ip('172.17.8.8')), /is not taken/);
});

void test('no address is given twice, none outside the range, and all come back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 22, max: 32 }),
      fc.array(fc.oneof(fc.constant('allocate' as const), fc.nat(), fc.record({ take: fc.nat(2000) })), {
        maxLength: 200,
      }),
      (length, steps) => {
        const subnet = { ...prefix('10.1.0.0/16'), length };
        const pool = new AddressPool(subnet);
        const before = pool.usage();
        const held = new Map<bigint, Address>();
        for (const step of steps) {
          if (step === 'allocate') {
            const given = pool.allocate();
            if (!given) assert.equal(pool.usage().free, 0n);
            else {
              assert.ok(!held.has(given.value) && contains(subnet, given));
              for (let lower = given.value - 1n; lower >= subnet.base && given.value - lower < 50n; lower--) {
                assert.ok(pool.has({ family: 4, value: lower }), 'a lower one was free');
              }
              held.set(given.value, given);
            }
          } else if (typeof step === 'number') {
            const chosen = [...held.values()][step % Math.max(held.size, 1)];
            if (chosen) {
              pool.release(chosen);
              held.delete(chosen.value);
            }
          } else {
            const wanted: Address = { family: 4, value: subnet.base + BigInt(step.take) };
            if (pool.take(wanted)) {
              assert.ok(!held.has(wanted.value));
              held.set(wanted.value, wanted);
            }
          }
        }
        for (const one of held.values()) pool.release(one);
        assert.deepEqual(pool.usage(), before);
        let count = 0n;
        while (pool.allocate()) count++;
        assert.equal(count, before.free);
      },
    ),
    { numRuns: 60 },
  );
});

void test('two prefixes overlap exactly when one contains an end of the other', () => {
  const any = fc.tuple(fc.bigInt(0n, (1n << 32n) - 1n), fc.integer({ min: 0, max: 32 })).map(([value, length]) => {
    const host = BigInt(32 - length);
    return { family: 4 as const, base: (value >> host) << host, length };
  });
  fc.assert(
    fc.property(any, any, (a, b) => {
      const inside = contains(a, { family: 4, value: b.base }) || contains(b, { family: 4, value: a.base });
      assert.equal(overlaps(a, b), inside);
      assert.ok(lastOf(a) >= a.base);
    }),
  );
});
