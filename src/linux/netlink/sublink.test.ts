/**
 * Golden bytes: what `ip link add link p0 name x0 address 02:42:0a:00:00:05 type …` of iproute2 6.1 sends (seen by strace; p0
 * has ifindex 3). Kernels without CONFIG_IPVLAN, CONFIG_VLAN_8021Q or CONFIG_DUMMY understand no such message: there these stand in for
 * the real thing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeAttributes, encodeMessage, NLM_F_ACK, NLM_F_REQUEST } from './message.ts';
import type { Request } from './socket.ts';
import { createDummy, createIpvlan, createLoosePair, createMacvlan, createVlan, deleteLinkInside } from './sublink.ts';

/** The message that the socket makes of it, with sequence 0. */
const bytesOf = ({ type, flags = 0, header, attributes = [] }: Request): string =>
  encodeMessage({
    type,
    flags: NLM_F_REQUEST | NLM_F_ACK | flags,
    sequence: 0,
    port: 0,
    payload: Buffer.concat([header, encodeAttributes(attributes)]),
  }).toString('hex');

const hex = (text: string): string => text.replaceAll(/\s+/g, '');
const IFINFOMSG = '00000000 00000000 00000000 00000000';
const head = (length: string): string => `${length} 1000 0506 00000000 00000000 ${IFINFOMSG}`;
/** IFLA_ADDRESS, IFLA_LINK, IFLA_IFNAME. */
const COMMON = '0a00 0100 02420a000005 0000   0800 0500 03000000   0700 0300 783000 00';
const x0 = { name: 'x0', parent: 3, mac: '02:42:0a:00:00:05', mtu: 0, namespaceFd: undefined };

void test('macvlan, in all four modes', () => {
  const golden = (mode: string): string =>
    hex(`${head('58000000')} ${COMMON} 1c00 1200 0b00 0100 6d6163766c616e 00 0c00 0200 0800 0100 ${mode}`);
  assert.equal(bytesOf(createMacvlan(x0, 'private')), golden('01000000'));
  assert.equal(bytesOf(createMacvlan(x0, 'vepa')), golden('02000000'));
  assert.equal(bytesOf(createMacvlan(x0, 'bridge')), golden('04000000'));
  assert.equal(bytesOf(createMacvlan(x0, 'passthru')), golden('08000000'));
});

void test('ipvlan: modes and flags', () => {
  const golden = (mode: string, flag: string): string =>
    hex(
      `${head('60000000')} ${COMMON}
       2400 1200 0a00 0100 6970766c616e 0000 1400 0200 0600 0100 ${mode} 0000 0600 0200 ${flag} 0000`,
    );
  assert.equal(bytesOf(createIpvlan(x0, 'l2', 'bridge')), golden('0000', '0000'));
  assert.equal(bytesOf(createIpvlan(x0, 'l3', 'private')), golden('0100', '0100'));
  assert.equal(bytesOf(createIpvlan(x0, 'l3s', 'vepa')), golden('0200', '0200'));
});

void test('a VLAN’s link: 50 on ifindex 3', () => {
  assert.equal(
    bytesOf(createVlan('x0', 3, 50)),
    // 12 bytes less than what was seen: no IFLA_ADDRESS.
    hex(`${head('48000000')} 0800 0500 03000000 0700 0300 783000 00
         1800 1200 0800 0100 766c616e 0c00 0200 0600 0100 3200 0000`),
  );
});

void test('a link that leads nowhere', () => {
  assert.equal(
    bytesOf(createDummy('dm-0123456789ab')),
    hex(`${head('44000000')} 1400 0300 646d2d30313233343536373839616200
         1000 1200 0900 0100 64756d6d79 000000`),
  );
  assert.equal(
    bytesOf(createLoosePair('a', 'b')),
    hex(`${head('54000000')} 0600 0300 6100 0000
         2c00 1200 0800 0100 76657468
           2000 0200 1c00 0100 ${IFINFOMSG} 0600 0300 6200 0000`),
  );
});

void test('born in another namespace, with an MTU; and deleted there', () => {
  const sublink = createMacvlan({ ...x0, mtu: 1400, namespaceFd: 9 }, 'bridge');
  assert.equal(
    bytesOf(sublink),
    hex(`${head('68000000')} ${COMMON} 0800 0400 78050000 0800 1c00 09000000
         1c00 1200 0b00 0100 6d6163766c616e 00 0c00 0200 0800 0100 04000000`),
  );
  // IFLA_TARGET_NETNSID (46) of the namespace, ifi_index of the link.
  assert.equal(
    bytesOf(deleteLinkInside(7, 2)),
    hex('28000000 1100 0500 00000000 00000000 00000000 02000000 00000000 00000000 0800 2e00 07000000'),
  );
});
