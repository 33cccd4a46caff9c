/** Options of networks that reach beyond the network itself, each seen by a connection or a packet. */
import assert from 'node:assert/strict';
import { hostTest, OUTSIDE } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { addresses, ask, idle, inside, serve, words } from './support.ts';

const option = (name: string, value: string): string[] => ['-o', `com.docker.network.${name}=${value}`];

/** Says by which address it is seen, like serve(), but outside. */
async function echoOutside(host: Host, port: number): Promise<void> {
  host.outside.spawn(['socat', `TCP6-LISTEN:${port},ipv6only=0,fork,reuseaddr`, 'SYSTEM:echo seen $SOCAT_PEERADDR']);
  await until(async () => (await host.outside.run('ss', '-Hltn')).includes(`:${port}`), 3000);
}

for (const backend of ['nftables', 'iptables']) {
  hostTest(`who may come directly, and as whom packets leave: ${backend}`, { outside: true }, async (host) => {
    const { outside } = host;
    const daemon = await host.startDaemon({
      args: [`--firewall-backend=${backend}`],
    });
    const { dockerOk } = daemon;
    for (const [network, links] of [
      ['trusting', 'lan7:eth0'],
      ['careful', 'lan7'],
    ] as const) {
      const subnet = network === 'trusting' ? '10.8.0' : '10.9.0';
      const trusted = option('bridge.trusted_host_interfaces', links);
      await dockerOk('network', 'create', '--subnet', `${subnet}.0/24`, ...trusted, network);
      await serve(daemon, `on-${network}`, words(`--network name=${network},ip=${subnet}.5 -p 80`), [80, 81]);
      await outside.run(...words(`ip route add ${subnet}.0/24 via ${OUTSIDE.host4}`));
    }
    assert.equal(await ask(outside, '10.8.0.5', 80), `on-trusting ${OUTSIDE.ip4}`);
    assert.equal(await ask(outside, '10.8.0.5', 81), '', 'published ports only');
    assert.equal(await ask(outside, '10.9.0.5', 80), '', 'eth0 is not trusted there');

    await host.run(...words('ip addr add 198.51.100.77/24 dev eth0'));
    await host.run(...words('ip addr add 2001:db8:51::77/64 dev eth0 nodad'));
    const sources = [...option('host_ipv4', '198.51.100.77'), ...option('host_ipv6', '2001:db8:51::77')];
    await dockerOk('network', 'create', '--ipv6', ...sources, 'sources');
    await idle(daemon, 'leaves', '--network', 'sources');
    await echoOutside(host, 7000);
    const leaves = inside(daemon, 'leaves');
    assert.equal(await ask(leaves, OUTSIDE.ip4, 7000), 'seen 198.51.100.77');
    assert.equal(await ask(leaves, OUTSIDE.ip6, 7000), 'seen 2001:db8:51::77');
    assert.match(await host.run(...words('iptables -t nat -S')), /-j SNAT --to-source 198\.51\.100\.77/);

    await daemon.removeContainers();
    // In the host's own PID namespace.
    await host.run('sh', '-c', 'for p in $(pgrep -x socat); do kill $p; done');
  });

  hostTest(
    `a flow of datagrams finds the next holder of the host port: ${backend}`,
    { outside: true },
    async (host) => {
      const daemon = await host.startDaemon({
        args: [`--firewall-backend=${backend}`],
      });
      const { dockerOk } = daemon;
      await dockerOk('network', 'create', '--subnet', '10.8.0.0/24', 'front');
      const flow = async (): Promise<string> => {
        const target = `UDP:${OUTSIDE.host4}:9000,sourceport=5555,reuseaddr`;
        const send = `for i in 1 2 3; do echo | timeout 2 socat -t0.4 - ${target} | grep . && break; done`;
        return (await host.outside.exec(['sh', '-c', send])).stdout.trim();
      };
      // The host port is not the container's: entries are found by the former.
      await serve(daemon, 'first', words('--network name=front,ip=10.8.0.5 -p 9000:80/udp'));
      assert.match(await flow(), /^first /);
      await dockerOk('rm', '-f', 'first');
      await serve(daemon, 'second', words('--network name=front,ip=10.8.0.6 -p 9000:80/udp'));
      assert.match(await flow(), /^second /);
      await daemon.berthOk('port', 'second', '--rm', '9000:80/udp');
      assert.equal(await flow(), '', 'nor does an open flow go on without the port');
    },
  );
}

hostTest('a gateway that is another machine’s; announcements as many as asked for', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk } = daemon;
  const shape = [...option('bridge.inhibit_ipv4', 'true'), ...option('bridge.name', 'lan0')];
  const told = [...option('advertise_addr_nmsgs', '2'), ...option('advertise_addr_ms', '100')];
  await dockerOk('network', 'create', ...words('--subnet 10.8.0.0/24 --gateway 10.8.0.9'), ...shape, ...told, 'front');
  await idle(daemon, 'one', '--network', 'front');
  const dump = host.spawn(words('tcpdump -lnei lan0 arp'), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let seen = '';
  for (const stream of [dump.stdout, dump.stderr]) stream?.on('data', (data: Buffer) => (seen += data.toString()));
  await until(() => seen.includes('listening'), 3000);
  await idle(daemon, 'two', '--network', 'name=front,ip=10.8.0.7');
  await until(() => count(seen) === 2, 3000, 'two announcements');
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(count(seen), 2, seen);
  assert.equal(await host.run(...words('ip -4 addr show lan0')), '', 'the bridge has no address');
  assert.deepEqual(await addresses(host, daemon, 'one'), ['eth0 10.8.0.1/24']);
  assert.match(await dockerOk('exec', 'one', 'ip', 'route'), /^default via 10\.8\.0\.9 /m);
  assert.match(await dockerOk('exec', 'one', 'ping', '-c1', '-W1', 'two'), / 0% packet loss/);
  await host.run('sh', '-c', 'for p in $(pgrep -x tcpdump); do kill $p; done');
});

/** Gratuitous ARP of 10.8.0.7: asked for and told by itself. */
const count = (dump: string): number =>
  dump.match(/who-has 10\.8\.0\.7 .*tell 10\.8\.0\.7|10\.8\.0\.7 is-at/g)?.length ?? 0;
