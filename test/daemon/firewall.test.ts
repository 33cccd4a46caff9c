/** Other settings than at the last start, while a container runs on: no rule of the old ones stays. */
import assert from 'node:assert/strict';
import { hostTest, type Host } from '../support/host.ts';

const rules = async (host: Host, ...argv: string[]): Promise<string[]> => {
  const { stdout } = await host.exec(argv);
  return stdout.split('\n').filter((line) => /berth|docker0/i.test(line));
};
const nft = (host: Host): Promise<string[]> => rules(host, 'nft', 'list', 'tables');
const iptables = async (host: Host): Promise<string[]> => [
  ...(await rules(host, 'iptables-save')),
  ...(await rules(host, 'ip6tables-save')),
];

hostTest('the backend changes, IPv6 goes, the firewall is switched off', {}, async (host) => {
  const start = (...args: string[]) => host.startDaemon({ name: 'd', args: ['--live-restore', ...args] });
  const first = await start('--ipv6');
  await first.dockerOk('run', '-d', '--name', 'box', 'busybox', 'sleep', '100');
  assert.equal((await nft(host)).length, 1);
  await first.kill9();

  const second = await start('--ipv6', '--firewall-backend=iptables');
  assert.deepEqual(await nft(host), [], 'the table of the other backend');
  const saved = (await iptables(host)).join('\n');
  assert.match(saved, /BERTH-[0-9A-F]+-FORWARD -i docker0 -o docker0 -j ACCEPT/);
  assert.doesNotMatch(saved, /^-A (?:FORWARD|POSTROUTING) .*docker0/m, 'rules of the other backend');
  assert.match((await rules(host, 'ip6tables-save')).join('\n'), /BERTH/);
  assert.equal(await second.stop(), 0);

  const third = await start('--firewall-backend=iptables');
  assert.deepEqual(await rules(host, 'ip6tables-save'), []);
  await third.kill9();

  const fourth = await start('--iptables=false');
  assert.deepEqual(await iptables(host), []);
  assert.deepEqual(await nft(host), []);
  await fourth.dockerOk('exec', 'box', 'true');
  await fourth.kill9();

  const last = await start();
  assert.equal((await nft(host)).length, 1);
  await last.dockerOk('rm', '-f', 'box');
});

hostTest('the end of one daemon leaves the rules and the bridge of the other', {}, async (host) => {
  for (const args of [[], ['--firewall-backend=iptables']]) {
    const [one, two] = [await host.startDaemon({ args }), await host.startDaemon({ args })];
    const bridges = async (): Promise<string[]> => rules(host, 'ip', '-br', 'link', 'show', 'type', 'bridge');
    const count = async (): Promise<number> => (await nft(host)).length + (await iptables(host)).length;
    const both = await count();
    await two.dockerOk('run', '--rm', 'busybox', 'true');
    assert.equal(await one.stop(), 0);
    assert.equal((await host.exec(['ip', 'link', 'show', 'docker1'])).code, 0, (await bridges()).join());
    assert.notEqual((await host.exec(['ip', 'link', 'show', 'docker0'])).code, 0);
    assert.ok((await count()) < both && (await count()) > 0);
    await two.dockerOk('run', '--rm', 'busybox', 'true');
    assert.equal(await two.stop(), 0);
    assert.equal(await count(), 0);
  }
});
