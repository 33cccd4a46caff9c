/** Leases by a real berth-netd of a real dnsmasq, on macvlan links. */
import assert from 'node:assert/strict';
import type { LeaseWish } from '../../src/network/leases.ts';
import { netdProcesses, startDaemonSide } from '../dns/support.ts';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { addressesOf, createLan, gatewaysOf, missing, ROUTER } from './lan.ts';
import type { DhcpServer } from './lan.ts';

const MAC = '02:42:c0:00:02:99';

const wishOf = (path: string, wish: Partial<LeaseWish> = {}): LeaseWish => ({
  endpointId: 'e1',
  namespacePath: path,
  interfaceName: 'eth0',
  mac: MAC,
  clientId: 'ff00000001000400112233445566778899aabbccddeeff',
  hostname: 'web',
  address: '',
  broadcast: false,
  timeout: 8,
  ...wish,
});

const count = (server: DhcpServer, word: string): number => server.log().split(`${word}(`).length - 1;
const skip = missing;

hostTest('a lease: obtained, renewed also without a daemon, kept by the next, given back', { skip }, async (host) => {
  await using lan = await createLan(host);
  const server = await lan.serve({ renew: 3, args: ['--dhcp-option=26,1400', '--domain=lan.example'] });
  const box = await lan.client('box', MAC);
  const first = startDaemonSide(host);
  const lease = await first.obtainLease(wishOf(box.path));
  assert.deepEqual(await addressesOf(box), [lease.address]);
  assert.deepEqual(
    { ...lease, since: 0, address: '', serverMac: '' },
    {
      address: '',
      gateway: ROUTER,
      mtu: 1400,
      nameservers: [],
      domain: 'lan.example',
      server: ROUTER,
      serverMac: '',
      since: 0,
      duration: 120,
      renewAfter: 3,
      rebindAfter: 105,
    },
  );
  assert.match(await box.run('ip', 'link', 'show', 'eth0'), / mtu 1400 /);
  const line = `${lease.address.replace('/24', '')} web ff:00:00:00:01:00:04:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff`;
  assert.deepEqual(server.leases(), [line]);
  await box.run('ping', '-c1', '-W1', ROUTER);

  await until(() => count(server, 'DHCPACK') >= 2, 8000, 'a renewal');
  await until(() => first.log.some((text) => text.startsWith('lease')), 1000, 'news of it');
  await first.kill9();
  const renewed = count(server, 'DHCPACK');
  await until(() => count(server, 'DHCPACK') > renewed, 8000, 'a renewal without a daemon');
  assert.equal(count(server, 'DHCPDISCOVER'), 1);

  const second = startDaemonSide(host);
  const kept = await second.keepLease(wishOf(box.path), lease);
  assert.equal(kept?.address, lease.address);
  assert.ok(kept.since > lease.since, 'as it was renewed meanwhile');
  await second.ready();
  await second.dropLease('e1');
  await until(() => server.leases().length === 0, 2000, 'the release');
  assert.equal(count(server, 'DHCPRELEASE'), 1);
  await second.close({ keep: true });
  await until(() => netdProcesses(host).length === 0, 2000, 'the end: nothing was kept');
});

hostTest(
  'berth-netd is killed: the next one goes on with the lease; what is not put again is given back',
  { skip },
  async (host) => {
    await using lan = await createLan(host);
    const server = await lan.serve({ renew: 3 });
    const box = await lan.client('box', MAC);
    const first = startDaemonSide(host);
    const lease = await first.obtainLease(wishOf(box.path));
    for (const pid of netdProcesses(host)) process.kill(pid, 'SIGKILL');
    await until(() => count(server, 'DHCPACK') >= 2, 10_000, 'a renewal by another process');
    assert.equal(count(server, 'DHCPDISCOVER'), 1);
    assert.deepEqual(await addressesOf(box), [lease.address]);
    await first.kill9();
    const second = startDaemonSide(host);
    await second.ready();
    await until(() => server.leases().length === 0, 2000, 'the release');
    await second.close({ keep: false });
  },
);

hostTest(
  'a berth-netd of another version takes the lease over, and the server hears nothing of it',
  { skip },
  async (host) => {
    await using lan = await createLan(host);
    const server = await lan.serve({ renew: 3 });
    const box = await lan.client('box', MAC);
    const first = startDaemonSide(host);
    const lease = await first.obtainLease(wishOf(box.path));
    const before = netdProcesses(host);
    await first.kill9();
    const second = startDaemonSide(host, { version: 'another' });
    assert.equal((await second.keepLease(wishOf(box.path), lease))?.address, lease.address);
    await second.ready();
    await until(() => netdProcesses(host).every((pid) => !before.includes(pid)), 3000, 'the end of the old one');
    const renewed = count(server, 'DHCPACK');
    await until(() => count(server, 'DHCPACK') > renewed, 8000, 'a renewal by the new one');
    assert.deepEqual([count(server, 'DHCPDISCOVER'), count(server, 'DHCPRELEASE')], [1, 0]);
    await second.dropLease('e1');
    await until(() => server.leases().length === 0, 2000, 'the release');
    await second.close({ keep: false });
  },
);

hostTest('no server, another address than asked for, the right one', { skip }, async (host) => {
  await using lan = await createLan(host);
  const box = await lan.client('box', MAC);
  const daemon = startDaemonSide(host);
  await assert.rejects(daemon.obtainLease(wishOf(box.path, { timeout: 1 })), {
    message: 'no DHCP server answered within 1 s',
  });
  const server = await lan.serve();
  await assert.rejects(daemon.obtainLease(wishOf(box.path, { address: '192.0.2.9' })), {
    message: /^the DHCP server 192\.0\.2\.1 does not give 192\.0\.2\.9: it offers 192\.0\.2\.1\d\d$/,
  });
  assert.deepEqual(await addressesOf(box), []);
  assert.equal((await daemon.obtainLease(wishOf(box.path, { address: '192.0.2.111' }))).address, '192.0.2.111/24');
  await daemon.dropLease('e1');
  await until(() => server.leases().length === 0, 2000, 'the release');
  await daemon.close({ keep: false });
});

hostTest('an address that a host of the LAN has is declined, and another taken', { skip }, async (host) => {
  await using lan = await createLan(host);
  const server = await lan.serve();
  const box = await lan.client('box', MAC);
  const daemon = startDaemonSide(host);
  const before = (await daemon.obtainLease(wishOf(box.path))).address.replace('/24', '');
  await daemon.dropLease('e1');
  await box.run('ip', 'addr', 'flush', 'dev', 'eth0');
  // dnsmasq would give the same client the same again.
  await lan.foreigner('other', before);
  const { address } = await daemon.obtainLease(wishOf(box.path));
  assert.notEqual(address, `${before}/24`);
  assert.match(server.log(), new RegExp(`DHCPDECLINE\\(br0\\) ${before}`));
  assert.deepEqual(await addressesOf(box), [address]);
  await daemon.dropLease('e1');
  await daemon.close({ keep: false });
});

const elsewhere = { range: ['192.0.2.200', '192.0.2.210'], renew: 3, fresh: true } as const;

for (const alive of [true, false]) {
  const name = `refused by the server, ${alive ? 'with' : 'without'} a daemon: another address, and the default route with it`;
  hostTest(name, { skip }, async (host: Host) => {
    await using lan = await createLan(host);
    const server = await lan.serve({ renew: 3 });
    const box = await lan.client('box', MAC);
    const daemon = startDaemonSide(host);
    const lease = await daemon.obtainLease(wishOf(box.path));
    await box.run('ip', 'route', 'add', 'default', 'via', ROUTER);
    if (!alive) await daemon.kill9();
    await server.stop();
    await lan.place.run('ip', 'addr', 'add', '192.0.2.2/24', 'dev', 'br0');
    const other = await lan.serve({ ...elsewhere, args: ['--dhcp-option=3,192.0.2.2'] });
    await until(async () => (await addressesOf(box)).join().startsWith('192.0.2.2'), 8000, 'another address');
    assert.match(other.log(), /DHCPNAK/);
    assert.deepEqual(await gatewaysOf(box), ['192.0.2.2']);
    const news = (): string[] => daemon.log.filter((text) => text.startsWith('lease'));
    if (alive) {
      await until(() => news().length >= 2, 1000, 'news of both');
      assert.match(news().at(-2) ?? '', /refused to renew it/);
      assert.match(news().at(-1) ?? '', /"address":"192\.0\.2\.2/);
      await daemon.dropLease('e1');
      await daemon.close({ keep: false });
    } else {
      const second = startDaemonSide(host);
      const now = await second.keepLease(wishOf(box.path), lease);
      assert.deepEqual([now?.address], await addressesOf(box));
      await second.dropLease('e1');
      await second.close({ keep: false });
    }
  });
}

hostTest('what a container sends itself is not heard: it cannot lend itself an address', { skip }, async (host) => {
  await using lan = await createLan(host);
  const box = await lan.client('box', MAC);
  const other = await lan.client('other', '02:42:c0:00:02:98');
  const script = new URL('wire-process.ts', import.meta.url).pathname;
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', script];
  assert.equal(await host.run(...node, box.path, box.path, other.path), '02:00:00:00:00:02');
});
