/** What a daemon finds after it was stopped, killed or started in another mount namespace. */
import assert from 'node:assert/strict';
import type { Host } from '../support/host.ts';
import { hostTest, OUTSIDE } from '../support/host.ts';
import { childrenOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';
import { insideOk, startNetwork } from './support.ts';
import type { ReadySandbox } from './support.ts';

/** A process that lives in the sandbox, as a container's would; its PID as the host sees it. */
async function inhabit(host: Host, { namespacePath }: ReadySandbox): Promise<{ pid: number; end(): void }> {
  const child = host.spawn(['nsenter', `--net=${namespacePath}`, '--', 'sleep', '600'], { stdio: 'ignore' });
  let pid = 0;
  await until(async () => {
    // nsenter forks only to enter the PID namespace; the last of the chain is sleep.
    [pid = 0] = childrenOf(child.pid ?? 0);
    return pid !== 0 && (await host.exec(['true'])).code === 0;
  });
  const seen = (
    await host.run('sh', '-c', 'ps -eo pid,args 2>/dev/null | awk \'$2=="sleep"{print $1}\' || pidof sleep')
  ).trim();
  const inner = Number(seen.split(/\s+/).at(-1));
  return { pid: inner, end: () => void process.kill(pid, 'SIGKILL') };
}

const listed = async (host: Host): Promise<string[]> =>
  (await host.run('ls', '/sys/class/net')).split('\n').filter((name) => name.startsWith('veth'));

hostTest('killed and started again: what runs goes on, the rest is removed', { outside: true }, async (host) => {
  const first = await startNetwork(host);
  await first.restore();
  const kept = await first.open('kept');
  const lost = await first.open('lost');
  const resident = await inhabit(host, kept);
  const id = (await first.inspect('bridge'))['Id'];
  await first.kill9();
  // The rules are gone as well, as after `nft flush ruleset`; the namespace's file is empty, as in another mount namespace.
  await host.run('nft', 'flush', 'ruleset');
  await host.run('umount', kept.namespacePath ?? '');
  await host.run('touch', `${host.root}/n/run/netns/stray`);

  await using second = await startNetwork(host);
  await second.restore({ kept: { pid: resident.pid, name: 'kept' } });
  assert.equal((await second.inspect('bridge'))['Id'], id);
  assert.deepEqual(second.warnings, []);
  assert.deepEqual((await host.run('ls', `${host.root}/n/run/netns`)).trim(), kept.namespacePath?.split('/').at(-1));
  assert.notEqual(lost.namespacePath, undefined);
  await until(async () => (await listed(host)).length === 1, 2000, 'the lost veth to go');
  await insideOk(host, kept, 'ping', '-c1', '-W1', OUTSIDE.ip4);
  assert.equal((await second.view('kept')).Networks['bridge']?.IPAddress, '172.17.0.2');
  const next = await second.open('next');
  assert.match(await insideOk(host, next, 'ip', 'address'), /172\.17\.0\.3\/16/);

  resident.end();
  await second.close('kept');
  await second.close('next');
  await second.shutdown(false);
  assert.deepEqual((await host.run('ls', '/sys/class/net')).split('\n').filter(Boolean), ['eth0', 'lo']);
  assert.equal(await host.run('nft', 'list', 'ruleset'), '');
});

hostTest('killed at any moment of an attach, nothing stays for good', {}, async (host) => {
  for (let round = 0; round < 8; round++) {
    const network = await startNetwork(host);
    await network.restore();
    const opening = Promise.allSettled(Array.from({ length: 6 }, async (_, i) => network.open(`c${i}`)));
    await new Promise((resolve) => setTimeout(resolve, round * 2));
    await network.kill9();
    await opening;
  }
  await using last = await startNetwork(host);
  await last.restore();
  await until(async () => (await listed(host)).length === 0, 3000, 'the veths to go');
  assert.equal((await host.run('sh', '-c', `ls ${host.root}/n/run/netns 2>/dev/null || :`)).trim(), '');
  const containers = (await last.inspect('bridge'))['Containers'];
  assert.deepEqual(containers, {});
  await last.shutdown(false);
});

hostTest(
  'the owner of a shared namespace ends: its address is free only when its interface is gone',
  {},
  async (host) => {
    await using network = await startNetwork(host);
    await network.restore();
    const owner = await network.open('owner');
    await network.open('guest', { networkMode: 'container:owner' });
    const guest = await inhabit(host, owner);
    await network.close('owner');
    await until(async () => (await listed(host)).length === 0, 2000, 'the veth of the owner to go');
    await network.close('guest');
    guest.end();
    await network.shutdown(false);
  },
);

hostTest('somebody deletes docker0: the next container finds it again', { outside: true }, async (host) => {
  await using network = await startNetwork(host);
  await network.restore();
  const one = await network.open('one');
  await host.run('ip', 'link', 'del', 'docker0');
  const two = await network.open('two');
  for (const sandbox of [one, two]) await insideOk(host, sandbox, 'ping', '-c1', '-W2', OUTSIDE.ip4);
  assert.match(network.warnings.join('\n'), /docker0 was changed by someone else/);
  await network.close('one');
  await network.close('two');
  await network.shutdown(false);
});
