import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advertisedAddress, onlyAddress } from './advertise.ts';

const on = (link: string, ...addresses: string[]) => addresses.map((address) => ({ link, address }));
const host = [
  ...on('lo', '127.0.0.1/8', '::1/128'),
  ...on('eth0', '2001:db8::1/64', '192.0.2.1/24'),
  ...on('docker0', '172.17.0.1/16'),
  ...on('br-0123456789ab', '172.18.0.1/16'),
];
const kind = { kind: 'InvalidParameter' };

void describe('the advertised address', () => {
  void test('by interface: IPv4 before IPv6, never a link-local one', () => {
    assert.equal(advertisedAddress('--x', 'eth0', host), '192.0.2.1');
    assert.equal(advertisedAddress('--x', 'eth1', on('eth1', 'fe80::1/64', '2001:db8::1/64')), '2001:db8::1');
    assert.throws(() => advertisedAddress('--x', 'eth1', on('eth1', '169.254.1.1/16')), kind);
    assert.throws(() => advertisedAddress('--x', 'lo', host), kind);
    assert.throws(() => advertisedAddress('--x', 'nope', host), {
      ...kind,
      message: /^--x nope: this host has no such interface.*: 192\.0\.2\.1 \(eth0\), 2001:db8::1 \(eth0\)$/,
    });
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
  void test('not said: that of the only link there is, and no guess', () => {
    assert.equal(onlyAddress('--x', host), '192.0.2.1');
    assert.throws(() => onlyAddress('--x', [...host, ...on('eth1', '198.51.100.1/24')]), {
      ...kind,
      message: /by --x .*: 192\.0\.2\.1 \(eth0\), 198\.51\.100\.1 \(eth1\), 2001:db8::1 \(eth0\)$/,
    });
    assert.throws(() => onlyAddress('--x', on('lo', '127.0.0.1/8')), {
      ...kind,
      message: /no address that others can use/,
    });
  });
});
