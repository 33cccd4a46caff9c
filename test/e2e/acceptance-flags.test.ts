/** Flags of the daemon about networks that no other test starts it with, each seen from a container or by a connection. */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, OUTSIDE } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { addresses, ask, idle, inside, serve, words } from './support.ts';

/** A daemon with flags of its own, and nothing of it afterwards. */
async function withFlags(host: Host, flags: string, use: (daemon: Daemon) => Promise<void>): Promise<void> {
  const daemon = await host.startDaemon({ args: words(flags) });
  await use(daemon);
  await daemon.removeContainers();
  await daemon.dockerOk('network', 'prune', '-f');
  await daemon.stop();
}

/** Lines of a container's resolv.conf but comments. */
const resolvConf = async ({ dockerOk }: Daemon, ...flags: string[]): Promise<string[]> =>
  (await dockerOk('run', '--rm', ...flags, 'busybox', 'grep', '-v', '^#\\|^$', '/etc/resolv.conf')).split('\n');

hostTest('--bridge: none, and one of the administrator’s', {}, async (host) => {
  await withFlags(host, '--bridge=none', async (daemon) => {
    const { dockerOk } = daemon;
    assert.equal(await dockerOk('network', 'ls', '--format', '{{.Name}}'), 'host\nnone');
    const links = words('busybox ls /sys/class/net');
    assert.equal(await dockerOk('run', '--rm', ...links), 'lo');
    await dockerOk('network', 'create', 'front');
    assert.equal(await dockerOk('run', '--rm', '--network', 'front', ...links), 'eth0\nlo');
    assert.notEqual((await host.exec(words('ip link show docker0'))).code, 0);
  });
  await host.run('sh', '-c', 'ip link add lan0 type bridge; ip addr add 10.66.0.1/24 dev lan0; ip link set lan0 up');
  await withFlags(host, '--bridge=lan0 --fixed-cidr=10.66.0.128/25 --default-gateway=10.66.0.254', async (daemon) => {
    await idle(daemon, 'box');
    assert.deepEqual(await addresses(host, daemon, 'box'), ['eth0 10.66.0.128/24']);
    assert.match(await daemon.dockerOk('exec', 'box', 'ip', 'route'), /^default via 10\.66\.0\.254 /m);
  });
  assert.match(await host.run('ip', 'addr', 'show', 'lan0'), /10\.66\.0\.1\/24/);
  await host.run('ip', 'link', 'del', 'lan0');
});

hostTest('addresses of the default bridge in both families', { outside: true }, async (host) => {
  const six = '--ipv6 --bip6=fd00:55::1/64 --fixed-cidr-v6=fd00:55::8000/113 --default-gateway-v6=fd00:55::fe';
  await withFlags(
    host,
    `${six} --bip=10.55.0.1/16 --fixed-cidr=10.55.7.0/24 --default-gateway=10.55.0.254`,
    async (daemon) => {
      await idle(daemon, 'box');
      assert.deepEqual(await addresses(host, daemon, 'box'), ['eth0 10.55.7.0/16', 'eth0 fd00:55::8000/64']);
      assert.match(await daemon.dockerOk('exec', 'box', 'ip', 'route'), /^default via 10\.55\.0\.254 /m);
      assert.match(await daemon.dockerOk('exec', 'box', 'ip', '-6', 'route'), /^default via fd00:55::fe /m);
    },
  );
  await withFlags(host, '--ipv6 --ip6tables=false', async (daemon) => {
    await serve(daemon, 'web', words('-p 8080:80'));
    assert.match((await addresses(host, daemon, 'web')).join(), /fd[0-9a-f:]+::2\/64/);
    assert.equal(await ask(host.outside, OUTSIDE.host4, 8080), `web ${OUTSIDE.ip4}`);
    assert.match(await ask(host.outside, OUTSIDE.host6, 8080), /^web /, 'by the proxy alone');
  });
});

hostTest('--default-network-opt, --mtu and --ip', { outside: true }, async (host) => {
  const defaults = ['driver.mtu=1234', 'bridge.host_binding_ipv4=127.0.0.1']
    .map((option) => `--default-network-opt=bridge=com.docker.network.${option}`)
    .join(' ');
  await withFlags(host, `${defaults} --mtu=1300 --ip=127.0.0.1`, async (daemon) => {
    const { dockerOk } = daemon;
    // Less than IPv6 needs: the kernel takes IPv6 from such links.
    await dockerOk('network', 'create', 'front');
    await dockerOk('network', 'create', '-o', 'com.docker.network.driver.mtu=1400', 'back');
    for (const [network, mtu] of [
      ['front', '1234'],
      ['back', '1400'],
      ['bridge', '1300'],
    ] as const) {
      assert.equal(
        await dockerOk('run', '--rm', '--network', network, ...words('busybox cat /sys/class/net/eth0/mtu')),
        mtu,
      );
    }
    await serve(daemon, 'one', words('--network front -p 8080:80'));
    await serve(daemon, 'two', words('-p 8081:80'));
    for (const [name, port] of [
      ['one', 8080],
      ['two', 8081],
    ] as const) {
      assert.equal(await dockerOk('port', name), `80/tcp -> 127.0.0.1:${port}`);
      assert.match(await ask(host, '127.0.0.1', port), new RegExp(`^${name} `));
      assert.equal(await ask(host.outside, OUTSIDE.host4, port), '');
    }
    await daemon.kill9();
    await daemon.restart();
    assert.match(await ask(host, '127.0.0.1', 8080), /^one /, 'a link without IPv6 is taken over');
  });
});

hostTest('published ports without rules, and without the proxy', { outside: true }, async (host) => {
  for (const backend of ['nftables', 'iptables']) {
    await withFlags(host, `--iptables=false --ip6tables=false --ipv6 --firewall-backend=${backend}`, async (daemon) => {
      await daemon.dockerOk('network', 'create', 'front');
      await serve(daemon, 'web', words('--network front -p 8080:80 -p 8080:80/udp'));
      assert.equal(await host.run('nft', 'list', 'ruleset'), '');
      assert.match(await ask(host.outside, OUTSIDE.host4, 8080), /^web /);
      assert.match(await ask(host.outside, OUTSIDE.host4, 8080, 'udp'), /^web /);
      assert.match(await ask(host.outside, OUTSIDE.host6, 8080), /^web /);
      assert.match(await ask(host, '127.0.0.1', 8080), /^web /);
    });
  }
  for (const backend of ['nftables', 'iptables']) {
    await withFlags(host, `--userland-proxy=false --firewall-backend=${backend}`, async (daemon) => {
      await daemon.dockerOk('network', 'create', '--ipv6', 'front');
      await serve(daemon, 'web', words('--network front -p 8080:80 -p 8080:80/udp'));
      const web = inside(daemon, 'web');
      for (const protocol of ['tcp', 'udp'] as const) {
        assert.equal(await ask(host.outside, OUTSIDE.host4, 8080, protocol), `web ${OUTSIDE.ip4}`);
        assert.match(await ask(host, '127.0.0.1', 8080, protocol), /^web /);
        // With br_netfilter the packet comes back by the port of the bridge that it came from.
        assert.match(await ask(web, OUTSIDE.host4, 8080, protocol), /^web /, `its own port, ${protocol}, ${backend}`);
        assert.match(await ask(web, OUTSIDE.host6, 8080, protocol), /^web /, `its own port, ${protocol}, ${backend}`);
      }
      assert.match(await ask(host.outside, OUTSIDE.host6, 8080), /^web /);
    });
  }
});

hostTest('--allow-direct-routing and --bridge-accept-fwmark', { outside: true }, async (host) => {
  await host.outside.run(...words(`ip route add 10.8.0.0/24 via ${OUTSIDE.host4}`));
  const network = words('network create --subnet 10.8.0.0/24 front');
  await withFlags(host, '--allow-direct-routing', async (daemon) => {
    await daemon.dockerOk(...network);
    await serve(daemon, 'web', words('--network name=front,ip=10.8.0.5 -p 8080:80'), [80, 81]);
    assert.equal(await ask(host.outside, '10.8.0.5', 80), `web ${OUTSIDE.ip4}`);
    assert.equal(await ask(host.outside, '10.8.0.5', 81), '', 'not published');
  });
  for (const backend of ['nftables', 'iptables']) {
    await withFlags(host, `--bridge-accept-fwmark=0x10/0xf0 --firewall-backend=${backend}`, async (daemon) => {
      await daemon.dockerOk(...network);
      await serve(daemon, 'web', words('--network name=front,ip=10.8.0.5'));
      assert.equal(await ask(host.outside, '10.8.0.5', 80), '');
      const mark = 'add chain inet stamp in { type filter hook prerouting priority -200; }';
      await host.run('nft', `add table inet stamp; ${mark}; add rule inet stamp in iif eth0 meta mark set 0x13`);
      assert.equal(await ask(host.outside, '10.8.0.5', 80), `web ${OUTSIDE.ip4}`, backend);
      await host.run('nft', 'delete', 'table', 'inet', 'stamp');
    });
  }
});

hostTest('--dns, --dns-search, --dns-opt, --host-gateway-ip, --live-restore', { outside: true }, async (host) => {
  const dns = '--dns=198.51.100.1 --dns-search=corp.test --dns-opt=ndots:3';
  await withFlags(host, `${dns} --host-gateway-ip=192.0.2.9 --host-gateway-ip=2001:db8::9`, async (daemon) => {
    const { dockerOk } = daemon;
    await dockerOk('network', 'create', 'front');
    const tail = ['search corp.test', 'options ndots:3'];
    assert.deepEqual(await resolvConf(daemon), ['nameserver 198.51.100.1', ...tail]);
    assert.deepEqual(await resolvConf(daemon, '--network', 'front'), ['nameserver 127.0.0.11', ...tail]);
    const own = words('--network front --dns 192.0.2.7 --dns-search x.test --dns-opt timeout:1');
    assert.deepEqual(await resolvConf(daemon, ...own), [
      'nameserver 127.0.0.11',
      'search x.test',
      'options timeout:1 ndots:0',
    ]);
    assert.deepEqual(await resolvConf(daemon, '--dns-search', '.'), ['nameserver 198.51.100.1', 'options ndots:3']);
    const hosts = await dockerOk('run', '--rm', '--add-host', 'me:host-gateway', 'busybox', 'cat', '/etc/hosts');
    assert.match(hosts, /^192\.0\.2\.9\tme$/m);
    assert.match(hosts, /^2001:db8::9\tme$/m);
  });
  const start = (value: boolean) => host.startDaemon({ name: 'live', args: [`--live-restore=${value}`] });
  const state = ({ dockerOk }: Daemon): Promise<string> => dockerOk('inspect', '-f', '{{.State.Status}}', 'box');
  const first = await start(false);
  await idle(first, 'box', '--stop-timeout', '0');
  await first.stop();
  const second = await start(true);
  assert.equal(await state(second), 'exited');
  await second.dockerOk('start', 'box');
  await second.restart();
  assert.equal(await state(second), 'running');
  await second.removeContainers();
});
