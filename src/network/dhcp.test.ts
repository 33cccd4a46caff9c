/** Networks whose addresses a DHCP server lends, on strict fakes: what follows a lease, and what is given back. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import type { NetworkParts } from './controller.ts';
import { leaseOf } from './fake-leases.ts';
import type { NetworkCreateRequest, SandboxView } from './port.ts';
import { creation, open, request, settings, World } from './testing-world.ts';

const ID = 'c0ffee'.padEnd(64, '0');
const LEASE = leaseOf('192.0.2.100/24', { mtu: 1400, nameservers: ['192.0.2.53'], domain: 'lan.example' });
const OTHER = leaseOf('192.0.2.200/24', { gateway: '192.0.2.2', domain: 'other.example' });

let world = new World();
let parts: NetworkParts;
const dhcp = (Driver: string, more: Partial<NetworkCreateRequest> = {}): NetworkCreateRequest =>
  creation('lan', {
    Driver,
    Options: { parent: 'eth0' },
    IPAM: { Driver: 'dhcp', Config: [], Options: {} },
    ...more,
  });

beforeEach(async () => {
  world = new World();
  world.kernel.links.set('eth0', { name: 'eth0', kind: '', master: '', alias: '', up: true });
  parts = await world.started();
});

const view = (): SandboxView => {
  const found = parts.sandboxes.view(ID);
  assert.ok(found);
  return found;
};
const addressOf = (network = 'lan'): string => view().Networks[network]?.IPAddress ?? 'none';
const namespace = (): ReturnType<World['kernel']['namespaces']['get']> =>
  world.kernel.namespaces.get(view().SandboxKey);
const file = (name: string): string => world.files.texts.get(`/c/${ID}/${name}`) ?? '';
const start = async (more: Parameters<typeof request>[1] = {}): Promise<unknown> =>
  open(parts, request(ID, { networkMode: 'lan', hostname: 'shop', ...more }));

void test('a container gets what the server lends, and everything follows it', async () => {
  await parts.networks.create(dhcp('macvlan'));
  world.attendant.leases.offers.push(LEASE);
  await start();
  const [wish] = world.attendant.leases.wishes;
  assert.equal(wish?.clientId, `ff${world.record('lan').id.slice(0, 8)}0004${ID.slice(0, 32)}`);
  assert.deepEqual([wish.hostname, wish.interfaceName, wish.timeout, wish.broadcast], ['shop', 'eth0', 10, false]);
  const endpoint = view().Networks['lan'];
  assert.deepEqual(
    [endpoint?.IPAddress, endpoint?.IPPrefixLen, endpoint?.Gateway, endpoint?.MacAddress],
    ['192.0.2.100', 24, '192.0.2.1', wish.mac],
  );
  assert.deepEqual(namespace()?.defaults, [{ via: '192.0.2.1', interface: 'eth0' }]);
  assert.match(file('hosts'), /^192\.0\.2\.100\tshop$/m);
  assert.match(file('resolv.conf'), /^search lan\.example$/m);
  const [names] = world.attendant.names.values();
  assert.deepEqual(names?.nameservers, ['192.0.2.53']);
  assert.deepEqual(names?.endpoints[0]?.addresses, ['192.0.2.100']);
  await parts.sandboxes.close(ID);
  assert.equal(world.attendant.leases.held.size, 0, 'given back');

  world.attendant.leases.offers.push(LEASE);
  await start();
  const again = world.attendant.leases.wishes[1];
  assert.deepEqual([again?.clientId, again?.mac], [wish.clientId, wish.mac], 'the same client each time');
});

void test('what the user says about names counts more than the server', async () => {
  await parts.networks.create(dhcp('macvlan'));
  world.attendant.leases.offers.push(LEASE);
  await start({ dns: ['203.0.113.53'], dnsSearch: ['mine.example'] });
  assert.match(file('resolv.conf'), /^search mine\.example$/m);
  assert.deepEqual([...world.attendant.names.values()][0]?.nameservers, ['203.0.113.53']);
});

void test('no server: nothing is left', async () => {
  await parts.networks.create(
    dhcp('macvlan', { IPAM: { Driver: 'dhcp', Config: [], Options: { 'com.berth.dhcp_timeout': '3' } } }),
  );
  const before = world.kernel.survey();
  await assert.rejects(start(), {
    kind: 'Unavailable',
    message: 'no address on network lan: no DHCP server answered within 3 s',
  });
  assert.deepEqual(world.kernel.survey(), before);
  assert.deepEqual(world.store.list('endpoint'), []);
  assert.equal(world.kernel.namespaces.size, 0);
  assert.equal(world.attendant.leases.held.size, 0);
});

void test('another lease, and none: routes, names, files and events follow; a renewal changes nothing', async () => {
  await parts.networks.create(dhcp('macvlan'));
  world.attendant.leases.offers.push(LEASE);
  await start();
  const [endpointId = ''] = world.attendant.leases.held.keys();
  world.published.length = 0;
  world.attendant.leases.change(endpointId, { ...LEASE, since: 5000 });
  await immediate();
  assert.equal(world.published.length, 0);

  world.attendant.leases.change(endpointId, undefined, 'refused');
  await immediate();
  assert.equal(addressOf(), '');
  assert.deepEqual(namespace()?.defaults, []);
  assert.doesNotMatch(file('hosts'), /shop/);
  world.attendant.leases.change(endpointId, OTHER);
  await immediate();
  assert.equal(addressOf(), '192.0.2.200');
  assert.deepEqual(namespace()?.defaults, [{ via: '192.0.2.2', interface: 'eth0' }]);
  assert.match(file('hosts'), /^192\.0\.2\.200\tshop$/m);
  assert.match(file('resolv.conf'), /^search other\.example$/m);
  assert.deepEqual(
    world.published.map(([, action, , { address, reason }]) => [action, address, reason]),
    [
      ['lease-lost', '', 'refused'],
      ['lease', '192.0.2.200/24', undefined],
    ],
  );
  await parts.sandboxes.close(ID);
  world.attendant.leases.change(endpointId, LEASE);
  await immediate();
});

void test('a lease that changes while its container ends brings no names back', async () => {
  await parts.networks.create(dhcp('macvlan'));
  world.attendant.leases.offers.push(LEASE);
  await start();
  const [endpointId = ''] = world.attendant.leases.held.keys();
  const { attendant } = world;
  const drop = attendant.dropNames.bind(attendant);
  attendant.dropNames = async (sandboxId) => {
    await drop(sandboxId);
    attendant.leases.change(endpointId, OTHER);
    await immediate();
  };
  await parts.sandboxes.close(ID);
  assert.equal(attendant.names.size, 0);
});

void test('a daemon that begins anew takes over the lease as it is now', async () => {
  await parts.networks.create(dhcp('macvlan'));
  world.attendant.leases.offers.push(LEASE);
  await start();
  const [endpointId = ''] = world.attendant.leases.held.keys();
  world.attendant.leases.onLease(() => undefined);
  world.attendant.leases.change(endpointId, OTHER);
  parts = world.start();
  await parts.sandboxes.restore(new Map([[ID, { pid: 1, name: 'web' }]]), new Map());
  assert.deepEqual(world.warnings, []);
  assert.equal(addressOf(), '192.0.2.200');
  assert.deepEqual(namespace()?.defaults, [{ via: '192.0.2.2', interface: 'eth0' }]);
  assert.match(file('hosts'), /^192\.0\.2\.200\tshop$/m);
  assert.deepEqual([...world.attendant.names.values()][0]?.endpoints[0]?.addresses, ['192.0.2.200']);

  parts = world.start();
  await parts.sandboxes.restore(new Map(), new Map());
  assert.equal(world.attendant.leases.held.size, 0, 'of a container that ended meanwhile');
});

void test('connect and disconnect of a container that runs', async () => {
  await parts.networks.create(dhcp('macvlan'));
  await open(parts, request(ID, { hostname: 'shop' }));
  await assert.rejects(parts.sandboxes.connect(ID, 'lan', settings({})), { kind: 'Unavailable' });
  assert.deepEqual(Object.keys(view().Networks), ['bridge']);
  world.attendant.leases.offers.push(LEASE);
  await parts.sandboxes.connect(ID, 'lan', settings({ GwPriority: 1 }));
  assert.equal(addressOf(), '192.0.2.100');
  assert.deepEqual(namespace()?.defaults, [{ via: '192.0.2.1', interface: 'eth1' }]);
  await parts.sandboxes.disconnect(ID, 'lan', { force: false });
  assert.equal(world.attendant.leases.held.size, 0);
});

void test('ipvlan: the parent’s MAC, answers by broadcast; l3 has none', async () => {
  await parts.networks.create(dhcp('ipvlan'));
  world.attendant.leases.offers.push(LEASE);
  await start();
  const [wish] = world.attendant.leases.wishes;
  assert.deepEqual([wish?.mac, wish?.broadcast], ['', true]);
  await assert.rejects(
    parts.networks.create({ ...dhcp('ipvlan'), Name: 'l3', Options: { parent: 'eth1', ipvlan_mode: 'l3' } }),
    { kind: 'InvalidParameter', message: 'the dhcp ipam driver is for ipvlan mode l2: mode l3 passes no broadcasts' },
  );
});

void test('--ip is asked of the server; what it cannot give is refused at once', async () => {
  await parts.networks.create(dhcp('macvlan'));
  const asking = (IPv4Address: string, IPv6Address = ''): Parameters<typeof request>[1] => ({
    endpoints: { lan: settings({ IPAMConfig: { IPv4Address, IPv6Address, LinkLocalIPs: [] } }) },
  });
  world.attendant.leases.offers.push(LEASE);
  await start(asking('192.0.2.100'));
  assert.equal(world.attendant.leases.wishes[0]?.address, '192.0.2.100');
  await parts.sandboxes.close(ID);
  await assert.rejects(start(asking('', 'fd00::7')), { message: /the dhcp ipam driver gives IPv4 addresses only/ });
});
