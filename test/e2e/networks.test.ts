/** The four network modes, asserted with the tools of the trade, from the stock client and from berth. */
import assert from 'node:assert/strict';
import { hostTest, OUTSIDE } from '../support/host.ts';
import { until } from '../support/wait.ts';

interface IpLink {
  ifname: string;
  address: string;
  mtu: number;
  master?: string;
  addr_info: { family: string; local: string; prefixlen: number }[];
}
interface NetworkResource {
  Id: string;
  Name: string;
  Driver: string;
  Scope: string;
  Containers: Record<string, { Name: string; IPv4Address: string; MacAddress: string }>;
  IPAM: { Config: { Subnet: string; Gateway: string }[] | null };
  Options: Record<string, string>;
}

hostTest('network ls and inspect show the three networks that every host has', {}, async (host) => {
  const daemon = await host.startDaemon();
  const format = '{{.Name}} {{.Driver}} {{.Scope}}';
  const listed = await daemon.dockerOk('network', 'ls', '--format', format);
  assert.equal(listed, 'bridge bridge local\nhost host local\nnone null local');
  assert.equal(await daemon.berthOk('network', 'ls', '--format', format), listed);
  const stock = JSON.parse(await daemon.dockerOk('network', 'inspect', 'bridge', 'host', 'none')) as NetworkResource[];
  const own = JSON.parse(await daemon.berthOk('network', 'inspect', 'bridge', 'host', 'none')) as (NetworkResource & {
    Status?: object;
  })[];
  // The stock client here speaks an API that is older than this field.
  for (const network of own) delete network.Status;
  assert.deepEqual(own, stock);
  assert.deepEqual(
    stock.map((network) => network.Driver),
    ['bridge', 'host', 'null'],
  );
  const bridge = stock[0];
  assert.match(bridge?.Id ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(bridge?.IPAM.Config?.[0], { Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' });
  assert.equal(bridge?.Options['com.docker.network.bridge.name'], 'docker0');
  assert.equal(
    await daemon.berthOk('network', 'ls'),
    await daemon.dockerOk('network', 'ls'),
    'the tables are the same',
  );
});

hostTest('none has lo only; host has the host’s interfaces', { outside: true }, async (host) => {
  const daemon = await host.startDaemon();
  for (const client of [daemon.dockerOk, daemon.berthOk]) {
    assert.equal(await client('run', '--rm', '--network', 'none', 'busybox', 'ls', '/sys/class/net'), 'lo');
    const inHost = (await client('run', '--rm', '--network', 'host', 'busybox', 'ip', '-o', 'link')).match(
      /^\d+: [^:@]+/gm,
    );
    const onHost = (await host.run('ip', '-o', 'link')).match(/^\d+: [^:@]+/gm);
    assert.deepEqual(inHost, onHost);
  }
});

hostTest('a container on the default bridge, seen from all sides', { outside: true }, async (host) => {
  const daemon = await host.startDaemon();
  const id = await daemon.dockerOk('run', '-d', '--name', 'web', '-h', 'webhost', 'busybox', 'sleep', '1000');

  const pid = await daemon.dockerOk('inspect', '-f', '{{.State.Pid}}', 'web');
  const inside = JSON.parse(await host.run('nsenter', '-t', pid, '-n', 'ip', '-j', 'addr')) as IpLink[];
  const eth0 = inside.find((link) => link.ifname === 'eth0');
  assert.deepEqual(
    eth0?.addr_info.filter((a) => a.family === 'inet').map((a) => `${a.local}/${a.prefixlen}`),
    ['172.17.0.2/16'],
  );
  assert.equal(eth0?.address, '02:42:ac:11:00:02');
  assert.equal(eth0?.mtu, 1500);
  const routes = JSON.parse(await host.run('nsenter', '-t', pid, '-n', 'ip', '-j', 'route')) as {
    dst: string;
    gateway?: string;
  }[];
  assert.equal(routes.find((route) => route.dst === 'default')?.gateway, '172.17.0.1');

  const onHost = JSON.parse(await host.run('ip', '-j', 'addr')) as IpLink[];
  const veth = onHost.filter((link) => link.master === 'docker0');
  assert.equal(veth.length, 1);
  assert.match(await host.run('brctl', 'show', 'docker0'), new RegExp(`docker0.*\\s${veth[0]?.ifname}`));
  assert.equal(
    onHost
      .find((link) => link.ifname === 'docker0')
      ?.addr_info.some((a) => a.local === '172.17.0.1' && a.prefixlen === 16),
    true,
  );
  assert.match(
    await host.run('iptables', '-t', 'nat', '-S', 'POSTROUTING'),
    /^-A POSTROUTING -s 172\.17\.0\.0\/16 ! -o docker0 -j MASQUERADE$/m,
  );
  assert.equal(
    (
      await host.exec([
        'iptables',
        '-t',
        'nat',
        '-C',
        'POSTROUTING',
        '-s',
        '172.17.0.0/16',
        '!',
        '-o',
        'docker0',
        '-j',
        'MASQUERADE',
      ])
    ).code,
    0,
  );
  assert.match(
    await host.run('iptables', '-S', 'FORWARD'),
    /^-P FORWARD ACCEPT$/m,
    'the policy stays the administrator’s',
  );
  assert.equal((await host.run('cat', '/proc/sys/net/ipv4/ip_forward')).trim(), '1');

  const [network] = JSON.parse(await daemon.dockerOk('network', 'inspect', 'bridge')) as NetworkResource[];
  assert.deepEqual(Object.keys(network?.Containers ?? {}), [id]);
  assert.equal(network?.Containers[id]?.IPv4Address, '172.17.0.2/16');

  assert.match(
    await daemon.dockerOk('exec', 'web', 'cat', '/etc/hosts'),
    /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n[^]*^172\.17\.0\.2\twebhost$/m,
  );
  assert.equal(await daemon.dockerOk('exec', 'web', 'cat', '/etc/hostname'), 'webhost');
  assert.match(
    await daemon.dockerOk('exec', 'web', 'cat', '/etc/resolv.conf'),
    new RegExp(
      `^nameserver ${OUTSIDE.ip4}$[^]*^search example.test$|^search example.test$[^]*^nameserver ${OUTSIDE.ip4}$`,
      'm',
    ),
  );
});

hostTest(
  'two containers reach each other, the host and the outside; the source is rewritten on the way out',
  { outside: true },
  async (host) => {
    const daemon = await host.startDaemon();
    await daemon.dockerOk('run', '-d', '--name', 'aa', 'busybox', 'sleep', '1000');
    await daemon.berthOk('run', '-d', '--name', 'bb', 'busybox', 'sleep', '1000');
    const address = await daemon.dockerOk('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', 'bb');
    assert.equal(address, '172.17.0.3');
    for (const peer of [address, '172.17.0.1', OUTSIDE.ip4]) {
      assert.match(
        await daemon.dockerOk('exec', 'aa', 'ping', '-c1', '-W2', peer),
        / 0% packet loss/,
        `a reaches ${peer}`,
      );
    }
    const capture = host.outside.spawn(['tcpdump', '-lnni', 'eth0', '-c', '2', 'icmp'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let seen = '';
    let ready = '';
    capture.stdout?.on('data', (data: Buffer) => (seen += data.toString()));
    capture.stderr?.on('data', (data: Buffer) => (ready += data.toString()));
    await until(() => ready.includes('listening on'), 5000, 'tcpdump');
    await daemon.dockerOk('exec', 'aa', 'ping', '-c2', '-W2', OUTSIDE.ip4);
    await until(() => /echo request/.test(seen), 5000, 'an echo request');
    assert.match(seen, new RegExp(`IP ${OUTSIDE.host4} > ${OUTSIDE.ip4}: ICMP echo request`));
    assert.doesNotMatch(seen, /172\.17\./);
    capture.kill();
  },
);

hostTest('a joined container shares namespace, hosts and resolver files', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'first',
    '-h',
    'firsthost',
    '--add-host',
    'x:192.0.2.7',
    'busybox',
    'sleep',
    '1000',
  );
  const script = 'ip addr; cat /etc/hosts /etc/resolv.conf /etc/hostname; readlink /proc/self/ns/net';
  const alone = await daemon.dockerOk('exec', 'first', 'sh', '-c', script);
  for (const client of [daemon.dockerOk, daemon.berthOk]) {
    assert.equal(await client('run', '--rm', '--network', 'container:first', 'busybox', 'sh', '-c', script), alone);
  }
  await daemon.dockerOk('run', '-d', '--name', 'second', '--network', 'container:first', 'busybox', 'sleep', '1000');
  const modes = await daemon.dockerOk(
    'inspect',
    '-f',
    '{{.HostConfig.NetworkMode}} {{.NetworkSettings.SandboxKey}}',
    'second',
  );
  assert.match(modes, /^container:[0-9a-f]{64}/);
});

hostTest('icc=false, ip-masq=false, iptables=false, bip and mtu', { outside: true }, async (host) => {
  const daemon = await host.startDaemon({
    args: ['--icc=false', '--ip-masq=false', '--bip=10.77.0.1/24', '--mtu=1400'],
  });
  await daemon.dockerOk('run', '-d', '--name', 'aa', 'busybox', 'sleep', '1000');
  await daemon.dockerOk('run', '-d', '--name', 'bb', 'busybox', 'sleep', '1000');
  assert.match((await daemon.docker('exec', 'aa', 'ping', '-c1', '-W1', '10.77.0.3')).stdout, /100% packet loss/);
  assert.match(await daemon.dockerOk('exec', 'aa', 'ping', '-c1', '-W1', '10.77.0.1'), / 0% packet loss/);
  assert.doesNotMatch(await host.run('iptables', '-t', 'nat', '-S'), /MASQUERADE/);
  assert.match(await daemon.dockerOk('exec', 'aa', 'cat', '/sys/class/net/eth0/mtu'), /^1400$/);
  await daemon.removeContainers();
  await daemon.stop();
  const bare = await host.startDaemon({ args: ['--iptables=false'] });
  await bare.dockerOk('run', '--rm', 'busybox', 'true');
  assert.equal(await host.run('nft', 'list', 'ruleset'), '');
});

hostTest('a docker0 and a subnet that belong to someone else are left alone', {}, async (host) => {
  await host.run('ip', 'link', 'add', 'docker0', 'type', 'bridge');
  await host.run('ip', 'addr', 'add', '172.17.0.1/16', 'dev', 'docker0');
  await host.run('ip', 'link', 'set', 'docker0', 'up');
  const before = await host.run('ip', '-j', 'addr', 'show', 'docker0');
  const daemon = await host.startDaemon();
  const [network] = JSON.parse(await daemon.dockerOk('network', 'inspect', 'bridge')) as NetworkResource[];
  assert.equal(network?.Options['com.docker.network.bridge.name'], 'docker1');
  assert.equal(network?.IPAM.Config?.[0]?.Subnet, '172.18.0.0/16');
  assert.match(daemon.log(), /docker0.*docker1|docker1.*docker0/);
  assert.match(await daemon.dockerOk('run', '--rm', 'busybox', 'ip', 'addr'), /172\.18\.0\.2\/16/);
  await daemon.stop();
  const addresses = (text: string): unknown =>
    (JSON.parse(text) as IpLink[]).map((link) => link.addr_info.filter((a) => a.family === 'inet').map((a) => a.local));
  assert.deepEqual(addresses(await host.run('ip', '-j', 'addr', 'show', 'docker0')), addresses(before));
  await host.run('ip', 'link', 'del', 'docker0');
});
