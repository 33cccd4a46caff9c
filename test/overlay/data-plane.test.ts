/** The data plane of overlay networks: three hosts on one wire, seen with `ip`, `bridge`, ping and tcpdump. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { json } from '../network/support.ts';
import { createUnderlay } from '../support/underlay.ts';
import { until } from '../support/wait.ts';
import { BRIDGE, GATEWAY, peerPlan, startOverlayHost, TUNNEL, underlayAddress } from './data-plane-support.ts';
import { watchWire, ways } from './data-plane-support.ts';
import type { Container, OverlayHost, Wire } from './data-plane-support.ts';

interface Scene {
  family: 4 | 6;
  /** Underlay address of host n. */
  at: (n: number) => string;
  a: OverlayHost;
  c: OverlayHost;
  /** On a, b, c and a. */
  containers: [Container, Container, Container, Container];
  wire: Wire;
}

/** Container → number of its host. */
const PLACES = [
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 1],
] as const;

/** Seconds after which a ping that nobody answers is given up. */
const SHORT = 0.3;

for (const family of [4, 6] as const) {
  void test(`one network on three hosts; IPv${family} underlay`, async () => {
    await using underlay = await createUnderlay();
    const started = await Promise.all([1, 2, 3].map(async (n) => startOverlayHost(underlay, n, family)));
    await using hosts = new AsyncDisposableStack();
    for (const one of started) hosts.use(one);
    const [a, b, c] = started;
    assert.ok(a && b && c);
    await using wire = await watchWire(underlay, a);
    for (const [n, one] of started.entries()) {
      const others = PLACES.filter(([, at]) => at !== n + 1);
      await one.kernel.setPeers(
        one.plan,
        others.map(([which, at]) => peerPlan(which, at, family)),
      );
    }
    const containers: Scene['containers'] = [
      await a.container(1),
      await b.container(2),
      await c.container(3),
      await a.container(4),
    ];
    // Each has told its neighbours of its addresses: those on its host.
    assert.deepEqual(await wire.frames(), []);
    const scene: Scene = { family, at: (n) => underlayAddress(n, family), a, c, containers, wire };
    await reach(scene);
    await nothingIsLookedFor(scene);
    await gatewaysStayAtHome(scene);
    await strangers(scene);
    await toAll(scene);
    await moving(scene);
  });
}

/** Both families, frames to one host only, packets as long as the MTU says, streams. */
async function reach({ family, at, containers: [one, two, three, four], wire }: Scene): Promise<void> {
  for (const to of [two, three]) {
    assert.deepEqual([await one.pings(to.ip4), await one.pings(to.ip6)], [true, true]);
    assert.deepEqual(
      ways(await wire.frames()),
      [`${at(1)} > ${at(to.n)}  ${one.mac} > ${to.mac}`, `${at(to.n)} > ${at(1)}  ${to.mac} > ${one.mac}`].toSorted(),
    );
  }
  const whole = async (to: string, bytes: number): Promise<string> => {
    const { code, stderr } = await one.exec('ping', '-c1', '-W1', '-Mdo', `-s${bytes}`, to);
    return `${code} ${stderr}`;
  };
  const mtu = family === 4 ? 1450 : 1430;
  assert.equal(await whole(two.ip4, mtu - 28), '0 ');
  assert.equal(await whole(two.ip6, mtu - 48), '0 ');
  assert.match(await whole(two.ip4, mtu - 27), /too long/);
  assert.equal((await wire.frames()).length, 4);

  const text = Buffer.from(Array.from({ length: 300_000 }, (_, n) => `${n}\n`).join(''));
  for (const [listen, to] of [
    ['TCP4-LISTEN:7000,reuseaddr', `TCP4:${two.ip4}:7000`],
    ['TCP6-LISTEN:7000,reuseaddr', `TCP6:[${two.ip6}]:7000`],
  ] as const) {
    const received = two.run('sh', '-c', `socat -u ${listen} STDOUT | sha256sum`);
    await until(async () => (await two.run('ss', '-Htln')).includes(':7000'));
    await one.run('sh', '-c', `seq 0 299999 | socat -u STDIN ${to}`);
    assert.equal((await received).split(' ')[0], createHash('sha256').update(text).digest('hex'));
  }
  await wire.frames();
  // On one host nothing reaches the wire.
  assert.deepEqual([await one.pings(four.ip4), await one.pings(four.ip6)], [true, true]);
  assert.deepEqual(await wire.frames(), []);
}

/** Questions of ARP and ND end in the tunnel, whether there is an answer or not; so does what is for a MAC that nobody has. */
async function nothingIsLookedFor({ containers: [one, two], wire }: Scene): Promise<void> {
  assert.deepEqual([await one.pings('10.77.0.99', SHORT), await one.pings('fd00:77::99', SHORT)], [false, false]);
  await one.run('ip', 'neigh', 'add', '10.77.0.98', 'lladdr', '02:42:0a:4d:ff:ff', 'dev', 'eth0');
  assert.equal(await one.pings('10.77.0.98', SHORT), false);
  // A neighbour that is known is asked again, directly, whether it is still there.
  for (const address of [two.ip4, two.ip6]) {
    await one.run('ip', 'neigh', 'replace', address, 'nud', 'probe', 'dev', 'eth0', 'lladdr', two.mac);
    await until(async () => (await one.run('ip', 'neigh', 'show', address)).includes('REACHABLE'));
  }
  assert.deepEqual(await wire.frames(), []);
}

/** The host is on the network with the same address and MAC everywhere: it has its own containers, and they have it. */
async function gatewaysStayAtHome({ a, containers: [one, two], wire }: Scene): Promise<void> {
  const reaches = async (address: string): Promise<boolean> =>
    (await a.host.exec(['ping', '-c1', `-W${SHORT}`, address])).code === 0;
  assert.deepEqual([await reaches(one.ip4), await reaches(one.ip6)], [true, true]);
  assert.deepEqual([await two.pings(GATEWAY.ip4), await two.pings(GATEWAY.ip6)], [true, true]);
  assert.deepEqual([await reaches(two.ip4), await reaches(two.ip6)], [false, false]);
  // Nor does a host that knows the way by itself.
  await a.host.run('ip', 'neigh', 'replace', two.ip4, 'lladdr', two.mac, 'dev', BRIDGE);
  assert.equal(await reaches(two.ip4), false);
  assert.deepEqual(await wire.frames(), []);
}

/** A MAC that a was not told of, the gateway's from elsewhere, and a container that takes another's. */
async function strangers({ family, a, c, containers: [one, two, , four] }: Scene): Promise<void> {
  const received = async (): Promise<number> => {
    const [names, values] = (await one.run('grep', '^Icmp:', '/proc/net/snmp')).split('\n');
    return Number(values?.split(' ')[names?.split(' ').indexOf('InEchos') ?? -1]);
  };
  const before = await received();
  const unknown = await c.container(9);
  assert.equal(await unknown.pings(one.ip4, SHORT), false);
  await unknown.run('ip', 'link', 'set', 'eth0', 'address', GATEWAY.mac);
  assert.equal(await unknown.pings(one.ip4, SHORT), false);
  assert.equal(await received(), before);
  await a.kernel.changePeers(a.plan, { add: [peerPlan(9, 3, family)], remove: [] });
  await unknown.run('ip', 'link', 'set', 'eth0', 'address', unknown.mac);
  assert.equal(await unknown.pings(one.ip4), true);

  // On the host of container 1: what is for 2 goes to its host all the same.
  await four.run('ip', 'link', 'set', 'eth0', 'address', two.mac);
  await four.pings(one.ip4, SHORT);
  assert.equal(await one.pings(two.ip4), true);
  const entries = await json<{ mac: string; ifname: string }[]>(
    a.host.run('bridge', '-j', 'fdb', 'show', 'br', BRIDGE, 'state', 'static'),
  );
  assert.deepEqual([...new Set(entries.flatMap(({ mac, ifname }) => (mac === two.mac ? [ifname] : [])))], [TUNNEL]);
  await four.run('ip', 'link', 'set', 'eth0', 'address', four.mac);
}

/** Broadcasts and multicasts go to the hosts that have somebody on the network, once each. */
async function toAll({ family, at, a, containers: [one, two, three], wire }: Scene): Promise<void> {
  const broadcast = `${one.mac} > ff:ff:ff:ff:ff:ff`;
  const shout = async (): Promise<string[]> => {
    await wire.frames();
    await one.exec('ping', '-b', '-c1', `-W${SHORT}`, '10.77.0.255');
    const frames = await wire.frames();
    assert.equal(frames.length, ways(frames).length);
    return ways(frames);
  };
  assert.deepEqual(await shout(), [`${at(1)} > ${at(2)}  ${broadcast}`, `${at(1)} > ${at(3)}  ${broadcast}`]);
  // Everybody answers, with the address that only the link knows.
  const { stdout } = await one.exec('ping', '-L', '-i0.3', '-c3', '-w1', 'ff02::1%eth0');
  for (const other of [two, three]) {
    // The MAC as an EUI-64.
    assert.ok(stdout.includes(`from fe80::42:aff:fe4d:${(10 + other.n).toString(16)}%eth0`), stdout);
  }
  await a.kernel.changePeers(a.plan, { add: [], remove: [peerPlan(3, 3, family), peerPlan(9, 3, family)] });
  assert.deepEqual(await shout(), [`${at(1)} > ${at(2)}  ${broadcast}`]);
  await a.kernel.changePeers(a.plan, { add: [], remove: [peerPlan(2, 2, family)] });
  assert.deepEqual(await shout(), []);
  assert.deepEqual([await one.pings(two.ip4, SHORT), await one.pings(two.ip6, SHORT)], [false, false]);
  assert.deepEqual(await wire.frames(), []);
  await a.kernel.changePeers(a.plan, { add: [peerPlan(2, 2, family), peerPlan(3, 3, family)], remove: [] });
  assert.equal(await one.pings(two.ip6), true);
}

/** Container 2 goes; another with its address and MAC comes on host c. */
async function moving({ family, at, a, c, containers: [one, two, three], wire }: Scene): Promise<void> {
  await two.run('ip', 'link', 'set', 'eth0', 'down');
  await three.run('ip', 'link', 'set', 'eth0', 'down', 'address', two.mac);
  await three.run('ip', 'addr', 'add', `${two.ip4}/24`, 'dev', 'eth0');
  await three.run('ip', 'link', 'set', 'eth0', 'up');
  await c.kernel.changePeers(c.plan, { add: [], remove: [peerPlan(2, 2, family)] });
  await wire.frames();
  await a.kernel.changePeers(a.plan, { add: [peerPlan(2, 3, family)], remove: [peerPlan(2, 2, family)] });
  assert.equal(await one.pings(two.ip4), true);
  // Told twice, or late: nothing changes.
  await a.kernel.changePeers(a.plan, { add: [peerPlan(2, 3, family)], remove: [] });
  await a.kernel.changePeers(a.plan, { add: [], remove: [peerPlan(2, 2, family), peerPlan(8, 2, family)] });
  assert.equal(await one.pings(two.ip4), true);
  assert.deepEqual(new Set((await wire.frames()).flatMap(({ from, to }) => [from, to])), new Set([at(1), at(3)]));
  const entries = await json<{ mac: string; dst?: string }[]>(a.host.run('bridge', '-j', 'fdb', 'show', 'dev', TUNNEL));
  assert.deepEqual(
    entries.flatMap(({ mac, dst }) => (dst === undefined ? [] : [`${mac} ${dst}`])).toSorted(),
    [`00:00:00:00:00:00 ${at(3)}`, `${two.mac} ${at(3)}`, `${three.mac} ${at(3)}`].toSorted(),
  );
}
