import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { createHost, OUTSIDE } from './host.ts';
import { netnsOf } from './snapshot.ts';

void test('a throw-away host reaches outside, and nothing else', async () => {
  let root: string;
  {
    await using host = await createHost({ outside: true });
    root = host.root;
    assert.notEqual(netnsOf(host.pid), netnsOf('self'));
    await host.run('ping', '-c1', '-W1', OUTSIDE.ip4);
    await host.run('ping', '-c1', '-W1', OUTSIDE.ip6);
    assert.match(await host.run('ip', 'route'), new RegExp(`default via ${OUTSIDE.ip4}`));
    assert.match(await host.outside.run('ip', '-br', 'address'), new RegExp(OUTSIDE.ip4));
    assert.deepEqual((await host.run('ls', '/sys/class/net')).split('\n').filter(Boolean), ['eth0', 'lo']);
    const failed = await host.exec(['sh', '-c', 'cat >&2; exit 3'], { input: 'what it reads' });
    assert.deepEqual(failed, { stdout: '', stderr: 'what it reads', code: 3 });
  }
  assert.ok(!existsSync(root));
});

void test('what is left inside fails the test', async () => {
  const host = await createHost();
  await host.run('ip', 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1');
  await host.run('sh', '-c', 'sleep 100 >/dev/null 2>&1 &');
  await assert.rejects(async () => host[Symbol.asyncDispose](), /\+ link veth0[^]*sleep 100/);
});
