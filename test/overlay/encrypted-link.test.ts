/**
 * A tunnel that is bound to a link sends and receives by it and by no other. The link of WireGuard is stood in for by one that every
 * kernel has, a VXLAN device of its own on UDP port 8472: here it matters that it is the only way, not what it does.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostTest } from '../support/host.ts';
import { address4, address6, createUnderlay } from '../support/underlay.ts';
import type { Underlay } from '../support/underlay.ts';
import { until } from '../support/wait.ts';
import { startKernel } from '../network/kernel-support.ts';
import { TUNNEL, watchWire } from './data-plane-support.ts';
import type { OverlayHost } from './data-plane-support.ts';
import { boundPeer, entriesOf, frameOf, received, startBoundHost, withoutWireguard } from './encrypted-support.ts';

const LINK = 'sec0';
const inner = (n: number): string => `fe80::${n}`;
const MAC = '02:42:0a:4d:00:0b';

const start = async (underlay: Underlay, n: number, other: number): Promise<OverlayHost> =>
  startBoundHost(underlay, n, {
    family: 4,
    link: LINK,
    mtu: 1380,
    async prepare({ host, own }) {
      own.defer(async () => void (await host.exec(['ip', 'link', 'del', LINK])));
      const ends = ['local', address4(n), 'remote', address4(other)];
      await host.run(
        'ip',
        'link',
        'add',
        LINK,
        'type',
        'vxlan',
        'id',
        '9',
        ...ends,
        'dstport',
        '8472',
        'dev',
        'under0',
      );
      await host.run('ip', 'addr', 'add', `${inner(n)}/64`, 'dev', LINK, 'nodad');
      await host.run('ip', 'link', 'set', LINK, 'up');
      return { inner: inner(n) };
    },
  });

void test('by its link and by no other', async () => {
  await using underlay = await createUnderlay();
  const [a, b] = await Promise.all([start(underlay, 1, 2), start(underlay, 2, 1)]);
  await using hosts = new AsyncDisposableStack();
  for (const one of [a, b]) hosts.use(one);
  await using wire = await watchWire(underlay, a);
  await a.kernel.setPeers(a.plan, [boundPeer(2, inner(2))]);
  await b.kernel.setPeers(b.plan, [boundPeer(1, inner(1))]);
  const [one, two] = [await a.container(1), await b.container(2)];
  await sending();
  await receiving();
  await changing();

  async function sending(): Promise<void> {
    assert.deepEqual([await one.pings(two.ip4), await two.pings(one.ip6)], [true, true]);
    assert.deepEqual(await wire.frames(), [], 'nothing of the network is seen on the wire');
    assert.deepEqual(await entriesOf(a), [`00:00:00:00:00:00 fe80::2 ${LINK}`, `${two.mac} fe80::2 ${LINK}`]);
    // Even where the other link leads to a host of that address.
    await b.host.run('ip', 'addr', 'add', `${inner(2)}/64`, 'dev', 'under0', 'nodad');
    await a.host.run('ip', 'link', 'set', LINK, 'down');
    assert.equal(await one.pings(two.ip4, 0.3), false);
    assert.deepEqual(await wire.frames(), []);
    await a.host.run('ip', 'link', 'set', LINK, 'up');
    await a.host.run('ip', 'addr', 'replace', `${inner(1)}/64`, 'dev', LINK, 'nodad');
    assert.ok(await one.pings(two.ip4));
  }

  /** A host on the underlay that knows the network's number writes frames for a container: to each address that it can find. */
  async function receiving(): Promise<void> {
    const frame = frameOf(a.plan, one.mac, MAC);
    const send = async (way: string): Promise<void> =>
      void (await b.host.exec(['socat', '-u', 'STDIN', way], { input: frame }));
    const local = (await a.host.run('ip', '-6', '-o', 'addr', 'show', 'under0', 'scope', 'link')).match(
      /fe80::[\da-f:]+/,
    )?.[0];
    assert.ok(local);
    await wire.frames();
    const before = await received(a);
    await send(`UDP4-SENDTO:${address4(1)}:4789`);
    await send(`UDP6-SENDTO:[${address6(1)}]:4789`);
    await send(`UDP6-SENDTO:[${local}%under0]:4789`);
    // Some wait until the neighbour is known.
    let sent = 0;
    await until(async () => (sent += (await wire.frames()).length) === 3, 5000, 'three frames on the wire');
    assert.equal(await received(a), before);
    await send(`UDP6-SENDTO:[${inner(1)}%${LINK}]:4789`);
    await until(async () => (await received(a)) === before + 1);
  }

  async function changing(): Promise<void> {
    await a.kernel.changePeers(a.plan, { add: [], remove: [boundPeer(2, inner(2))] });
    assert.deepEqual(await entriesOf(a), []);
    await a.kernel.changePeers(a.plan, { add: [boundPeer(2, inner(2))], remove: [] });
    assert.ok(await one.pings(two.ip4));
    // A plain address is no way for it.
    await a.kernel.setPeers(a.plan, [boundPeer(2, address6(2))]);
    assert.deepEqual(await entriesOf(a), []);
    // What somebody else wrote so that frames leave by any link is put right.
    await a.host.run('bridge', 'fdb', 'replace', two.mac, 'dev', TUNNEL, 'dst', inner(2), 'self');
    await a.kernel.setPeers(a.plan, [boundPeer(2, inner(2))]);
    assert.deepEqual(await entriesOf(a), [`00:00:00:00:00:00 fe80::2 ${LINK}`, `${two.mac} fe80::2 ${LINK}`]);
    // It goes with its link, and is not made without.
    await a.host.run('ip', 'link', 'del', LINK);
    assert.notEqual((await a.host.exec(['ip', 'link', 'show', TUNNEL])).code, 0);
    await assert.rejects(async () => a.kernel.ensureTunnel(a.plan), /no such link: sec0/);
    assert.equal(await one.pings(two.ip4, 0.3), false);
    assert.deepEqual(await wire.frames(), []);
  }
});

void describe('a kernel without WireGuard', { skip: withoutWireguard === false && 'the kernel has WireGuard' }, () => {
  hostTest('says so, and nothing is left', {}, async (host) => {
    await using process = await startKernel(host);
    const before = await host.run('ip', '-o', 'link');
    const plan = { name: 'wg-berth', owner: 'berth:wireguard', address: inner(1), port: 51820, mtu: 1440, peers: [] };
    await assert.rejects(
      async () => process.kernel.ensureWireguard(plan),
      /this kernel cannot make wireguard interfaces: load the module wireguard \(CONFIG_WIREGUARD\)/,
    );
    assert.equal(await host.run('ip', '-o', 'link'), before);
  });
});
