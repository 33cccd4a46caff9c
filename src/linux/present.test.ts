import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeAddress, RTM_DELADDR, RTM_NEWADDR } from './netlink/address.ts';
import type { AddressInfo } from './netlink/address.ts';
import { encodeLink, RTM_DELLINK, RTM_NEWLINK } from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import { NetlinkFormatError, NLM_F_REPLACE } from './netlink/message.ts';
import type { Message } from './netlink/message.ts';
import { encodeRoute, RTM_DELROUTE, RTM_NEWROUTE } from './netlink/route.ts';
import type { RouteInfo } from './netlink/route.ts';
import { Present } from './present.ts';

const message = (type: number, payload: Buffer, flags = 0): Message => ({ type, flags, sequence: 0, port: 0, payload });
const linkInfo = (index: number, change: Partial<LinkInfo> = {}): LinkInfo => ({
  index,
  name: `l${index}`,
  up: true,
  mtu: 1500,
  kind: 'veth',
  mac: '',
  master: 0,
  peer: 0,
  alias: '',
  ...change,
});
const address = (text: string, prefixLength: number, link: number): AddressInfo => ({
  bytes: Buffer.from(text.split('.').map(Number)),
  prefixLength,
  link,
});
const route = (destination: string, link: number, change: Partial<RouteInfo> = {}): RouteInfo => ({
  family: 4,
  destination: Buffer.from(destination.split('.').map(Number)),
  prefixLength: 24,
  gateway: undefined,
  link,
  table: 254,
  priority: 0,
  source: undefined,
  type: 1,
  ...change,
});
const newLink = (info: LinkInfo): Message => message(RTM_NEWLINK, encodeLink(info));
const newRoute = (info: RouteInfo, flags = 0): Message => message(RTM_NEWROUTE, encodeRoute(info), flags);

function sample(): Present {
  return new Present({
    // Ports may come before their bridge.
    links: [
      linkInfo(3, { master: 7 }),
      linkInfo(7, { kind: 'bridge', name: 'br', alias: 'berth:x' }),
      linkInfo(8, { up: false }),
    ],
    addresses: [address('10.0.0.1', 24, 7)],
    routes: [
      route('10.0.0.0', 7, { source: Buffer.from([10, 0, 0, 1]) }),
      route('10.1.0.0', 7),
      route('0.0.0.0', 7, { destination: undefined, prefixLength: 0 }),
      route('10.0.0.0', 7, { table: 255 }),
    ],
  });
}

void test('a dump becomes a survey: masters by name, no default routes, the main table only', () => {
  assert.deepEqual(sample().survey(), {
    links: [
      { name: 'l3', kind: 'veth', master: 'br', alias: '', up: true },
      { name: 'br', kind: 'bridge', master: '', alias: 'berth:x', up: true },
      { name: 'l8', kind: 'veth', master: '', alias: '', up: false },
    ],
    addresses: [{ link: 'br', address: '10.0.0.1/24' }],
    routes: [
      { link: 'br', destination: '10.0.0.0/24' },
      { link: 'br', destination: '10.1.0.0/24' },
    ],
  });
});

void test('it is the same object until something changes', () => {
  const present = sample();
  const before = present.survey();
  present.apply(newLink(linkInfo(3, { master: 7, mtu: 1400 })));
  assert.equal(present.survey(), before);
  present.apply(newLink(linkInfo(3)));
  assert.notEqual(present.survey(), before);
});

void test('a link that goes takes its addresses and routes along, and says so', () => {
  const present = sample();
  assert.deepEqual(present.apply(message(RTM_DELLINK, encodeLink(linkInfo(7)))), [
    { kind: 'address-gone', link: 'br', address: '10.0.0.1/24' },
    { kind: 'route-gone', link: 'br', destination: '10.0.0.0/24' },
    { kind: 'route-gone', link: 'br', destination: '10.1.0.0/24' },
    { kind: 'link-gone', name: 'br' },
  ]);
  assert.deepEqual(present.survey().routes, []);
  assert.equal(present.kindOf('br'), undefined);
  assert.equal(present.kindOf('l3'), 'veth');
});

void test('a link that comes is told of, unless it is a pair', () => {
  const present = sample();
  assert.deepEqual(present.apply(newLink(linkInfo(9, { name: 'eth5', kind: '' }))), [
    { kind: 'link-made', name: 'eth5' },
  ]);
  assert.deepEqual(present.apply(newLink(linkInfo(9, { name: 'eth5', kind: '' }))), []);
  assert.deepEqual(present.apply(newLink(linkInfo(10))), []);
});

void test('a port that leaves its bridge is not gone', () => {
  const present = sample();
  const asPort = encodeLink(linkInfo(3));
  asPort[0] = 7;
  assert.deepEqual(present.apply(message(RTM_DELLINK, asPort)), []);
  assert.equal(present.kindOf('l3'), 'veth');
  assert.deepEqual(present.apply(newLink(linkInfo(3))), [{ kind: 'link-changed', name: 'l3' }]);
  assert.deepEqual(present.apply(newLink(linkInfo(3))), []);
});

void test('IPv4 routes vanish unsaid: with a link set down, with their source address', () => {
  const present = sample();
  assert.deepEqual(present.apply(message(RTM_DELADDR, encodeAddress(address('10.0.0.1', 24, 7)))), [
    { kind: 'address-gone', link: 'br', address: '10.0.0.1/24' },
    { kind: 'route-gone', link: 'br', destination: '10.0.0.0/24' },
  ]);
  assert.deepEqual(present.apply(newLink(linkInfo(7, { name: 'br', kind: 'bridge', up: false }))), [
    { kind: 'route-gone', link: 'br', destination: '10.1.0.0/24' },
    { kind: 'link-changed', name: 'br' },
  ]);
});

void test('a renamed link is gone under its old name, and what is on it bears the new one', () => {
  const present = sample();
  const renamed = linkInfo(7, { name: 'new', kind: 'bridge', alias: 'berth:x' });
  assert.deepEqual(present.apply(newLink(renamed)), [
    { kind: 'link-gone', name: 'br' },
    { kind: 'link-made', name: 'new' },
  ]);
  assert.deepEqual([present.kindOf('br'), present.kindOf('new')], [undefined, 'bridge']);
  const { links, addresses, routes } = present.survey();
  assert.deepEqual(
    [links[0]?.master, addresses[0]?.link, routes.map(({ link }) => link)],
    ['new', 'new', ['new', 'new']],
  );
});

void test('routes: replaced, of another metric, deleted', () => {
  const present = sample();
  assert.deepEqual(present.apply(newRoute(route('10.1.0.0', 3), NLM_F_REPLACE)), [
    { kind: 'route-gone', link: 'br', destination: '10.1.0.0/24' },
  ]);
  present.apply(newRoute(route('10.1.0.0', 3, { priority: 9 })));
  assert.equal(present.survey().routes.length, 3);
  const gone = message(RTM_DELROUTE, encodeRoute(route('10.1.0.0', 3)));
  assert.deepEqual(present.apply(gone), [{ kind: 'route-gone', link: 'l3', destination: '10.1.0.0/24' }]);
  assert.deepEqual(present.apply(gone), []);
  assert.equal(present.survey().routes.length, 2);
});

void test('whatever happens in whatever order, what was added and taken away again leaves what was there', () => {
  const change = fc.record({
    index: fc.integer({ min: 20, max: 23 }),
    kind: fc.constantFrom('link', 'address', 'route'),
    host: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const present = sample();
      const before = JSON.stringify(present.survey());
      for (const { index, kind, host } of changes) {
        if (kind === 'link') present.apply(newLink(linkInfo(index)));
        else if (kind === 'address')
          present.apply(message(RTM_NEWADDR, encodeAddress(address(`10.9.0.${host}`, 24, index))));
        else present.apply(newRoute(route(`10.${host}.0.0`, index)));
      }
      // Links last: they may never have been told of.
      for (const { index, kind, host } of changes) {
        if (kind === 'address')
          present.apply(message(RTM_DELADDR, encodeAddress(address(`10.9.0.${host}`, 24, index))));
        else if (kind === 'route') present.apply(message(RTM_DELROUTE, encodeRoute(route(`10.${host}.0.0`, index))));
      }
      for (const { index } of changes) present.apply(message(RTM_DELLINK, encodeLink(linkInfo(index))));
      assert.equal(JSON.stringify(present.survey()), before);
    }),
  );
});

void test('arbitrary notifications throw nothing but the decoders’ own error', () => {
  const present = sample();
  const type = fc.integer({ min: 16, max: 26 });
  fc.assert(
    fc.property(type, fc.uint8Array({ maxLength: 120 }), (kind, bytes) => {
      try {
        present.apply(message(kind, Buffer.from(bytes)));
      } catch (error) {
        assert.ok(error instanceof NetlinkFormatError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
