import { NO_SETTINGS } from '../model/container.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointSettings } from '../model/container.ts';
import { checkEndpoint, checkEndpoints, normalized } from './endpoint-settings.ts';

const settings = (own: Partial<EndpointSettings>): EndpointSettings => ({ ...NO_SETTINGS, ...own });
const SYSCTLS = 'com.docker.network.endpoint.sysctls';

void describe('refused with dockerd’s texts', () => {
  for (const [network, own, text] of [
    ['front', { IPAMConfig: { IPv4Address: '10.0.0.256' } }, 'invalid IPv4 address: 10.0.0.256'],
    ['front', { IPAMConfig: { IPv4Address: 'fd00::1' } }, 'invalid IPv4 address: fd00::1'],
    ['front', { IPAMConfig: { IPv4Address: '0.0.0.0' } }, 'invalid IPv4 address: 0.0.0.0'],
    ['front', { IPAMConfig: { IPv6Address: '10.0.0.1' } }, 'invalid IPv6 address: 10.0.0.1'],
    ['front', { IPAMConfig: { IPv6Address: '::' } }, 'invalid IPv6 address: ::'],
    ['front', { IPAMConfig: { IPv6Address: 'fe80::1%eth0' } }, 'invalid IPv6 address: fe80::1%eth0'],
    ['front', { IPAMConfig: { LinkLocalIPs: ['169.254.0.1', 'x'] } }, 'invalid link-local IP address: x'],
    [
      'bridge',
      { IPAMConfig: { IPv4Address: '172.17.0.9' } },
      'user specified IP address is supported on user defined networks only',
    ],
    ['bridge', { Aliases: ['a'] }, 'network-scoped alias is supported only for containers in user defined networks'],
    ['front', { Links: ['a:b:c'] }, 'bad format for links: a:b:c'],
    ['front', { Aliases: ['a b'] }, 'invalid network-scoped alias: "a b"'],
    [
      'front',
      { DriverOpts: { [SYSCTLS]: 'net.ipv4.conf.eth0.rp_filter=1' } },
      "unrecognised network interface sysctl 'net.ipv4.conf.eth0.rp_filter=1'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'",
    ],
  ] as const) {
    void test(text, () => {
      const asked = settings(own as unknown as Partial<EndpointSettings>);
      const message = `invalid endpoint settings:\n${text}`;
      assert.throws(() => checkEndpoint(network, asked), { kind: 'InvalidParameter', message });
      assert.throws(() => checkEndpoints({ [network]: asked }), {
        kind: 'InvalidParameter',
        message: `invalid config for network ${network}: ${message}`,
      });
    });
  }
  void test('several at once stand in a list; a MAC address stands alone', () => {
    const bad = settings({ IPAMConfig: { IPv4Address: 'x', IPv6Address: 'y' } });
    assert.throws(() => checkEndpoint('front', bad), {
      message: 'invalid endpoint settings:\n* invalid IPv4 address: x\n* invalid IPv6 address: y',
    });
    assert.throws(() => checkEndpoint('front', settings({ MacAddress: 'zz' })), { message: 'invalid MAC address zz' });
  });
});

void test('accepted, in one spelling', () => {
  const asked = settings({
    IPAMConfig: { IPv4Address: '::ffff:10.0.0.9', IPv6Address: 'fd00::9', LinkLocalIPs: ['169.254.1.2'] },
    Aliases: ['*.web', 'www'],
    MacAddress: '02:42:ac:11:00:09',
    DriverOpts: { [SYSCTLS]: 'net.ipv4.conf.IFNAME.rp_filter=1,net.ipv6.conf.ifname.forwarding=1' },
    Links: ['a', 'b:c'],
  });
  checkEndpoint('front', asked);
  assert.deepEqual(normalized(asked).IPAMConfig, {
    IPv4Address: '10.0.0.9',
    IPv6Address: 'fd00::9',
    LinkLocalIPs: ['169.254.1.2'],
  });
  // What the stock client sends for no address at all.
  assert.deepEqual(normalized(settings({ IPAMConfig: { IPv4Address: '' } })).IPAMConfig, {});
});
