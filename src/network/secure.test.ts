import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ClusterHost, Underlay } from './cluster.ts';
import { innerAddress, isEncrypted, needWireguard, planSecure, secureDevice, underlayConfig } from './secure.ts';

/** Base64 of 32 bytes: n, and zeros. */
const key = (...bytes: number[]): string =>
  Buffer.from([...bytes, ...Buffer.alloc(32)])
    .subarray(0, 32)
    .toString('base64');
const host = (name: string, n: number, more: Partial<ClusterHost> = {}): ClusterHost => ({
  name,
  address: `192.0.2.${n}`,
  secure: { publicKey: key(0, 0, 0, 0, 0, 0, 0, n), port: 51820 },
  ...more,
});
const underlay: Underlay = {
  address: '192.0.2.1',
  port: 4789,
  mtu: 1500,
  secure: { publicKey: key(1, 2, 3, 4, 5, 6, 7, 8, 9), port: 51821 },
};
const planned = (hosts: readonly ClusterHost[], more: Partial<Underlay> = {}) =>
  planSecure({ underlay: { ...underlay, ...more }, execRoot: '/run/berth' }, hosts);

void describe('a host’s inner address', () => {
  void test('is made of its key', () => {
    assert.equal(innerAddress(key(1, 2, 3, 4, 5, 6, 7, 8, 9)), 'fe80::102:304:506:708');
    assert.equal(innerAddress(key(0xff)), 'fe80::ff00:0:0:0');
  });

  void test('of what is no key there is none', () => {
    const [good, short] = [key(1), Buffer.alloc(31, 1).toString('base64')];
    for (const text of [
      '',
      'AAAA',
      short,
      `${good}=`,
      good.replace('=', ''),
      `${good.slice(0, -2)}B=`,
      `\n${good}`,
      `${good}\n`,
    ]) {
      assert.equal(innerAddress(text), undefined, JSON.stringify(text));
    }
    assert.equal(innerAddress(key(0)), undefined, 'the key that means none');
    assert.equal(innerAddress(key(0, 0, 0, 0, 0, 0, 0, 0, 7)), undefined, 'fe80:: is every router’s');
  });

  void test('lies in fe80::/64, whatever the key, and nothing else is taken for one', () => {
    const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((data) => Buffer.from(data).toString('base64'));
    fc.assert(fc.property(keys, (text) => assert.match(innerAddress(text) ?? 'fe80::1', /^fe80::|^fe80(:0){3}/)));
    fc.assert(fc.property(fc.string(), (text) => assert.equal(innerAddress(text), undefined)));
  });
});

void describe('the device', () => {
  void test('is the daemon’s own', () => {
    assert.deepEqual(secureDevice('/run/berth'), { name: 'wg-berth', owner: 'berth:wireguard' });
    const { name, owner } = secureDevice('/tmp/other/run');
    assert.match(name, /^wg-[0-9a-f]{8}$/);
    assert.equal(owner, `berth-${name.slice(3)}:wireguard`);
  });

  void test('leads to the hosts, once to each', () => {
    const plan = planned([host('c', 3), host('b', 2), host('c', 3)]);
    assert.deepEqual(plan, {
      name: 'wg-berth',
      owner: 'berth:wireguard',
      address: 'fe80::102:304:506:708',
      port: 51821,
      mtu: 1440,
      peers: [2, 3].map((n) => ({
        publicKey: key(0, 0, 0, 0, 0, 0, 0, n),
        address: `fe80::${n}`,
        host: `192.0.2.${n}`,
        port: 51820,
      })),
    });
  });

  void test('carries what the underlay leaves, and never so little that the kernel takes IPv6 from it', () => {
    const mtus = (address: string, mtu: number): unknown[] => [
      planned([], { address, mtu })?.mtu,
      underlayConfig({ ...underlay, address, mtu }, '/run/berth').secure?.mtu,
    ];
    assert.deepEqual(mtus('192.0.2.1', 9000), [8940, 8940]);
    assert.deepEqual(mtus('2001:db8::1', 1500), [1420, 1420]);
    assert.deepEqual(mtus('192.0.2.1', 1300), [1280, 1240]);
  });

  void test('leads to none that has no key, this host’s, or another’s', () => {
    const { secure: _, ...without } = host('b', 2);
    const wrong = host('c', 3, { secure: { publicKey: 'x', port: 1 } });
    const mirror = host('d', 4, { secure: { publicKey: key(1, 2, 3, 4, 5, 6, 7, 8, 10), port: 1 } });
    const thief = host('z', 9, { secure: { publicKey: key(0, 0, 0, 0, 0, 0, 0, 5, 1), port: 1 } });
    for (const hosts of [
      [without, wrong, mirror, thief, host('e', 5)],
      [host('e', 5), thief, mirror, wrong, without],
    ]) {
      assert.deepEqual(
        planned(hosts)?.peers.map((peer) => peer.host),
        ['192.0.2.5'],
      );
    }
  });

  void test('is none without a key', () => {
    const { secure: _, ...plain } = underlay;
    const context = { execRoot: '/run/berth' };
    assert.equal(planSecure({ underlay: plain, ...context }, [host('b', 2)]), undefined);
    assert.deepEqual(underlayConfig(plain, '/run/berth'), plain);
    for (const one of [undefined, plain, { ...underlay, secure: { publicKey: '', port: 1 } }]) {
      assert.throws(() => needWireguard(one, 'create an encrypted network'), {
        kind: 'Unavailable',
        message: 'cannot create an encrypted network: the kernel has no WireGuard (CONFIG_WIREGUARD)',
      });
    }
    needWireguard(underlay, '');
  });

  void test('no two of its peers have one address, whoever says what', () => {
    const hosts = fc.array(
      fc.record({
        name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        address: fc.ipV4(),
        secure: fc.option(
          fc.record({
            publicKey: fc.oneof(
              fc.string(),
              fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 })).map(([a, b]) => key(0, a, 0, 0, 0, 0, 0, 0, b)),
            ),
            port: fc.nat(),
          }),
          { nil: undefined },
        ),
      }),
    );
    fc.assert(
      fc.property(hosts, (list) => {
        const all = list.map(({ secure, ...one }) => ({ ...one, ...(secure && { secure }) }));
        const addresses = (planned(all)?.peers ?? []).map(({ address }) => address);
        assert.equal(new Set(addresses).size, addresses.length);
        assert.ok(addresses.every((address) => address.startsWith('fe80:')));
      }),
    );
  });
});

void test('only overlay networks are encrypted', () => {
  const options = { encrypted: '' };
  assert.ok(isEncrypted({ driver: 'overlay', options }));
  assert.ok(!isEncrypted({ driver: 'bridge', options }));
  assert.ok(!isEncrypted({ driver: 'overlay', options: { encrypted: 'false' } }));
});
