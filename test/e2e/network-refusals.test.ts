/** Bad requests about networks, over the API: status, Docker's words, and nothing changed in kernel, store or API. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { idle, words } from './support.ts';

type Case = [status: number, says: RegExp, method: string, path: string, body?: unknown];

const network = (status: number, says: RegExp, body: object): Case => [
  status,
  says,
  'POST',
  '/networks/create',
  { Name: 'x', ...body },
];
const subnet = (status: number, says: RegExp, config: object, more: object = {}): Case =>
  network(status, says, { IPAM: { Config: [config] }, ...more });
const option = (status: number, says: RegExp, name: string, value: string, more: object = {}): Case =>
  network(status, says, { Options: { [`com.docker.network.${name}`]: value }, ...more });

const CREATE: readonly Case[] = [
  network(400, /invalid name: name is empty/, { Name: '' }),
  network(403, /operation is not permitted on predefined bridge network/, { Name: 'bridge' }),
  network(403, /operation is not permitted on predefined none network/, { Name: 'none' }),
  network(409, /network with name front already exists/, { Name: 'front' }),
  network(404, /plugin "foo" not found/, { Driver: 'foo' }),
  network(404, /plugin "foo" not found/, { IPAM: { Driver: 'foo' } }),
  network(403, /only one instance of "host" network is allowed/, { Driver: 'host' }),
  network(403, /only one instance of "null" network is allowed/, { Driver: 'null' }),
  network(503, /this host belongs to no cluster: .*--cluster-store.*berth cluster init/, { Driver: 'overlay' }),
  network(403, /Ingress network can only be global scope network/, { Ingress: true }),
  network(403, /cannot create a swarm scoped network when swarm is not active/, { Scope: 'swarm' }),
  network(400, /IPv4 or IPv6 must be enabled/, { EnableIPv4: false }),
  network(400, /ipv4 pool is empty/, { IPAM: { Driver: 'null' } }),
  network(404, /configuration network "gone" does not exist/, { ConfigFrom: { Network: 'gone' } }),
  network(403, /configuration network can only contain network specific fields/, { ConfigOnly: true, Internal: true }),
  subnet(400, /invalid subnet 10\.1\.0\.0: invalid CIDR block notation/, { Subnet: '10.1.0.0' }),
  subnet(400, /invalid subnet 10\.1\.0\.1\/24: it should be 10\.1\.0\.0\/24/, { Subnet: '10.1.0.1/24' }),
  subnet(400, /invalid subnet 10\.1\.0\.0\/33/, { Subnet: '10.1.0.0/33' }),
  subnet(400, /invalid gateway 10\.2\.0\.1: parent subnet 10\.1\.0\.0\/24 doesn't contain this address/, {
    Subnet: '10.1.0.0/24',
    Gateway: '10.2.0.1',
  }),
  subnet(400, /invalid ip-range 10\.2\.0\.0\/25: parent subnet 10\.1\.0\.0\/24 doesn't contain ip-range/, {
    Subnet: '10.1.0.0/24',
    IPRange: '10.2.0.0/25',
  }),
  subnet(400, /invalid auxiliary address a: parent subnet 10\.1\.0\.0\/24 doesn't contain this address/, {
    Subnet: '10.1.0.0/24',
    AuxiliaryAddresses: { a: '10.2.0.1' },
  }),
  subnet(403, /Pool overlaps with other one on this address space.*network front/, { Subnet: '10.8.0.0/16' }),
  subnet(403, /Pool overlaps with other one on this address space.*network bridge/, { Subnet: '172.17.16.0/24' }),
  subnet(400, /multicast subnet/, { Subnet: 'ff02::/64' }, { EnableIPv6: true }),
  option(400, /failed to parse com\.docker\.network\.bridge\.enable_icc/, 'bridge.enable_icc', 'maybe'),
  option(400, /failed to parse com\.docker\.network\.bridge\.enable_ip_masquerade/, 'bridge.enable_ip_masquerade', 'x'),
  option(400, /com\.docker\.network\.driver\.mtu/, 'driver.mtu', 'big'),
  option(400, /com\.docker\.network\.bridge\.host_binding_ipv4|invalid/, 'bridge.host_binding_ipv4', 'x'),
  option(400, /gateway mode/i, 'bridge.gateway_mode_ipv4', 'open'),
  option(
    500,
    /gateway mode 'isolated' can only be used for an internal network/,
    'bridge.gateway_mode_ipv6',
    'isolated',
  ),
  option(400, /advertise_addr_nmsgs must be in the range 0 to 3/, 'advertise_addr_nmsgs', '9'),
  option(400, /advertise_addr_ms/, 'advertise_addr_ms', '1'),
  option(500, /existing interface lo is not a bridge/, 'bridge.name', 'lo'),
  option(400, /name|interface/i, 'bridge.name', 'much-too-long-a-name'),
  [400, /JSON|invalid|EOF/i, 'POST', '/networks/create'],
  [400, /Subnet|string/, 'POST', '/networks/create', { Name: 'x', IPAM: { Config: [{ Subnet: 7 }] } }],
  [400, /EnableIPv6|bool/, 'POST', '/networks/create', { Name: 'x', EnableIPv6: 'yes' }],
];

const connect = (status: number, says: RegExp, to: string, Container: string, EndpointConfig: object = {}): Case => [
  status,
  says,
  'POST',
  `/networks/${to}/connect`,
  { Container, EndpointConfig },
];
const addressed = (IPv4Address: string): object => ({ IPAMConfig: { IPv4Address } });

const OTHERS: readonly Case[] = [
  [404, /network gone not found/, 'GET', '/networks/gone'],
  [404, /network gone not found/, 'DELETE', '/networks/gone'],
  [403, /bridge is a pre-defined network and cannot be removed/, 'DELETE', '/networks/bridge'],
  [403, /network front has active endpoints \(name:"web" id:"[0-9a-f]{12}"\)/, 'DELETE', '/networks/front'],
  [400, /invalid filter 'x'/, 'GET', '/networks?filters={"x":["1"]}'],
  [400, /invalid filter 'name'/, 'POST', '/networks/prune?filters={"name":["a"]}'],
  [400, /invalid value for verbose/, 'GET', '/networks/front?verbose=maybe'],
  connect(404, /network gone not found/, 'gone', 'web'),
  connect(404, /No such container: gone/, 'front', 'gone'),
  connect(403, /endpoint with name web already exists in network front/, 'front', 'web'),
  connect(400, /cannot connect container to host network/, 'host', 'web'),
  connect(400, /private \(none\) mode/, 'none', 'web'),
  connect(403, /cannot attach to the configuration-only network plan|config-only/i, 'plan', 'web'),
  connect(
    400,
    /no configured subnet or ip-range contain the IP address 10\.7\.0\.9/,
    'back',
    'web',
    addressed('10.7.0.9'),
  ),
  connect(
    400,
    /supported only when connecting to networks with user configured subnets/,
    'auto',
    'web',
    addressed('10.7.0.9'),
  ),
  connect(403, /Address already in use/, 'back', 'web', addressed('10.9.0.7')),
  connect(403, /Address already in use/, 'back', 'web', addressed('10.9.0.1')),
  connect(400, /invalid IPv4 address: x/, 'back', 'web', addressed('x')),
  connect(
    400,
    /user specified IP address is supported on user defined networks only/,
    'bridge',
    'web',
    addressed('172.17.0.9'),
  ),
  connect(400, /network-scoped alias is supported only for containers in user defined networks/, 'bridge', 'web', {
    Aliases: ['a'],
  }),
  connect(400, /invalid MAC address/i, 'back', 'web', { MacAddress: 'nope' }),
  [404, /network gone not found/, 'POST', '/networks/gone/disconnect', { Container: 'web' }],
  [500, /is not connected to network back/, 'POST', '/networks/back/disconnect', { Container: 'web' }],
  [404, /No such container: gone/, 'POST', '/networks/back/disconnect', { Container: 'gone' }],
  [404, /No public port '81\/tcp' published for web/, 'POST', '/containers/web/ports', { Remove: { '81/tcp': null } }],
  [
    409,
    /Bind for 0\.0\.0\.0:8080 failed: port is already allocated/,
    'POST',
    '/containers/db/ports',
    {
      Add: { '80/tcp': [{ HostPort: '8080' }] },
    },
  ],
  [400, /port/i, 'POST', '/containers/db/ports', { Add: { '80/tcp': [{ HostPort: '99999' }] } }],
  [400, /port|proto/i, 'POST', '/containers/db/ports', { Add: { 'x/tcp': [] } }],
];

/** All that a request could change, as text. */
async function snapshot(host: Host, daemon: Daemon): Promise<string[]> {
  const { body: networks } = await daemon.api<{ Id: string }[]>('GET', '/networks');
  const store = new DatabaseSync(`${daemon.dataRoot}/berth.db`, { readOnly: true });
  try {
    const tables = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return [
      ...tables.map(({ name }) => JSON.stringify(store.prepare(`SELECT * FROM "${String(name)}"`).all())),
      JSON.stringify(await Promise.all(networks.map(async ({ Id }) => daemon.api('GET', `/networks/${Id}`)))),
      JSON.stringify((await daemon.api('GET', '/containers/web/json')).body),
      JSON.stringify((await daemon.api('GET', '/containers/json?all=1')).body).replaceAll(/"Status":"[^"]*"/g, ''),
      await host.run('nft', '-s', 'list', 'ruleset'),
      await host.run('sh', '-c', 'ip -j addr; ip route; ip -6 route; ss -Hltun | sort'),
      await host.run('sh', '-c', 'cd /proc/sys/net; cat ipv4/ip_forward ipv6/conf/all/forwarding'),
    ];
  } finally {
    store.close();
  }
}

hostTest('networks: every refusal has its status and words, and changes nothing', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk } = daemon;
  await dockerOk(...words('network create --subnet 10.8.0.0/24 front'));
  await dockerOk(...words('network create --subnet 10.9.0.0/24 back'));
  await dockerOk(...words('network create auto'));
  await dockerOk(...words('network create --config-only --subnet 10.4.0.0/24 plan'));
  await idle(daemon, 'web', ...words('--network front -p 8080:80'));
  await idle(daemon, 'db', ...words('--network back --ip 10.9.0.7'));
  const before = await snapshot(host, daemon);
  const failures: string[] = [];
  for (const [status, says, method, path, body] of [...CREATE, ...OTHERS]) {
    const answer = await daemon.api<{ message?: string }>(method, encodeURI(path), body);
    const message = String(answer.body.message);
    if (answer.status !== status || !says.test(message)) {
      failures.push(`${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${message}, wanted ${status} ${says}`);
    }
  }
  assert.deepEqual(failures, []);
  const after = await snapshot(host, daemon);
  for (const [index, text] of before.entries()) assert.equal(after[index], text, 'nothing changed');
});
