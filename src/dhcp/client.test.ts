import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FakeLan, ipv4, OTHER_MAC, SERVER, u32 } from './fake-lan.ts';
import { OPTION } from './options.ts';

/** One that has its lease of an hour. */
function bound(options: [number, Buffer][] = []): FakeLan {
  const lan = new FakeLan();
  lan.serve('192.0.2.100', options);
  lan.client.start();
  lan.clock.advance(0.2);
  assert.equal(lan.lease?.address, '192.0.2.100/24');
  lan.since();
  return lan;
}

void describe('the first lease', () => {
  void test('asked for, confirmed, probed, announced; nothing is listened to afterwards', () => {
    const lan = new FakeLan();
    lan.serve('192.0.2.100');
    lan.client.start();
    lan.clock.advance(0.2);
    assert.deepEqual(lan.since(), [
      'discover',
      'request 192.0.2.100',
      'probe 192.0.2.100',
      'probe 192.0.2.100',
      'announce 192.0.2.100',
      'bound 192.0.2.100/24',
    ]);
    assert.deepEqual(lan.hears, { dhcp: false, arp: false });
    const [asked] = lan.messages;
    assert.equal(asked?.options.get(OPTION.hostName)?.toString(), 'web');
    assert.equal(asked?.options.get(OPTION.clientId)?.toString('hex'), lan.wish.clientId);
    assert.equal(asked?.chaddr, lan.wish.mac);
    assert.equal(lan.client.lease?.serverMac, SERVER.mac);
  });

  void test('nobody answers: asked again after 1, 2, 4 s, and given up at the stated time', () => {
    const lan = new FakeLan();
    lan.client.start();
    lan.clock.advance(9.9);
    assert.deepEqual(lan.since(), ['discover', 'discover', 'discover', 'discover']);
    lan.clock.advance(0.2);
    assert.deepEqual(lan.since(), ['failed: no DHCP server answered within 10 s']);
    assert.equal(lan.clock.pending, 0);
    assert.deepEqual(lan.hears, { dhcp: false, arp: false });
  });

  void test('an address that is in use is declined, and another asked for at once, the next time later', () => {
    const lan = new FakeLan();
    lan.serve('192.0.2.100');
    lan.neighbours.set('192.0.2.100', OTHER_MAC);
    lan.client.start();
    assert.deepEqual(lan.since().slice(0, 5), [
      'discover',
      'request 192.0.2.100',
      'probe 192.0.2.100',
      'decline 192.0.2.100',
      'discover',
    ]);
    lan.clock.advance(12);
    assert.match(
      lan.since().at(-1) ?? '',
      /^failed: 192\.0\.2\.100, which the DHCP server 192\.0\.2\.1 offers, is in use by 02:00:00:00:00:99$/,
    );
    assert.equal(lan.lease, undefined);
  });

  void test('the address that was asked for, or none', () => {
    const good = new FakeLan({ address: '192.0.2.50' });
    good.serve('192.0.2.50');
    good.client.start();
    good.clock.advance(0.2);
    assert.deepEqual(good.since().slice(0, 2), ['discover 192.0.2.50', 'request 192.0.2.50']);
    assert.equal(good.lease?.address, '192.0.2.50/24');

    const bad = new FakeLan({ address: '192.0.2.50' });
    bad.serve('192.0.2.100');
    bad.client.start();
    bad.clock.advance(2);
    assert.deepEqual(bad.since(), [
      'discover 192.0.2.50',
      'failed: the DHCP server 192.0.2.1 does not give 192.0.2.50: it offers 192.0.2.100',
    ]);
  });

  void test('a server that offers and then refuses is not asked in a loop', () => {
    const lan = new FakeLan();
    lan.answer = (type, message) =>
      type === 'discover' ? lan.reply(message, 'offer', '192.0.2.100') : lan.reply(message, 'nak', '0.0.0.0');
    lan.client.start();
    lan.clock.advance(20);
    const said = lan.since();
    assert.ok(said.length < 12, said.join());
    assert.match(said.at(-1) ?? '', /^failed: .*offered 192\.0\.2\.100 and then refused it/);
  });

  void test('what another server confirms or refuses is none of its business', () => {
    const lan = new FakeLan();
    const other: [number, Buffer] = [OPTION.server, ipv4('192.0.2.2')];
    let answers = 0;
    lan.answer = (type, message) => {
      if (type === 'discover') return lan.reply(message, 'offer', '192.0.2.100');
      return lan.reply(message, answers++ === 0 ? 'nak' : 'ack', '192.0.2.100', [other]);
    };
    lan.client.start();
    lan.clock.advance(3);
    assert.deepEqual(lan.since(), ['discover', 'request 192.0.2.100', 'request 192.0.2.100', 'request 192.0.2.100']);
  });

  void test('an offer that nobody confirms', () => {
    const lan = new FakeLan();
    lan.answer = (type, message) => (type === 'discover' ? lan.reply(message, 'offer', '192.0.2.100') : undefined);
    lan.client.start();
    lan.clock.advance(20);
    assert.match(lan.since().at(-1) ?? '', /did not confirm it/);
  });
});

void describe('a lease goes on', () => {
  void test('renewed from half of its time on, of the server that gave it', () => {
    const lan = bound();
    lan.clock.advance(1760);
    assert.deepEqual(lan.since(), []);
    lan.clock.advance(50);
    assert.deepEqual(lan.since(), ['request from 192.0.2.100 → 192.0.2.1 02:00:00:00:00:01', 'bound 192.0.2.100/24']);
    const renewal = lan.messages.at(-1);
    assert.equal(renewal?.ciaddr, '192.0.2.100');
    assert.ok(!renewal.options.has(OPTION.requestedAddress) && !renewal.options.has(OPTION.server));
    assert.equal(renewal.options.get(OPTION.hostName)?.toString(), 'web');
    lan.clock.advance(3600 * 24 * 30);
    assert.ok(lan.lease);
  });

  void test('the server is away: asked again and again, then any server, then lost and looked for without end', () => {
    const lan = bound();
    lan.answer = () => undefined;
    lan.clock.advance(3599);
    const said = lan.since();
    assert.ok(said.filter((line) => line.endsWith(SERVER.mac)).length > 2, said.join());
    assert.ok(said.filter((line) => line === 'request from 192.0.2.100').length > 1, said.join());
    assert.ok(lan.client.lease);
    lan.clock.advance(2);
    assert.deepEqual(
      new Set(lan.since()),
      new Set(['discover', 'lost 192.0.2.100/24: no DHCP server renewed it in its time']),
    );
    lan.clock.advance(3600);
    const asked = lan.since();
    assert.ok(asked.length > 40 && asked.length < 90, `${asked.length} questions in an hour`);
    lan.serve('192.0.2.101');
    lan.clock.advance(100);
    assert.equal(lan.lease?.address, '192.0.2.101/24');
  });

  void test('another server renews it', () => {
    const lan = bound();
    lan.answer = (_, message) =>
      message.ciaddr === '192.0.2.100' && lan.said.at(-1) === 'request from 192.0.2.100'
        ? lan.reply(message, 'ack', '192.0.2.100', [[OPTION.server, ipv4('192.0.2.2')]])
        : undefined;
    lan.clock.advance(3300);
    assert.equal(lan.lease?.server, '192.0.2.2');
  });

  void test('refused: given up at once, and another address taken', () => {
    const lan = bound();
    lan.serve('192.0.2.101');
    lan.clock.advance(1801);
    lan.clock.advance(1);
    assert.deepEqual(lan.told, ['lost 192.0.2.100/24: the DHCP server refused to renew it', 'bound 192.0.2.101/24']);
  });

  void test('a renewal with another address is taken when nobody has it', () => {
    const lan = bound();
    lan.answer = (_, message) => lan.reply(message, 'ack', '192.0.2.102');
    lan.clock.advance(1802);
    assert.deepEqual(lan.since().slice(-2), ['announce 192.0.2.102', 'bound 192.0.2.102/24']);
  });

  void test('the host slept beyond the end: lost when it wakes', () => {
    const lan = bound();
    lan.answer = () => undefined;
    lan.clock.sleep(4000);
    lan.clock.advance(600);
    assert.match(lan.told[0] ?? '', /^lost/);
  });

  void test('a lease without end is not renewed', () => {
    const lan = bound([[OPTION.leaseTime, u32(0xffff_ffff)]]);
    lan.clock.advance(1e9);
    assert.deepEqual(lan.since(), []);
  });

  void test('given back: one word to the server, and silence', () => {
    const lan = bound();
    lan.client.release();
    assert.deepEqual(lan.since(), ['release from 192.0.2.100 → 192.0.2.1 02:00:00:00:00:01']);
    assert.equal(lan.clock.pending, 0);
    lan.client.release();
    assert.deepEqual(lan.since(), []);
  });

  void test('given back while it is probed', () => {
    const lan = new FakeLan();
    lan.serve('192.0.2.100');
    lan.client.start();
    lan.client.release();
    assert.equal(lan.since().at(-1), 'release from 192.0.2.100 → 192.0.2.1 02:00:00:00:00:01');
  });
});

void describe('a predecessor’s lease', () => {
  const predecessor = bound().lease;
  assert.ok(predecessor);
  void test('goes on where it was', () => {
    const lan = new FakeLan();
    lan.serve('192.0.2.100');
    lan.clock.advance(1000);
    lan.client.resume(predecessor);
    assert.deepEqual(lan.since(), []);
    lan.clock.advance(900);
    assert.equal(lan.since().at(-1), 'bound 192.0.2.100/24');
  });

  void test('is renewed at once when its time has come, asked of any server when that has, lost when it ended', () => {
    const after = (seconds: number): string[] => {
      const lan = new FakeLan();
      lan.clock.advance(seconds);
      lan.client.resume(predecessor);
      lan.clock.advance(0);
      return lan.since();
    };
    assert.match(after(2000).join(), /^request from 192\.0\.2\.100 → 192\.0\.2\.1 /);
    assert.deepEqual(after(3300), ['request from 192.0.2.100']);
    assert.deepEqual(after(5000), ['discover', 'lost 192.0.2.100/24: its time ended while nobody renewed it']);
  });
});

void describe('what a hostile LAN says', () => {
  void test('replies that are not for it count for nothing', () => {
    const lan = new FakeLan();
    const wrong: ((message: Parameters<FakeLan['answer']>[1]) => object)[] = [
      ({ xid }) => ({ xid: (xid + 1) % 2 ** 32 }),
      () => ({ chaddr: OTHER_MAC }),
      () => ({ op: 'request' }),
      ({ options }) => ({ options: new Map([...options, [OPTION.clientId, Buffer.of(1, 2)]]) }),
    ];
    for (const change of wrong) {
      lan.answer = (_, message) => {
        const reply = lan.reply(message, 'offer', '192.0.2.66');
        return { ...reply, ...change(reply) };
      };
      lan.client.start();
      lan.clock.advance(0.5);
      assert.deepEqual(new Set(lan.since()), new Set(['discover']));
    }
  });

  void test('addresses, masks, gateways and names that would do harm are not taken', () => {
    const offered = (yiaddr: string, options: [number, Buffer][] = []): FakeLan['lease'] => {
      const lan = new FakeLan();
      lan.serve(yiaddr, options);
      lan.client.start();
      lan.clock.advance(0.5);
      return lan.lease;
    };
    for (const address of ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '192.0.2.255', '192.0.2.0']) {
      assert.equal(offered(address), undefined, address);
    }
    for (const mask of ['255.0.255.0', '0.0.0.0', '0.0.0.255', '128.0.0.0', '254.0.0.0']) {
      assert.equal(offered('192.0.2.9', [[OPTION.subnetMask, ipv4(mask)]]), undefined, mask);
    }
    assert.equal(offered('192.0.2.9', [[OPTION.subnetMask, ipv4('255.255.255.255')]])?.address, '192.0.2.9/32');
    assert.equal(offered('192.0.2.9', [[OPTION.router, ipv4('10.0.0.1')]])?.gateway, '');
    assert.equal(
      offered('192.0.2.9', [[OPTION.router, Buffer.concat([ipv4('192.0.2.9'), ipv4('192.0.2.8')])]])?.gateway,
      '192.0.2.8',
    );
    assert.equal(offered('192.0.2.9', [[OPTION.leaseTime, u32(0)]]), undefined);
    assert.equal(offered('192.0.2.9', [[OPTION.leaseTime, u32(1)]])?.duration, 10);
    assert.equal(offered('192.0.2.9', [[OPTION.domainName, Buffer.from('a\nnameserver 6.6.6.6')]])?.domain, '');
    assert.equal(offered('192.0.2.9', [[OPTION.domainName, Buffer.from('lan.example\0')]])?.domain, 'lan.example');
    assert.equal(offered('192.0.2.9', [[OPTION.mtu, Buffer.of(0, 68)]])?.mtu, 0);
    assert.deepEqual(
      offered('192.0.2.9', [[OPTION.nameServers, Buffer.concat([ipv4('127.0.0.1'), ipv4('192.0.2.53')])]])?.nameservers,
      ['192.0.2.53'],
    );
    const times = offered('192.0.2.9', [
      [OPTION.renewalTime, u32(4000)],
      [OPTION.rebindingTime, u32(3)],
    ]);
    assert.deepEqual([times?.renewAfter, times?.rebindAfter], [3, 3], 'T1 not after T2');
  });

  void test('whatever is answered to whatever is said, there is one timer at most, and an end releases all', () => {
    const action = fc.record({
      type: fc.constantFrom('offer', 'ack', 'nak', 'discover', 'release' as const),
      yiaddr: fc.constantFrom('192.0.2.100', '192.0.2.101', '0.0.0.0', '192.0.2.255'),
      lease: fc.constantFrom(0, 1, 60, 3600, 0xffff_ffff),
      wait: fc.double({ min: 0, max: 5000, noNaN: true }),
      answered: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        const lan = new FakeLan();
        lan.client.start();
        for (const { type, yiaddr, lease, wait, answered } of actions) {
          lan.answer = (_, message) =>
            answered ? lan.reply(message, type, yiaddr, [[OPTION.leaseTime, u32(lease)]]) : undefined;
          lan.clock.advance(Math.min(wait, 300));
          assert.ok(lan.clock.pending <= 1);
          assert.equal(lan.lease?.address, lan.client.lease?.address);
        }
        lan.client.end();
        assert.equal(lan.clock.pending, 0);
        assert.deepEqual(lan.hears, { dhcp: false, arp: false });
      }),
      { numRuns: 50 },
    );
  });
});
