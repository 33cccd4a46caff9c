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
import { chooseSubnet, DEFAULT_POOLS, uniqueLocalSubnet } from './pools.ts';

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
  assert.equal(uniqueLocalSubnet('0123456789'), 'fd01:2345:6789::/64');
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
