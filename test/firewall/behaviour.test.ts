/** What settings, other firewalls and administrators make of it; with real packets, both backends alike. */
import assert from 'node:assert/strict';
import type { PortRule } from '../../src/drivers/plan.ts';
import { network as rulesOf } from '../../src/firewall/fixture.ts';
import { hostTest, OUTSIDE } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { BACKENDS, createLab, startFirewall } from './support.ts';
import type { Lab } from './support.ts';

/** Port `port` of the machine, in both families, by tcp and udp, at every address of the host. */
function everywhere(lab: Lab, network: string, hostPort: number, port = 80, who: 'web' | 'peer' = 'web'): PortRule[] {
  return ([4, 6] as const).flatMap((family) =>
    (['tcp', 'udp'] as const).map((protocol) => ({
      bridge: `br-${network}`,
      protocol,
      hostAddress: family === 4 ? '0.0.0.0' : '::',
      hostPort,
      address: lab.address(network, who, family),
      port,
    })),
  );
}

/** Both protocols and families answer the same, named by the addresses given, or '-'. */
async function expectReach(
  machine: Lab['host'],
  to: { 4: string; 6: string; port: number },
  wanted: { who: string; seen: { 4: string; 6: string } } | '-',
  what: string,
): Promise<void> {
  const answers = await Promise.all(
    ([4, 6] as const).flatMap((family) =>
      (['tcp', 'udp'] as const).map(async (protocol) => {
        const answer = await machine.reach({ protocol, address: to[family], port: to.port, expected: wanted !== '-' });
        const right = wanted === '-' ? '-' : `${wanted.who} ${wanted.seen[family]}`;
        return answer === right ? [] : [`${what}, ${protocol} over IPv${family}: ${answer}, not ${right}`];
      }),
    ),
  );
  assert.deepEqual(answers.flat(), []);
}

const HOST = { 4: OUTSIDE.host4, 6: OUTSIDE.host6 };
const LAN = { 4: OUTSIDE.ip4, 6: OUTSIDE.ip6 };
const lanSees = { who: 'lan', seen: HOST };
const both = (lab: Lab, network: string, who: 'web' | 'peer'): { 4: string; 6: string } => ({
  4: lab.address(network, who, 4),
  6: lab.address(network, who, 6),
});
for (const backend of BACKENDS) {
  hostTest(
    `${backend}: trusted links, an accepted mark, direct routing, source addresses`,
    { outside: true },
    async (host) => {
      const other = { 4: '198.51.100.77', 6: '2001:db8:51::77' };
      await host.run('ip', 'addr', 'add', `${other[4]}/24`, 'dev', 'eth0');
      await host.run('ip', 'addr', 'add', `${other[6]}/64`, 'dev', 'eth0', 'nodad', 'preferred_lft', '0');
      await using lab = await createLab(host, [
        { name: 'trusted', mode: 'nat', trustedInterfaces: ['eth0', 'eth7'] },
        { name: 'masked', mode: 'nat', sourceAddress: other },
        { name: 'bare', mode: 'nat', masquerade: false },
      ]);
      const names = ['trusted', 'masked', 'bare'];
      const state = {
        networks: names.flatMap((name) => lab.rules(name)),
        ports: names.flatMap((name, index) => everywhere(lab, name, 8000 + index)),
      };
      await Promise.all([lab.lan.listen(9), ...names.map(async (name) => lab.web(name).listen(80, 81))]);
      {
        await using firewall = await startFirewall(host, backend, { acceptMark: '0x100/0x300' });
        await firewall.set(state);
        const bare = both(lab, 'bare', 'web');
        const trusted = both(lab, 'trusted', 'web');
        await expectReach(lab.lan, { ...trusted, port: 80 }, { who: 'web-trusted', seen: LAN }, 'by a trusted link');
        await expectReach(lab.lan, { ...trusted, port: 81 }, '-', 'an unpublished port by a trusted link');
        await expectReach(lab.lan, { ...bare, port: 80 }, '-', 'by another link');
        await expectReach(lab.web('masked'), { ...LAN, port: 9 }, { who: 'lan', seen: other }, 'with a source address');
        await expectReach(lab.web('bare'), { ...LAN, port: 9 }, { who: 'lan', seen: bare }, 'without masquerade');
        await expectReach(lab.web('trusted'), { ...LAN, port: 9 }, lanSees, 'masqueraded');
        const mark = async (value: string): Promise<void> => {
          for (const program of ['iptables', 'ip6tables']) {
            await host.run(
              program,
              '-t',
              'mangle',
              '-A',
              'PREROUTING',
              '-i',
              'eth0',
              '-j',
              'MARK',
              '--set-mark',
              value,
            );
          }
        };
        await mark('0x5');
        await expectReach(lab.lan, { ...bare, port: 81 }, '-', 'with another mark');
        await mark('0x101');
        await expectReach(lab.lan, { ...bare, port: 81 }, { who: 'web-bare', seen: LAN }, 'with the accepted mark');
        for (const program of ['iptables', 'ip6tables']) await host.run(program, '-t', 'mangle', '-F');
      }
      // The daemon is started again with another setting.
      await using firewall = await startFirewall(host, backend, { directRouting: true });
      await firewall.set(state);
      const bare = both(lab, 'bare', 'web');
      await expectReach(lab.lan, { ...bare, port: 80 }, { who: 'web-bare', seen: LAN }, 'by direct routing');
      await expectReach(lab.lan, { ...bare, port: 81 }, '-', 'an unpublished port by direct routing');
      await firewall.remove();
      assert.deepEqual(firewall.warnings, []);
    },
  );

  hostTest(`${backend}: another firewall drops what it does not know`, { outside: true }, async (host) => {
    await using lab = await createLab(host, [{ name: 'a', mode: 'nat' }]);
    await Promise.all([lab.lan.listen(9), lab.web('a').listen(80)]);
    for (const program of ['iptables', 'ip6tables']) {
      await host.run(program, '-P', 'FORWARD', 'DROP');
      await host.run(program, '-A', 'FORWARD', '-i', 'nosuch', '-j', 'ACCEPT');
      await host.run(program, '-t', 'mangle', '-A', 'POSTROUTING', '-m', 'mark', '--mark', '0x1000/0x1000');
    }
    const before = await host.run('iptables-save', '-t', 'filter');
    await expectReach(lab.web('a'), { ...LAN, port: 9 }, '-', 'before');
    await using firewall = await startFirewall(host, backend);
    await firewall.set({ networks: lab.rules('a'), ports: everywhere(lab, 'a', 8000) });
    await expectReach(lab.web('a'), { ...LAN, port: 9 }, lanSees, 'to the outside');
    await expectReach(lab.lan, { ...HOST, port: 8000 }, { who: 'web-a', seen: LAN }, 'to a published port');
    await expectReach(lab.lan, { ...both(lab, 'a', 'web'), port: 80 }, '-', 'by direct route');
    const filter = await host.run('iptables', '-S', 'FORWARD');
    assert.match(filter, /^-P FORWARD DROP$/m, 'the policy is the administrator’s');
    if (backend === 'nftables') {
      assert.equal(
        filter,
        '-P FORWARD DROP\n-A FORWARD -m mark --mark 0x1000/0x1000 -j ACCEPT\n-A FORWARD -i nosuch -j ACCEPT\n',
      );
    }
    assert.match(await host.run('iptables', '-t', 'mangle', '-vnL', 'POSTROUTING'), /^ +0 +0 .*mark match/m);
    await firewall.remove();
    const plain = (saved: string): string => saved.replaceAll(/^#.*\n|\[\d+:\d+\]/gm, '');
    assert.equal(plain(await host.run('iptables-save', '-t', 'filter')), plain(before));
  });

  hostTest(
    `${backend}: the host's loopback is the host's, whatever others have switched on`,
    { outside: true },
    async (host) => {
      await using lab = await createLab(host, [{ name: 'a', mode: 'nat' }]);
      await Promise.all([lab.host.listen(9), lab.web('a').listen(80)]);
      const localnet = 'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet';
      await host.run('sh', '-c', localnet);
      // /proc shows the namespace of whoever reads it, through a mount of that namespace.
      await host.outside.run('unshare', '-m', 'sh', '-c', `mount -t proc proc /proc; ${localnet}`);
      await host.outside.run('ip', 'route', 'del', 'local', '127.0.0.1', 'table', 'local', 'dev', 'lo');
      await host.outside.run('ip', 'route', 'del', 'local', '127.0.0.0/8', 'table', 'local', 'dev', 'lo');
      await host.outside.run('ip', 'route', 'add', '127.0.0.1', 'via', OUTSIDE.host4, 'src', OUTSIDE.ip4);
      const reach = async (protocol: 'tcp' | 'udp', port: number, expected = false): Promise<string> =>
        lab.lan.reach({ protocol, address: '127.0.0.1', port, expected });
      assert.equal(await reach('udp', 9, true), `host ${OUTSIDE.ip4}`, 'the test can do it');
      await using firewall = await startFirewall(host, backend);
      const ports = everywhere(lab, 'a', 8000).filter(({ address }) => !address.includes(':'));
      await firewall.set({
        networks: lab.rules('a'),
        ports: [...ports, ...ports.map((port) => ({ ...port, hostAddress: '127.0.0.1', hostPort: 8001 }))],
      });
      const answers = [9, 8000, 8001].flatMap((port) => [reach('tcp', port), reach('udp', port)]);
      assert.deepEqual(await Promise.all(answers), ['-', '-', '-', '-', '-', '-']);
      await firewall.remove();
    },
  );

  hostTest(
    `${backend}: a UDP client that goes on sending is led where the port leads now`,
    { outside: true },
    async (host) => {
      await using lab = await createLab(host, [{ name: 'a', mode: 'nat' }]);
      await Promise.all([lab.web('a').listen(80), lab.peer('a').listen(80)]);
      await using firewall = await startFirewall(host, backend);
      await firewall.set({ networks: lab.rules('a'), ports: [] });
      const udp = (hostPort: number, who: 'web' | 'peer'): PortRule[] =>
        everywhere(lab, 'a', hostPort, 80, who).filter(({ protocol }) => protocol === 'udp');
      const ask = async (family: 4 | 6): Promise<string> =>
        lab.lan.reach({ protocol: 'udp', address: HOST[family], port: 8000, from: 5555, expected: false });
      for (const family of [4, 6] as const) assert.equal(await ask(family), '-');
      // More ports than are looked for one by one, and fewer.
      const others = [8001, 8002, 8003, 8004, 8005].flatMap((port) => udp(port, 'web'));
      await firewall.change({ add: { ports: [...udp(8000, 'web'), ...others] } });
      for (const family of [4, 6] as const) {
        await until(async () => (await ask(family)) === `web-a ${LAN[family]}`, 3000, 'the port that was not there');
      }
      await firewall.change({ remove: { ports: udp(8000, 'web') }, add: { ports: udp(8000, 'peer') } });
      for (const family of [4, 6] as const) {
        await until(async () => (await ask(family)) === `peer-a ${LAN[family]}`, 3000, 'the port that leads elsewhere');
      }
      await firewall.remove();
      assert.deepEqual(firewall.warnings, []);
    },
  );

  hostTest(`${backend}: everything is made anew after somebody flushed it`, { outside: true }, async (host) => {
    await using lab = await createLab(host, [{ name: 'a', mode: 'nat' }]);
    await Promise.all([lab.lan.listen(9), lab.web('a').listen(80, 81)]);
    await using firewall = await startFirewall(host, backend);
    const state = { networks: lab.rules('a'), ports: everywhere(lab, 'a', 8000) };
    await firewall.set(state);
    const flushed = async (): Promise<void> => void (await host.run('nft', 'flush', 'ruleset'));
    await flushed();
    await firewall.change({ add: { ports: everywhere(lab, 'a', 8001, 81) } });
    if (backend === 'iptables')
      await firewall.set({ ...state, ports: [...state.ports, ...everywhere(lab, 'a', 8001, 81)] });
    for (const port of [8000, 8001]) {
      await expectReach(lab.lan, { ...HOST, port }, { who: 'web-a', seen: LAN }, `port ${port}`);
    }
    await expectReach(lab.web('a'), { ...LAN, port: 9 }, lanSees, 'to the outside');
    await flushed();
    await firewall.change({ remove: { ports: everywhere(lab, 'a', 8001, 81) } });
    await firewall.set(state);
    await expectReach(lab.lan, { ...HOST, port: 8001 }, '-', 'a port that is gone');
    await expectReach(lab.lan, { ...HOST, port: 8000 }, { who: 'web-a', seen: LAN }, 'a port that stayed');
    await flushed();
    await firewall.change({ remove: state });
    await firewall.remove();
  });

  hostTest(`${backend}: nobody notices that everything is made anew`, { outside: true }, async (host) => {
    await using lab = await createLab(host, [{ name: 'a', mode: 'nat' }]);
    await Promise.all([lab.lan.listen(9), lab.web('a').listen(80)]);
    await using firewall = await startFirewall(host, backend);
    const state = { networks: lab.rules('a'), ports: everywhere(lab, 'a', 8000) };
    await firewall.set(state);
    let sets = 0;
    let stop = false;
    const setting = (async () => {
      for (; !stop; sets++) await firewall.set(state);
    })();
    const lost: string[] = [];
    for (let round = 0; round < 60; round++) {
      const answers = await Promise.all([
        lab.lan.reach({ protocol: 'tcp', address: OUTSIDE.host4, port: 8000 }),
        lab.web('a').reach({ protocol: 'udp', address: OUTSIDE.ip6, port: 9 }),
        // What must not come through keeps the test waiting.
        round % 12 === 0
          ? lab.lan.reach({ protocol: 'tcp', address: lab.address('a', 'web', 4), port: 80, expected: false })
          : '-',
      ]);
      const wanted = `web-a ${OUTSIDE.ip4}|lan ${OUTSIDE.host6}|-`;
      if (answers.join('|') !== wanted) lost.push(answers.join('|'));
    }
    stop = true;
    await setting;
    assert.deepEqual(lost, []);
    assert.ok(sets > 5, `${sets}`);
    await firewall.remove();
    assert.deepEqual(firewall.warnings, []);
  });

  hostTest(`${backend}: an administrator's rules come first, and stay`, { outside: true }, async (host) => {
    await using lab = await createLab(host, [{ name: 'a', mode: 'nat' }]);
    await Promise.all([lab.lan.listen(9), lab.web('a').listen(80, 81)]);
    await using firewall = await startFirewall(host, backend);
    const state = {
      networks: lab.rules('a'),
      ports: [...everywhere(lab, 'a', 8000), ...everywhere(lab, 'a', 8001, 81)],
    };
    await firewall.set(state);
    // By the port that the client asked for, though the packet is translated already.
    for (const protocol of ['tcp', 'udp']) {
      if (backend === 'nftables') {
        const rule = ['meta', 'l4proto', protocol, 'ct', 'original', 'proto-dst', '8000', 'drop'];
        await host.run('nft', 'add', 'rule', 'inet', 'berth', 'berth-user', ...rule);
      } else {
        const rule = ['-p', protocol, '-m', 'conntrack', '--ctorigdstport', '8000', '-j', 'DROP'];
        for (const program of ['iptables', 'ip6tables']) await host.run(program, '-A', 'DOCKER-USER', ...rule);
      }
    }
    const closed = async (): Promise<void> => {
      await expectReach(lab.lan, { ...HOST, port: 8000 }, '-', 'the administrator’s port');
      await expectReach(lab.lan, { ...HOST, port: 8001 }, { who: 'web-a', seen: LAN }, 'another port');
    };
    await closed();
    await firewall.set(state);
    await firewall.change({ remove: { ports: everywhere(lab, 'a', 8001, 81) } });
    await firewall.change({ add: { ports: everywhere(lab, 'a', 8001, 81) } });
    await closed();
    await firewall.remove();
    if (backend === 'nftables') {
      assert.equal(
        await host.run('nft', 'list', 'table', 'inet', 'berth'),
        'table inet berth {\n\tchain berth-user {\n\t\tmeta l4proto tcp ct original proto-dst 8000 drop\n\t\tmeta l4proto udp ct original proto-dst 8000 drop\n\t}\n}\n',
      );
      await host.run('nft', 'delete', 'table', 'inet', 'berth');
    } else {
      assert.match(await host.run('iptables', '-S'), /^-A DOCKER-USER -p udp .*--ctorigdstport 8000 -j DROP$/m);
      assert.doesNotMatch(await host.run('iptables-save'), /BERTH/);
    }
  });

  hostTest(`${backend}: what belongs to others is not touched`, {}, async (host) => {
    await host.run('nft', 'add', 'table', 'inet', 'filter');
    await host.run('nft', 'add', 'chain', 'inet', 'filter', 'forward', '{ type filter hook forward priority 0; }');
    await host.run(
      'iptables',
      '-t',
      'nat',
      '-A',
      'POSTROUTING',
      '-s',
      '10.9.0.0/24',
      '!',
      '-o',
      'br9',
      '-j',
      'MASQUERADE',
    );
    await host.run('iptables', '-A', 'FORWARD', '-j', 'ACCEPT');
    await host.run('ip6tables', '-N', 'BERTH-OTHERS');
    const rules = async (): Promise<string> => host.run('nft', 'list', 'ruleset');
    const before = await rules();
    await using mine = await startFirewall(host, backend);
    await using other = await startFirewall(host, backend, { instance: 'berth-1a2b3c4d' });
    const network = (number: number): Parameters<typeof mine.set>[0] => ({
      networks: [rulesOf(`br${number}`, number, 4, { subnets: [`10.${number}.0.0/24`, `10.${number}.1.0/28`] })],
      ports: [],
    });
    await mine.set(network(1));
    await other.set(network(2));
    const both = await rules();
    await mine.set(network(1));
    await mine.change({ add: network(3) });
    await mine.change({ remove: network(3) });
    assert.equal(sorted(await rules()), sorted(both), 'set() again, and a change with its opposite');
    await mine.remove();
    assert.match(await host.run('iptables', '-t', 'nat', '-S'), /-s 10.2.1.0\/28 ! -o br2 -j MASQUERADE/);
    await other.remove();
    const after = await rules();
    if (backend === 'nftables') assert.equal(after, before);
    // iptables makes its tables and chains, and no tool but nft takes them away.
    else assert.deepEqual(after.match(/BERTH-(?!OTHERS)|br[12]|jump/g), null);
  });
}

const sorted = (text: string): string => text.split('\n').toSorted().join('\n');
