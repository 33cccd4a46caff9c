/** WireGuard between three hosts, where the kernel has it; `wg` says what the device has, tcpdump what is on the wire. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WireguardPlan } from '../../src/drivers/plan.ts';
import { innerAddress } from '../../src/network/secure.ts';
import { startKernel } from '../network/kernel-support.ts';
import { json } from '../network/support.ts';
import { createUnderlay } from '../support/underlay.ts';
import { until } from '../support/wait.ts';
import { underlayAddress, watchWire } from './data-plane-support.ts';
import type { OverlayHost } from './data-plane-support.ts';
import { boundPeer, startBoundHost, withoutWireguard } from './encrypted-support.ts';

const LINK = 'wg-berth';
const PORT = 51820;

interface Secure {
  host: OverlayHost;
  n: number;
  publicKey: string;
  inner: string;
}

void describe('WireGuard', { skip: withoutWireguard }, () => {
  for (const family of [4, 6] as const) {
    void test(`between hosts; IPv${family} underlay`, async () => {
      await using underlay = await createUnderlay();
      await using hosts = new AsyncDisposableStack();
      const mtu = 1500 - (family === 4 ? 60 : 80);
      const planOf = ({ inner }: Omit<Secure, 'host'>, ...others: Secure[]): WireguardPlan => ({
        name: LINK,
        owner: 'berth:wireguard',
        address: inner,
        port: PORT,
        mtu,
        peers: others.map((other) => ({
          publicKey: other.publicKey,
          address: other.inner,
          host: underlayAddress(other.n, family),
          port: PORT,
        })),
      });
      const start = async (n: number): Promise<Secure> => {
        let secure: Omit<Secure, 'host'> | undefined;
        const host = await startBoundHost(underlay, n, {
          family,
          link: LINK,
          mtu: mtu - 70,
          async prepare({ own, kernel, process }) {
            const publicKey = await process.own.publicKey();
            secure = { n, publicKey, inner: innerAddress(publicKey) ?? assert.fail() };
            own.defer(async () => kernel.linksGone([LINK], 0));
            await kernel.ensureWireguard(planOf(secure));
            return secure;
          },
        });
        hosts.use(host);
        assert.ok(secure);
        return { ...secure, host };
      };
      const [a, b, c] = [await start(1), await start(2), await start(3)];
      await using wire = await watchWire(underlay, a.host);
      const [one, two, three] = [await a.host.container(1), await b.host.container(2), await c.host.container(3)];
      await a.host.kernel.setPeers(a.host.plan, [boundPeer(2, b.inner), boundPeer(3, c.inner)]);
      await b.host.kernel.setPeers(b.host.plan, [boundPeer(1, a.inner)]);
      await c.host.kernel.setPeers(c.host.plan, [boundPeer(1, a.inner)]);

      await a.host.kernel.ensureWireguard(planOf(a, b));
      await b.host.kernel.ensureWireguard(planOf(b, a));
      await c.host.kernel.ensureWireguard(planOf(c, a));
      // The first may be lost while the two agree on keys.
      await until(async () => one.pings(two.ip4), 30_000, 'a ping through WireGuard');
      assert.deepEqual([await one.pings(two.ip6), await two.pings(one.ip4)], [true, true]);
      const whole = async (bytes: number): Promise<number> =>
        (await one.exec('ping', '-c1', '-W2', '-Mdo', `-s${bytes}`, two.ip4)).code;
      assert.equal(await whole(mtu - 70 - 28), 0, 'as long as the MTU says');
      assert.equal(await one.pings(three.ip4, 0.5), false, 'a does not know c, whatever c thinks');
      assert.equal(await three.pings(one.ip4, 0.5), false);
      assert.deepEqual(await wire.frames(), [], 'nothing of the network is seen on the wire');

      // c comes: what a and b have agreed on stays.
      const received = async (): Promise<number> => {
        const [link] = await json<{ stats64: { rx: { bytes: number } } }[]>(
          a.host.host.run('ip', '-s', '-j', 'link', 'show', LINK),
        );
        return link?.stats64.rx.bytes ?? 0;
      };
      const handshake = 92 + 148;
      await a.host.kernel.ensureWireguard(planOf(a, b, c));
      await until(async () => one.pings(three.ip4), 30_000, 'a ping to the host that came');
      const before = await received();
      await a.host.kernel.ensureWireguard(planOf(a, b, c));
      assert.ok(await one.pings(two.ip4), 'the first ping is answered');
      assert.ok((await received()) - before < handshake + 200);

      // …and goes: a has nothing from it and sends it nothing; b does not notice.
      await a.host.kernel.ensureWireguard(planOf(a, b));
      assert.deepEqual([await one.pings(three.ip4, 0.5), await three.pings(one.ip4, 0.5)], [false, false]);
      assert.ok(await one.pings(two.ip4));

      // Somebody sets the device down and takes its address: it is made right.
      await a.host.host.run('ip', 'link', 'set', LINK, 'down');
      assert.equal(await one.pings(two.ip4, 0.5), false);
      await a.host.kernel.ensureWireguard(planOf(a, b));
      await until(async () => one.pings(two.ip4), 30_000, 'a ping through the device that was put right');

      // Another port; and one that is taken.
      await b.host.kernel.ensureWireguard({ ...planOf(b, a), port: PORT + 1 });
      await a.host.kernel.ensureWireguard({
        ...planOf(a, b),
        peers: planOf(a, b).peers.map((peer) => ({ ...peer, port: PORT + 1 })),
      });
      await until(async () => one.pings(two.ip4), 30_000, 'a ping to the other port');
      await assert.rejects(
        async () => a.host.kernel.ensureWireguard({ ...planOf(a, b), name: 'wg-other', address: 'fe80::1' }),
        /UDP port 51820, by which hosts send each other what is encrypted, is in use.*--cluster-wireguard-port/,
      );
      assert.notEqual((await a.host.host.exec(['ip', 'link', 'show', 'wg-other'])).code, 0);
      await assert.rejects(
        async () => a.host.kernel.ensureWireguard({ ...planOf(a, b), owner: 'berth-2:wireguard' }),
        /somebody else's/,
      );

      // The device goes, and its tunnel with it: nothing leaves any more.
      await a.host.kernel.linksGone([LINK], 0);
      assert.equal(await one.pings(two.ip4, 0.5), false);
      assert.deepEqual(await wire.frames(), []);
    });
  }

  void test('a thousand peers are set in several messages, and read in several', async () => {
    await using underlay = await createUnderlay();
    await using host = await underlay.host(1);
    await using process = await startKernel(host);
    const { kernel } = process;
    const peers = Array.from({ length: 1000 }, (_, n) => {
      const key = Buffer.alloc(32, 1);
      key.writeUInt16BE(n, 6);
      const publicKey = key.toString('base64');
      return { publicKey, address: innerAddress(publicKey) ?? '', host: underlayAddress(1 + (n % 90), 4), port: PORT };
    });
    const plan = { name: LINK, owner: 'berth:x', address: 'fe80::9', port: PORT, mtu: 1440, peers };
    /** '<key> <inner>/128', as wg(8) sees them. */
    const shown = async (): Promise<string[]> =>
      (await host.run('wg', 'show', LINK, 'allowed-ips')).trim().replaceAll('\t', ' ').split('\n').toSorted();
    const wanted = (list: typeof peers): string[] =>
      list.map(({ publicKey, address }) => `${publicKey} ${address}/128`).toSorted();
    await kernel.ensureWireguard(plan);
    assert.deepEqual(await shown(), wanted(peers));
    assert.equal((await host.run('wg', 'show', LINK, 'public-key')).trim(), await process.own.publicKey());
    assert.equal((await host.run('wg', 'show', LINK, 'listen-port')).trim(), `${PORT}`);
    await kernel.ensureWireguard({ ...plan, peers: peers.slice(500) });
    assert.deepEqual(await shown(), wanted(peers.slice(500)));
    await kernel.linksGone([LINK], 0);
  });
});
