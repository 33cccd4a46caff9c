import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PeerPlan } from '../drivers/plan.ts';
import { parseAddress } from '../ipam/address.ts';
import type { Address } from '../ipam/address.ts';
import { peerOf, PeerTable } from './peer-table.ts';
import type { Peer } from './peer-table.ts';

const here = (text: string): Address => {
  const address = parseAddress(text);
  assert.ok(address);
  return address;
};
const plan: PeerPlan = { mac: '02:42:0A:05:00:0b', addresses: ['10.5.0.11', 'fd05::b'], host: '192.0.2.2' };

void test('a peer as the kernel speaks of it, with the link-local address that Linux gives it', () => {
  assert.deepEqual(peerOf(plan, here('192.0.2.1')), {
    mac: '02420a05000b',
    host: 'c0000202',
    addresses: ['0a05000b', 'fd05000000000000000000000000000b', 'fe8000000000000000420afffe05000b'],
  });
  assert.deepEqual(peerOf({ ...plan, addresses: ['10.5.0.11'] }, here('192.0.2.1'))?.addresses, ['0a05000b']);
  assert.equal(peerOf({ ...plan, host: '2001:db8::2' }, here('2001:db8::1'))?.host, '20010db8000000000000000000000002');
});

void test('who cannot be sent to is left out', () => {
  const refused: Partial<PeerPlan>[] = [
    { host: '192.0.2.1' },
    { host: '2001:db8::2' },
    { host: '0.0.0.0' },
    { host: '224.0.0.1' },
    { host: '255.255.255.255' },
    { host: 'elsewhere' },
    { host: '' },
    { mac: '' },
    { mac: '00:00:00:00:00:00' },
    { mac: 'ff:ff:ff:ff:ff:ff' },
    { mac: '01:00:5e:00:00:01' },
    { mac: '02:42:0a:05:00' },
    { mac: '02:42:0a:05:00:0b:0c' },
    { mac: 'x2:42:0a:05:00:0b' },
  ];
  for (const part of refused)
    assert.equal(peerOf({ ...plan, ...part }, here('192.0.2.1')), undefined, JSON.stringify(part));
  for (const host of ['::', 'ff02::1', '2001:db8::1']) {
    assert.equal(peerOf({ ...plan, host }, here('2001:db8::1')), undefined, host);
  }
  assert.deepEqual(peerOf({ ...plan, addresses: ['nonsense', '10.5.0.11/16'] }, here('192.0.2.1'))?.addresses, []);
  const text = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom('02:42:0a:05:00:0b', '2:4'));
  fc.assert(
    fc.property(text, fc.array(text), text, (mac, addresses, host) => {
      const peer = peerOf({ mac, addresses, host }, here('192.0.2.1'));
      if (!peer) return;
      assert.match(peer.mac, /^[0-9a-f]{12}$/);
      assert.match(peer.host, /^[0-9a-f]{8}$/);
      for (const address of peer.addresses) assert.match(address, /^([0-9a-f]{8}|[0-9a-f]{32})$/);
    }),
  );
});

void test('who is told to be gone and has moved meanwhile stays; an address that is another’s by now stays his', () => {
  const table = new PeerTable();
  const [old, moved]: Peer[] = [
    { mac: 'aa', host: 'h1', addresses: ['1'] },
    { mac: 'aa', host: 'h2', addresses: ['1'] },
  ];
  const heir: Peer = { mac: 'bb', host: 'h1', addresses: ['1'] };
  assert.ok(old && moved);
  table.change({ add: [old], remove: [] });
  const change = table.change({ add: [moved], remove: [] });
  assert.deepEqual([...change.hosts].toSorted(), ['h1', 'h2']);
  assert.deepEqual([...table.hosts()], ['h2']);
  table.change({ add: [], remove: [old] });
  assert.equal(table.hostOf('aa'), 'h2');
  table.change({ add: [heir], remove: [] });
  table.change({ add: [], remove: [moved] });
  assert.deepEqual([table.ownerOf('1'), table.hostOf('aa'), [...table.hosts()]], ['bb', undefined, ['h1']]);
});

void test('what is told while the table is filled is newer than what it is filled with', () => {
  const table = new PeerTable();
  const peer = (mac: string, host: string): Peer => ({ mac, host, addresses: [mac] });
  table.fill([peer('a', 'h1'), peer('b', 'h1')]);
  table.change({ add: [peer('c', 'h2')], remove: [peer('d', 'h1'), peer('a', 'h1')] });
  table.fill([peer('c', 'h1'), peer('d', 'h1'), peer('e', 'h1')]);
  table.filled();
  assert.deepEqual(
    [...table.macs()].toSorted().map((mac) => [mac, table.hostOf(mac)]),
    [
      ['b', 'h1'],
      ['c', 'h2'],
      ['e', 'h1'],
    ],
  );
});

void test('a table is what was put into it and not taken out, and says what may have changed', () => {
  const peer = fc.record<Peer>(
    {
      mac: fc.constantFrom('a', 'b', 'c', 'd'),
      host: fc.constantFrom('h1', 'h2', 'h3'),
      addresses: fc.uniqueArray(fc.constantFrom('1', '2', '3', '4'), { maxLength: 3 }),
    },
    { noNullPrototype: true },
  );
  const change = fc.record({ add: fc.array(peer, { maxLength: 3 }), remove: fc.array(peer, { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
      const table = new PeerTable();
      table.filled();
      let peers: Peer[] = [];
      for (const { add, remove } of changes) {
        const before = snapshot(table);
        const touched = table.change({ add, remove });
        peers = peers.filter(({ mac, host }) => !remove.some((one) => one.mac === mac && one.host === host));
        for (const one of add) peers = [...peers.filter(({ mac }) => mac !== one.mac), one];
        const after = snapshot(table);
        assert.deepEqual([...after.macs].toSorted(), peers.map(({ mac, host }) => `${mac} ${host}`).toSorted());
        assert.deepEqual(after.hosts, new Set(peers.map(({ host }) => host)));
        for (const part of ['macs', 'addresses', 'hosts'] as const) {
          const [was, is] = [before[part], after[part]];
          const differing = [...was, ...is].filter((text) => was.has(text) !== is.has(text));
          assert.ok(differing.every((text) => touched[part].has(text.replace(/ .*/, ''))));
        }
        for (const text of after.addresses) {
          const [address = '', owner = ''] = text.split(' ');
          assert.ok(peers.some(({ mac, addresses }) => mac === owner && addresses.includes(address)));
        }
      }
    }),
  );
});

const snapshot = (table: PeerTable): Record<'macs' | 'addresses' | 'hosts', Set<string>> => ({
  macs: new Set([...table.macs()].map((mac) => `${mac} ${table.hostOf(mac)}`)),
  addresses: new Set([...table.addresses()].map((address) => `${address} ${table.ownerOf(address)}`)),
  hosts: new Set(table.hosts()),
});
