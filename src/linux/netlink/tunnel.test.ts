/**
 * Golden bytes of what a tunnel is made of: what `ip`, `bridge` and `tc` of iproute2 6.1 send (seen by strace; vx0 has ifindex 3). Where
 * Berth asks for something else than they can, the place is marked.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as forwarding from './forwarding.ts';
import { decodeLinkData, linkInfo, linkRequest, macBytes, tunnelPort } from './link.ts';
import { encodeAttributes, encodeMessage, NetlinkFormatError, NLM_F_ACK, NLM_F_REQUEST } from './message.ts';
import * as neighbour from './neighbour.ts';
import type { Request } from './socket.ts';
import { holdBack } from './traffic.ts';
import { createVxlan, decodeVxlan, encodeVxlan, withoutLinkLocal } from './vxlan.ts';
import type { VxlanInfo } from './vxlan.ts';

const payloadOf = ({ header, attributes = [] }: Request): Buffer =>
  Buffer.concat([header, encodeAttributes(attributes)]);
/** The message that the socket makes of it, with sequence 0. */
const bytesOf = (request: Request): string =>
  encodeMessage({
    type: request.type,
    flags: NLM_F_REQUEST | NLM_F_ACK | (request.flags ?? 0),
    sequence: 0,
    port: 0,
    payload: payloadOf(request),
  }).toString('hex');
const hex = (text: string): string => text.replaceAll(/\s+/g, '');

const mac = macBytes('02:42:0a:05:00:0b');
const host = Buffer.from([192, 0, 2, 2]);
const LLADDR = '0a00 0200 02420a05000b 0000';
const DST = '0800 0100 c0000202';
const device: VxlanInfo = {
  vni: 4097,
  local: Buffer.from([192, 0, 2, 1]),
  link: 0,
  port: 4789,
  learning: false,
  proxy: true,
};

void test('ip link add vx0 mtu 1450 type vxlan id 4097 local 192.0.2.1 nolearning proxy dstport 4789', () => {
  assert.equal(
    bytesOf(createVxlan('vx0', 1450, device)),
    hex(`6c000000 1000 0506 00000000 00000000   00000000 00000000 00000000 00000000
         0800 0400 aa050000   0800 0300 76783000   3c00 1200 0900 0100 7678 6c61 6e 000000
         2c00 0200 0500 0b00 01 000000   0800 0100 01100000   0800 0400 c0000201   0500 0700 00 000000   0600 0f00 12b5 0000`),
  );
});

void test('bridge fdb add 02:42:0a:05:00:0b dev vx0 self master static sticky dst 192.0.2.2', () => {
  // Flags: CREATE | REPLACE for CREATE | EXCL. Whoever is known already may have moved.
  const head = '30000000 1c00 0505 00000000 00000000';
  assert.equal(
    bytesOf(forwarding.setForwarding(mac, 3, host, 0)),
    hex(`${head}   07 000000 03000000 4200 46 00   ${LLADDR} ${DST}`),
  );
});

void test('bridge fdb append 00:00:00:00:00:00 dev vx0 self permanent dst 192.0.2.2, and del', () => {
  const entry = `07 000000 03000000 8000 02 00   0a00 0200 000000000000 0000 ${DST}`;
  // State: permanent; `bridge` adds 'no ARP', which means nothing to the device.
  assert.equal(bytesOf(forwarding.addFlooded(3, host, 0)), hex(`30000000 1c00 050c 00000000 00000000   ${entry}`));
  assert.equal(bytesOf(forwarding.deleteFlooded(3, host, 0)), hex(`30000000 1d00 0500 00000000 00000000   ${entry}`));
});

void test('bridge fdb del 02:42:0a:05:00:0b dev vx0 master, then self', () => {
  const golden = (flags: string): string =>
    hex(`28000000 1d00 0500 00000000 00000000   07 000000 03000000 0000 ${flags} 00   ${LLADDR}`);
  assert.deepEqual(forwarding.deleteForwarding(mac, 3).map(bytesOf), [golden('04'), golden('02')]);
});

void test('ip neigh replace 10.5.0.11 lladdr 02:42:0a:05:00:0b dev vx0 nud permanent, and del', () => {
  const address = Buffer.from([10, 5, 0, 11]);
  assert.equal(
    bytesOf(neighbour.setPermanentNeighbour(address, mac, 3)),
    hex(`30000000 1c00 0505 00000000 00000000   02 000000 03000000 8000 0000   0800 0100 0a05000b ${LLADDR}`),
  );
  assert.equal(
    bytesOf(neighbour.deleteNeighbour(address, 3)),
    hex('24000000 1d00 0500 00000000 00000000   02 000000 03000000 0000 0000   0800 0100 0a05000b'),
  );
});

void test('ip link set vx0 type bridge_slave learning off flood off neigh_suppress on locked on', () => {
  assert.equal(
    bytesOf(tunnelPort('vx0')),
    hex(`5c000000 1000 0500 00000000 00000000   00000000 00000000 00000000 00000000   0800 0300 76783000
         3400 1200 0b00 0400 627269646765 00 00   2400 0500
         0500 0800 00 000000   0500 0900 00 000000   0500 2000 01 000000   0500 2700 01 000000`),
  );
});

void test('ip link set vx0 addrgenmode none', () => {
  assert.equal(
    bytesOf(withoutLinkLocal('vx0')),
    hex(`38000000 1000 0500 00000000 00000000   00000000 00000000 00000000 00000000   0800 0300 76783000
         1000 1a00 0c00 0a00 0500 0800 01 000000`),
  );
});

void test('tc qdisc add dev vx0 clsact, tc filter add dev vx0 egress protocol all prio 1 bpf da bytecode …', () => {
  const [room, filter] = holdBack(mac, 3);
  assert.ok(room && filter);
  assert.equal(
    bytesOf(room),
    hex(
      `30000000 2400 0506 00000000 00000000   00 000000 03000000 0000ffff f1ffffff 00000000   0b00 0100 636c73616374 00 00`,
    ),
  );
  // Flags: CREATE alone; handle 1, not whichever is free: it takes the place of the one that is there.
  assert.equal(
    bytesOf(filter),
    hex(`74000000 2c00 0504 00000000 00000000   00 000000 03000000 01000000 f3ffffff 0003 0100   0800 0100 62706600
         4800 0200 0600 0400 0600 0000   3400 0500
         2000 00 00 06000000   1500 00 03 050a4202   2800 00 00 0a000000   1500 00 01 0b000000
         0600 00 00 02000000   0600 00 00 ffffffff   0800 0800 01000000`),
  );
});

void test('devices, forwarding entries and neighbours survive encoding', () => {
  const sized = (length: number): fc.Arbitrary<Buffer> =>
    fc.uint8Array({ minLength: length, maxLength: length }).map((data) => Buffer.from(data));
  const info = fc.record<VxlanInfo>(
    {
      vni: fc.integer({ min: 1, max: 0xff_ffff }),
      local: fc.option(fc.oneof(sized(4), sized(16)), { nil: undefined }),
      link: fc.nat(),
      port: fc.integer({ min: 1, max: 0xffff }),
      learning: fc.boolean(),
      proxy: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(info, (one) => {
      assert.deepEqual(decodeVxlan(payloadOf(createVxlan('vx0', 1450, one))), one);
      const other = linkRequest('', 16, 0, [linkInfo('bridge', encodeVxlan(one))]);
      assert.equal(decodeVxlan(payloadOf(other)), undefined);
    }),
  );
  fc.assert(
    fc.property(sized(6), fc.nat(), fc.oneof(sized(4), sized(16)), fc.nat(), (key, link, there, via) => {
      assert.deepEqual(forwarding.decodeForwarding(payloadOf(forwarding.setForwarding(key, link, there, via))), {
        mac: key,
        link,
        ofBridge: false,
        fixed: true,
        host: there,
        via,
      });
      const set = neighbour.setPermanentNeighbour(there, key, link);
      assert.deepEqual(neighbour.decodeNeighbour(payloadOf(set)), { address: there, mac: key, link, permanent: true });
    }),
  );
});

void test('arbitrary bytes throw nothing but the decoders’ own error', () => {
  const decoders: ((data: Buffer) => unknown)[] = [
    forwarding.decodeForwarding,
    neighbour.decodeNeighbour,
    decodeVxlan,
    (data) => decodeLinkData(data, 'vxlan'),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      for (const decode of decoders) {
        try {
          decode(Buffer.from(data));
        } catch (error) {
          assert.ok(error instanceof NetlinkFormatError, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});
