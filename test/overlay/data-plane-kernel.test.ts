/** Tunnels on one host: made, completed, refused, deleted by someone else; and their tables with what others did to them. */
import assert from 'node:assert/strict';
import type { PeerPlan, TunnelPlan } from '../../src/drivers/plan.ts';
import { bridgePlan, startKernel } from '../network/kernel-support.ts';
import type { KernelProcess } from '../network/kernel-support.ts';
import { json } from '../network/support.ts';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import type { Meanwhile } from './data-plane-meanwhile.ts';
import { BRIDGE, GATEWAY, TUNNEL, tunnelPlan } from './data-plane-support.ts';

const meanwhile = new URL('data-plane-meanwhile.ts', import.meta.url).pathname;
const plan = tunnelPlan(1, 4, { local: '198.51.100.2' });

/** Container n of 65,536, on one of 100 hosts. */
function peer(n: number): PeerPlan {
  const [high, low] = [n >> 8, n & 255].map((byte) => byte.toString(16).padStart(2, '0'));
  return {
    mac: `02:42:0a:05:${high}:${low}`,
    addresses: [`10.5.${n >> 8}.${n & 255}`, `fd05::${n.toString(16)}`],
    host: `203.0.113.${1 + (n % 100)}`,
  };
}
const peers = (count: number): PeerPlan[] => Array.from({ length: count }, (_, n) => peer(n + 1));

/** What `bridge` and `ip` say that the tunnel knows, as sorted lines. */
async function tables(host: Host, name = TUNNEL): Promise<string[]> {
  const entries = await json<{ mac: string; dst?: string; state: string; flags: string[] }[]>(
    host.run('bridge', '-j', 'fdb', 'show', 'dev', name),
  );
  const neighbours = await json<{ dst: string; lladdr: string; state: string[] }[]>(
    host.run('ip', '-j', 'neigh', 'show', 'dev', name, 'nud', 'permanent'),
  );
  return [
    ...entries
      .filter(({ state, dst }) => dst !== undefined || state !== 'permanent')
      .map(({ mac, dst, flags }) => `${mac} ${dst ?? 'tunnel'} ${flags.toSorted().join(' ')}`),
    ...neighbours.map(({ dst, lladdr }) => `${dst} is ${lladdr}`),
  ].toSorted();
}

/** The same, from the plans. */
function expected(list: readonly PeerPlan[]): string[] {
  return [
    ...new Set(list.map(({ host }) => `00:00:00:00:00:00 ${host} self`)),
    ...list.flatMap(({ mac, host, addresses }) => [
      `${mac} ${host} self sticky`,
      `${mac} tunnel sticky`,
      ...addresses.map((address) => `${address} is ${mac}`),
      ...(addresses.some((one) => one.includes(':')) ? [`${linkLocal(mac)} is ${mac}`] : []),
    ]),
  ].toSorted();
}

function linkLocal(mac: string): string {
  const parts = mac.split(':').map((part) => Number.parseInt(part, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = parts;
  const words = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return `fe80::${words.map((word) => word.toString(16)).join(':')}`.replace(/^fe80::0:/, 'fe80::');
}

interface Device {
  mtu: number;
  master?: string;
  flags: string[];
  ifalias?: string;
  linkinfo: { info_data: Record<string, unknown>; info_slave_data?: Record<string, unknown> };
}
const device = async (host: Host, name = TUNNEL): Promise<Device | undefined> =>
  (await json<(Device & { ifname: string })[]>(host.run('ip', '-j', '-d', 'link'))).find(
    ({ ifname }) => ifname === name,
  );

async function start(host: Host): Promise<KernelProcess> {
  const process = await startKernel(host);
  await process.kernel.ensureBridge(bridgePlan(BRIDGE, { mtu: plan.mtu }));
  return process;
}
const end = async ({ kernel }: KernelProcess): Promise<void> => kernel.linksGone([TUNNEL, BRIDGE], 0);

hostTest('a tunnel is made, completed, and made anew when its numbers differ', { outside: true }, async (host) => {
  await using process = await start(host);
  const { kernel } = process;
  await kernel.ensureTunnel(plan);
  const look = async (): Promise<unknown[]> => {
    const found = await device(host);
    assert.ok(found);
    const { id, local, local6, port, learning, proxy } = found.linkinfo.info_data;
    const slave = found.linkinfo.info_slave_data ?? {};
    return [
      found.mtu,
      found.master,
      found.flags.includes('UP'),
      found.ifalias,
      [id, local ?? local6, port, learning, proxy],
      [slave['learning'], slave['flood'], slave['neigh_suppress'], slave['locked'], slave['bcast_flood']],
    ];
  };
  const sound = [
    1450,
    BRIDGE,
    true,
    'berth:test/overlay',
    [4097, '198.51.100.2', 4789, false, true],
    [false, false, true, true, true],
  ];
  assert.deepEqual(await look(), sound);
  assert.deepEqual(
    await json<unknown[]>(host.run('ip', '-j', 'address', 'show', 'dev', TUNNEL)).then((list) =>
      (list as { addr_info: unknown[] }[]).map(({ addr_info }) => addr_info),
    ),
    [[]],
  );
  // One who asks finds it by its kind and mark.
  assert.deepEqual(
    (await kernel.survey()).links.find(({ name }) => name === TUNNEL),
    {
      name: TUNNEL,
      kind: 'vxlan',
      master: BRIDGE,
      alias: 'berth:test/overlay',
      up: true,
    },
  );

  await kernel.setPeers(plan, peers(3));
  const indexOf = async (): Promise<string> => host.run('cat', `/sys/class/net/${TUNNEL}/ifindex`);
  const index = await indexOf();
  for (const damage of [
    ['ip', 'link', 'set', TUNNEL, 'nomaster'],
    ['ip', 'link', 'set', TUNNEL, 'down'],
    ['ip', 'link', 'set', TUNNEL, 'mtu', '1300'],
    ['bridge', 'link', 'set', 'dev', TUNNEL, 'learning', 'on', 'flood', 'on', 'locked', 'off', 'neigh_suppress', 'off'],
  ]) {
    await host.run(...damage);
    assert.notDeepEqual(await look(), sound, damage.join(' '));
    await kernel.ensureTunnel(plan);
    assert.deepEqual(await look(), sound, damage.join(' '));
    await kernel.setPeers(plan, peers(3));
    assert.deepEqual(await tables(host), expected(peers(3)), damage.join(' '));
  }
  assert.equal(await indexOf(), index);
  for (const other of [
    { vni: 5000 },
    { port: 8472 },
    { local: '2001:db8:51::2', mtu: 1430 },
    {},
  ] satisfies Partial<TunnelPlan>[]) {
    const before = await indexOf();
    const wanted = { ...plan, ...other };
    await kernel.ensureTunnel(wanted);
    assert.notEqual(await indexOf(), before);
    assert.deepEqual(await look(), [
      wanted.mtu,
      BRIDGE,
      true,
      plan.owner,
      [wanted.vni, wanted.local, wanted.port, false, true],
      [false, false, true, true, true],
    ]);
    assert.deepEqual(await tables(host), []);
  }
  await end(process);
});

hostTest('what stands in the way of a tunnel is named, and nothing is left of it', { outside: true }, async (host) => {
  await using process = await start(host);
  const { kernel } = process;
  const before = await host.run('ip', '-br', 'link');
  await assert.rejects(kernel.ensureTunnel({ ...plan, bridge: 'br-none' }), /no such link: br-none/);
  await assert.rejects(kernel.ensureTunnel({ ...plan, name: BRIDGE }), /is no VXLAN device/);
  await assert.rejects(kernel.ensureTunnel({ ...plan, local: 'here' }), /no underlay address: here/);
  const socket = host.spawn(['socat', '-u', 'UDP4-RECVFROM:4789', 'STDOUT'], { stdio: 'ignore' });
  await until(async () => (await host.run('ss', '-Huln')).includes(':4789'));
  await assert.rejects(
    kernel.ensureTunnel(plan),
    /BerthError: UDP port 4789, by which hosts reach each other, is in use by another program/,
  );
  assert.equal(await host.run('ip', '-br', 'link'), before);
  await assert.rejects(kernel.setPeers(plan, peers(1)), /no such link/);
  await assert.rejects(kernel.changePeers(plan, { add: peers(1), remove: [] }), /no such link/);
  await host.run('pkill', '-x', 'socat').catch(() => undefined);
  await until(() => socket.exitCode !== null || socket.signalCode !== null);

  await kernel.ensureTunnel(plan);
  await assert.rejects(
    kernel.ensureTunnel({ ...plan, name: 'vx-other' }),
    /BerthError: another VXLAN device of this host has number 4097 on UDP port 4789/,
  );
  await assert.rejects(kernel.ensureTunnel({ ...plan, owner: 'berth:other' }), /somebody else's VXLAN device/);
  await kernel.ensureTunnel({ ...plan, name: 'vx-other', vni: 4098 });
  await kernel.linksGone(['vx-other'], 0);
  await end(process);
});

hostTest('a tunnel that somebody deletes or sets down is told of', { outside: true }, async (host) => {
  await using process = await start(host);
  const { kernel } = process;
  await process.watch();
  await kernel.ensureTunnel(plan);
  await kernel.setPeers(plan, peers(5));
  await host.run('ip', 'link', 'set', TUNNEL, 'down');
  await process.event((event) => event.kind === 'link-changed' && event.name === TUNNEL);
  await host.run('ip', 'link', 'del', TUNNEL);
  await process.event((event) => event.kind === 'link-gone' && event.name === TUNNEL);
  assert.equal(
    (await kernel.present()).links.some(({ name }) => name === TUNNEL),
    false,
  );
  await kernel.ensureTunnel(plan);
  await kernel.setPeers(plan, peers(5));
  assert.deepEqual(await tables(host), expected(peers(5)));
  assert.equal((await kernel.present()).links.find(({ name }) => name === TUNNEL)?.kind, 'vxlan');
  // With its bridge: the entries there go with it.
  await host.run('ip', 'link', 'del', BRIDGE);
  await kernel.ensureBridge(bridgePlan(BRIDGE, { mtu: plan.mtu }));
  await kernel.ensureTunnel(plan);
  await kernel.setPeers(plan, peers(5));
  assert.deepEqual(await tables(host), expected(peers(5)));
  await end(process);
});

hostTest(
  'tables are made right whatever was done to them; what is right is left alone',
  { outside: true },
  async (host) => {
    await using process = await start(host);
    const { kernel } = process;
    await kernel.ensureTunnel(plan);
    await kernel.setPeers(plan, peers(20));
    assert.deepEqual(await tables(host), expected(peers(20)));
    const [one, two] = peers(2);
    assert.ok(one && two);
    await host.exec(['bridge', '-batch', '-'], {
      input: [
        `fdb del ${one.mac} dev ${TUNNEL} self`,
        `fdb del ${two.mac} dev ${TUNNEL} master`,
        `fdb replace ${peer(3).mac} dev ${TUNNEL} self static dst 203.0.113.99`,
        `fdb add 02:42:0a:ff:ff:ff dev ${TUNNEL} self static dst 203.0.113.99`,
        `fdb add 02:42:0a:ff:ff:fe dev ${TUNNEL} master static`,
        `fdb append 00:00:00:00:00:00 dev ${TUNNEL} self permanent dst 203.0.113.99`,
        `fdb del 00:00:00:00:00:00 dev ${TUNNEL} self dst ${peer(4).host}`,
      ].join('\n'),
    });
    await host.exec(['ip', '-batch', '-'], {
      input: [
        `neigh del ${peer(5).addresses[0]} dev ${TUNNEL}`,
        `neigh replace ${peer(6).addresses[1]} lladdr 02:00:00:00:00:01 nud permanent dev ${TUNNEL}`,
        `neigh add 10.5.200.1 lladdr 02:00:00:00:00:01 nud permanent dev ${TUNNEL}`,
      ].join('\n'),
    });
    assert.notDeepEqual(await tables(host), expected(peers(20)));
    await kernel.setPeers(plan, peers(20));
    assert.deepEqual(await tables(host), expected(peers(20)));

    const monitor = host.spawn(['bridge', 'monitor', 'fdb'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    monitor.stdout?.on('data', (data: Buffer) => (told += data.toString()));
    await until(async () => {
      await kernel.changePeers(plan, { add: [peer(100)], remove: [] });
      return told !== '';
    });
    await until(async () => {
      told = '';
      await new Promise((resolve) => setTimeout(resolve, 100));
      return told === '';
    });
    await kernel.setPeers(plan, [...peers(20), peer(100)]);
    await kernel.setPeers(plan, peers(20));
    await until(() => told !== '');
    await until(async () => (await tables(host)).length === expected(peers(20)).length);
    assert.ok(
      told.split('\n').every((line) => line === '' || line.startsWith('Deleted')),
      told,
    );
    await host.run('pkill', '-x', 'bridge').catch(() => undefined);
    await until(() => monitor.exitCode !== null || monitor.signalCode !== null);
    await end(process);
  },
);

hostTest(
  'peers that are none harm nobody; one with the gateway’s MAC does not get its frames',
  { outside: true },
  async (host) => {
    await using process = await start(host);
    const { kernel } = process;
    await kernel.ensureTunnel(plan);
    const bad: PeerPlan[] = [
      { ...peer(50), mac: '00:00:00:00:00:00' },
      { ...peer(51), mac: 'ff:ff:ff:ff:ff:ff' },
      { ...peer(52), mac: 'nonsense' },
      { ...peer(53), mac: GATEWAY.mac },
      { ...peer(54), host: plan.local },
      { ...peer(55), host: '2001:db8::9' },
      { ...peer(56), host: '224.0.0.9' },
      { ...peer(57), host: '' },
    ];
    const odd: PeerPlan = { ...peer(3), addresses: ['10.5.0.3', 'elsewhere'] };
    await kernel.setPeers(plan, [...bad, ...peers(2), odd]);
    const sound = expected([...peers(2), { ...odd, addresses: ['10.5.0.3'] }]);
    assert.deepEqual(await tables(host), sound);
    await kernel.changePeers(plan, { add: bad, remove: bad });
    assert.deepEqual(await tables(host), sound);
    // Nor does one that is told twice, or whose address another has by now.
    await kernel.changePeers(plan, { add: [peer(1), peer(1)], remove: [] });
    assert.deepEqual(await tables(host), sound);
    const heir = { ...peer(9), addresses: peer(1).addresses };
    await kernel.changePeers(plan, { add: [heir], remove: [] });
    await kernel.changePeers(plan, { add: [], remove: [peer(1)] });
    assert.deepEqual(await tables(host), expected([peer(2), { ...odd, addresses: ['10.5.0.3'] }, heir]));
    // Too narrow for IPv6.
    await kernel.ensureBridge(bridgePlan(BRIDGE, { mtu: 1210, addresses: ['10.77.0.1/24'], sysctls: [] }));
    await kernel.ensureTunnel({ ...plan, mtu: 1210 });
    await kernel.setPeers(plan, peers(2));
    assert.deepEqual(
      await tables(host),
      expected(peers(2).map((one) => ({ ...one, addresses: one.addresses.slice(0, 1) }))),
    );
    await end(process);
  },
);

hostTest('a host that has IPv6 switched off carries it between containers', { outside: true }, async (host) => {
  for (const name of ['all', 'default']) await host.run('sysctl', '-qw', `net.ipv6.conf.${name}.disable_ipv6=1`);
  await using process = await startKernel(host);
  const { kernel } = process;
  await kernel.ensureBridge(bridgePlan(BRIDGE, { mtu: plan.mtu, addresses: ['10.77.0.1/24'], sysctls: [] }));
  await kernel.ensureTunnel(plan);
  await kernel.setPeers(plan, peers(2));
  assert.deepEqual(await tables(host), expected(peers(2)));
  // The host itself says nothing there.
  assert.equal(await host.run('ip', '-6', 'address', 'show', 'dev', TUNNEL), '');
  await end(process);
});

hostTest('10,000 peers, while others come and go', { outside: true }, async (host) => {
  await using process = await start(host);
  const list = peers(10_000);
  const differences = async (wanted: readonly PeerPlan[]): Promise<string[]> => {
    const [is, shall] = [await tables(host), expected(wanted)].map((lines) => new Set(lines));
    assert.ok(is && shall);
    return [...is, ...shall].filter((line) => is.has(line) !== shall.has(line)).slice(0, 10);
  };
  const perform = async (scenario: Omit<Meanwhile, 'plan'>): Promise<number> => {
    const input = JSON.stringify({ plan, ...scenario });
    const { stdout, stderr, code } = await host.exec(
      [globalThis.process.execPath, '--disable-warning=ExperimentalWarning', meanwhile],
      { input },
    );
    assert.equal(code, 0, stderr);
    return Number(stdout);
  };
  const moved = { ...peer(9_999), host: '203.0.113.200' };
  const turns = await perform({
    list,
    changes: [
      // Before the list was looked at to its end, and when most of it is in the kernel.
      { turn: 2, add: [peer(20_000), moved], remove: [peer(10_000), peer(9_999)] },
      { turn: 40, add: [peer(20_001)], remove: [peer(1), peer(9_998)] },
    ],
  });
  assert.ok(turns > 40, `${turns} turns`);
  assert.deepEqual(await differences([...list.slice(1, 9_997), peer(20_000), peer(20_001), moved]), []);
  await perform({ list, changes: [{ turn: 3, add: [peer(20_000)], remove: [] }], instead: list.slice(0, 5_000) });
  assert.deepEqual(await differences([...list.slice(0, 5_000), peer(20_000)]), []);
  await process.kernel.setPeers(plan, []);
  assert.deepEqual(await tables(host), []);
  await end(process);
});
