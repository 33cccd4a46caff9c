import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bridgeDriver } from './bridge/driver.ts';
import { hostLinkName, isHostLinkName, macOf } from './bridge/endpoint.ts';
import * as option from './bridge/options.ts';
import type { NetworkConfig } from './driver.ts';
import { hostDriver } from './host/driver.ts';
import { noneDriver } from './none/driver.ts';

const subnet = { subnet: '10.1.0.0/16', range: '', gateway: '10.1.0.1', routeVia: '10.1.0.1' };
const subnet6 = { subnet: 'fd00::/64', range: '', gateway: 'fd00::1', routeVia: 'fd00::1' };
const network: NetworkConfig = {
  id: 'n',
  name: 'bridge',
  subnets: [subnet],
  options: { [option.BRIDGE_NAME]: 'br7', [option.DRIVER_MTU]: '1400', [option.ENABLE_ICC]: 'false' },
  owner: 'berth:bridge',
  mac: '02:42:00:00:00:01',
  foreignBridge: false,
  ipForward: true,
  firewall: true,
  directRouting: false,
};
const endpoint = { addresses: ['10.1.0.2/16'], mac: '02:42:0a:01:00:02', hostName: 'veth0123456' };

void test('bridge: the network', () => {
  assert.deepEqual(bridgeDriver.planNetwork(network), {
    bridge: {
      name: 'br7',
      owner: 'berth:bridge',
      mac: '02:42:00:00:00:01',
      mtu: 1400,
      addresses: ['10.1.0.1/16'],
      sysctls: [{ name: 'net/ipv6/conf/br7/accept_ra', value: '0' }],
    },
    sysctls: [{ name: 'net/ipv4/ip_forward', value: '1' }],
    rules: {
      bridge: 'br7',
      subnets: ['10.1.0.0/16'],
      masquerade: true,
      interContainer: false,
      directRouting: false,
    },
  });
  const quiet = { ...network, foreignBridge: true, ipForward: false, firewall: false };
  assert.deepEqual(bridgeDriver.planNetwork(quiet), {
    bridge: { name: 'br7', owner: '', mac: '02:42:00:00:00:01', mtu: 1400, addresses: [], sysctls: [] },
    sysctls: [],
    rules: undefined,
  });
  const both = bridgeDriver.planNetwork({ ...network, subnets: [subnet, subnet6] });
  assert.deepEqual(both.bridge?.addresses, ['10.1.0.1/16', 'fd00::1/64']);
  assert.deepEqual(both.bridge?.sysctls.at(-1), { name: 'net/ipv6/conf/br7/disable_ipv6', value: '0' });
  assert.equal(both.sysctls.length, 2);
});

void test('bridge: an endpoint', () => {
  assert.deepEqual(bridgeDriver.planEndpoint(network, endpoint, 1), [
    {
      name: 'eth1',
      mac: '02:42:0a:01:00:02',
      mtu: 1400,
      hostName: 'veth0123456',
      bridge: 'br7',
      isolated: true,
      addresses: ['10.1.0.2/16'],
      routes: [{ to: '0.0.0.0/0', via: '10.1.0.1' }],
      sysctls: [{ name: 'net/ipv6/conf/eth1/disable_ipv6', value: '1' }],
    },
  ]);
  const [both] = bridgeDriver.planEndpoint(
    { ...network, subnets: [subnet, subnet6] },
    { ...endpoint, addresses: ['10.1.0.2/16', 'fd00::2/64'] },
    0,
  );
  assert.deepEqual(both?.routes, [
    { to: '0.0.0.0/0', via: '10.1.0.1' },
    { to: '::/0', via: 'fd00::1' },
  ]);
  assert.equal(both.sysctls[0]?.value, '0');
});

void test('names and MACs of endpoints', () => {
  assert.equal(macOf(Uint8Array.of(172, 17, 0, 2)), '02:42:ac:11:00:02');
  assert.ok(isHostLinkName(hostLinkName('0123456789')));
  for (const name of ['veth01234567', 'vethabc', 'veth012345g', 'eth0']) assert.ok(!isHostLinkName(name), name);
});

void test('host and none plan nothing', () => {
  for (const driver of [hostDriver, noneDriver]) {
    assert.deepEqual(driver.planNetwork(network), { bridge: undefined, sysctls: [], rules: undefined });
    assert.deepEqual(driver.planEndpoint(network, endpoint, 0), []);
  }
  assert.deepEqual([hostDriver.ownNamespace, noneDriver.ownNamespace], [false, true]);
});
