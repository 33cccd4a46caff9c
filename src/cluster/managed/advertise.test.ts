import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { describe, test } from 'node:test';
import { advertisedAddress, onlyAddress } from './advertise.ts';

const info = (address: string, internal = false): NetworkInterfaceInfo => {
  const common = { address, internal, mac: '02:00:00:00:00:01', cidr: null };
  return address.includes(':')
    ? { ...common, family: 'IPv6', netmask: 'ffff::', scopeid: 0 }
    : { ...common, family: 'IPv4', netmask: '255.0.0.0' };
};
const host = {
  lo: [info('127.0.0.1', true), info('::1', true)],
  eth0: [info('fe80::1'), info('2001:db8::1'), info('192.0.2.1')],
  docker0: [info('172.17.0.1')],
  'br-0123456789ab': [info('172.18.0.1')],
};
const kind = { kind: 'InvalidParameter' };

void describe('the advertised address', () => {
  void test('by interface: IPv4 before IPv6, never a link-local one', () => {
    assert.equal(advertisedAddress('--x', 'eth0', host), '192.0.2.1');
    assert.equal(advertisedAddress('--x', 'eth1', { eth1: [info('fe80::1'), info('2001:db8::1')] }), '2001:db8::1');
    assert.throws(() => advertisedAddress('--x', 'eth1', { eth1: [info('fe80::1')] }), kind);
    assert.throws(() => advertisedAddress('--x', 'nope', host), {
      ...kind,
      message: /no interface of that name: 192\.0\.2\.1 \(eth0\)/,
    });
    assert.throws(() => advertisedAddress('--x', 'toString', host), kind);
  });
  void test('by itself, however it is written, when the host has it', () => {
    assert.equal(advertisedAddress('--x', '192.0.2.1', host), '192.0.2.1');
    assert.equal(advertisedAddress('--x', '2001:DB8:0::1', host), '2001:db8::1');
    assert.throws(() => advertisedAddress('--x', '192.0.2.2', host), {
      ...kind,
      message: /^--x 192\.0\.2\.2 is not an address of this host/,
    });
    assert.throws(() => advertisedAddress('--x', '127.0.0.1', host), kind);
  });
  void test('not said: the only one there is, and no guess', () => {
    assert.equal(onlyAddress('--x', host), '192.0.2.1');
    assert.throws(() => onlyAddress('--x', { ...host, eth1: [info('198.51.100.1')] }), {
      ...kind,
      message: /by --x .*: 192\.0\.2\.1 \(eth0\), 2001:db8::1 \(eth0\), 198\.51\.100\.1 \(eth1\)$/,
    });
    assert.throws(() => onlyAddress('--x', { lo: host.lo }), { ...kind, message: /no address that others can use/ });
  });
});
