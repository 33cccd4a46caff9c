/** From one backend to the other, and from the table of an older release to this one's; nothing of the former is left. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { network, port } from '../../src/firewall/fixture.ts';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { startFirewall } from './support.ts';

const state = {
  networks: [network('br1', 1, 4), network('br1', 1, 6)],
  ports: [port('br1', '172.17.0.2'), port('br1', 'fd00:1::2')],
};
const golden = (name: string): string =>
  readFileSync(new URL(`../../src/firewall/golden/${name}`, import.meta.url), 'utf8');
const table = async (host: Host): Promise<string> => host.run('nft', 'list', 'table', 'inet', 'berth');
const saved = async (host: Host): Promise<string> =>
  (await host.run('iptables-save')) + (await host.run('ip6tables-save'));

hostTest('the backend is switched, and switched back', {}, async (host) => {
  {
    await using nftables = await startFirewall(host, 'nftables');
    await nftables.set(state);
    await host.run('nft', 'add', 'rule', 'inet', 'berth', 'berth-user', 'counter');
  }
  {
    await using iptables = await startFirewall(host, 'iptables');
    await iptables.leave('nftables');
    assert.equal(
      await table(host),
      'table inet berth {\n\tchain berth-user {\n\t\tcounter packets 0 bytes 0\n\t}\n}\n',
      'the administrator’s rules stay',
    );
    assert.doesNotMatch(await saved(host), /br1|0x1000/);
    await iptables.set(state);
    await host.run('iptables', '-A', 'DOCKER-USER', '-p', 'tcp', '--dport', '7', '-j', 'DROP');
    assert.match(await saved(host), /-A BERTH-DNAT ! -s fe80::\/10 -p tcp -m tcp --dport 8080 -j DNAT/);
  }
  await using nftables = await startFirewall(host, 'nftables');
  await nftables.leave('iptables');
  const left = await saved(host);
  assert.doesNotMatch(left, /BERTH|br1/);
  assert.deepEqual(left.match(/.*DOCKER-USER.*/g), [
    ':DOCKER-USER - [0:0]',
    '-A FORWARD -j DOCKER-USER',
    '-A DOCKER-USER -p tcp -m tcp --dport 7 -j DROP',
  ]);
  await nftables.set(state);
  assert.match(await table(host), /chain berth-user \{\n\t\tcounter/);
  await nftables.remove();
  assert.doesNotMatch(await saved(host), /br1|0x1000/);
});

hostTest('the table of an older release is replaced around the administrator’s rules', {}, async (host) => {
  const old = `table inet berth {
	set admins { type ipv4_addr; elements = { 192.0.2.1 } }
	map entering { type ifname : verdict; }
	set open4 { type ipv4_addr; elements = { 172.17.0.2 } }
	chain berth-user { ip saddr @admins drop; jump admins-own; }
	chain admins-own { counter; }
	chain to-nat { drop; }
	chain published { ip daddr @open4 accept; goto to-nat; }
	chain forward { type filter hook forward priority 0; jump berth-user; oifname vmap @entering; goto published; }
}
add element inet berth entering { "br1" : goto published }
`;
  const { code, stderr } = await host.exec(['nft', '-f', '-'], { input: old });
  assert.equal(code, 0, stderr);
  await using firewall = await startFirewall(host, 'nftables');
  await firewall.set(state);
  await firewall.change({ remove: { ports: state.ports }, add: { ports: [] } });
  const now = await table(host);
  assert.match(now, /chain berth-user \{\n\t\tip saddr @admins drop\n\t\tjump admins-own\n\t\}/);
  assert.match(now, /set open4 \{\n\t\ttype ipv4_addr \. inet_proto \. inet_service\n\t\}/);
  await firewall.remove();
  assert.deepEqual((await table(host)).match(/(?:chain|set|map) \S+/g), [
    'set admins',
    'chain berth-user',
    'chain admins-own',
  ]);
  assert.deepEqual(firewall.warnings, []);
});

hostTest('the golden texts are what nft and iptables-restore take', {}, async (host) => {
  for (const [program, file] of [
    ['nft -f -', 'set.nft'],
    ['iptables-restore --noflush', 'set.iptables'],
    ['iptables-restore --noflush', 'change.iptables'],
    ['ip6tables-restore --noflush', 'set.ip6tables'],
  ] as const) {
    const name = file === 'set.iptables' ? 'set.ip4tables' : file;
    const { code, stderr } = await host.exec(program.split(' '), { input: golden(name) });
    assert.equal(code, 0, `${name}: ${stderr}`);
  }
});
