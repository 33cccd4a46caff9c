/** berth-netd as a process: killed, replaced, found again, ended. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { netdProgram } from '../../src/netd/client.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { endpoint, makeContainer, netdProcesses, sandbox, startDaemonSide } from './support.ts';

const boxNames = (path: string, name = 'box'): ReturnType<typeof sandbox> =>
  sandbox('s', path, { endpoints: [endpoint('n', '10.1.0.2', [name])], forward: false });

const one = (list: number[]): number => {
  assert.equal(list.length, 1, `one berth-netd: ${list.join()}`);
  return list[0] ?? 0;
};

hostTest('no process before it is needed, none after', {}, async (host) => {
  const daemon = startDaemonSide(host);
  await daemon.ready();
  await daemon.dropNames('s');
  await daemon.releasePorts('nobody');
  assert.deepEqual(netdProcesses(host), []);
  await using box = await makeContainer(host, 'box');
  await daemon.putNames(boxNames(box.path));
  assert.equal(netdProcesses(host).length, 1);
  assert.equal(statSync(`${host.root}/d/netd.sock`).mode & 0o777, 0o600);
  await daemon.dropNames('s');
  await daemon.close({ keep: true });
  await until(() => netdProcesses(host).length === 0, 2000, 'the end: nothing was kept');
  assert.ok(!existsSync(`${host.root}/d/netd.sock`));
});

hostTest('names are answered again when the process was killed, without being asked', {}, async (host) => {
  const daemon = startDaemonSide(host);
  await using box = await makeContainer(host, 'box');
  await daemon.putNames(boxNames(box.path));
  for (let round = 0; round < 3; round++) {
    const pid = one(netdProcesses(host));
    process.kill(pid, 'SIGKILL');
    await until(async () => (await box.short('box', '+time=1')).length === 1, 10_000, 'an answer');
    assert.notEqual(one(netdProcesses(host)), pid);
  }
  // While it is down, too: calls wait for the next one.
  process.kill(one(netdProcesses(host)), 'SIGKILL');
  await daemon.putNames(boxNames(box.path, 'renamed'));
  assert.deepEqual(await box.short('renamed'), ['10.1.0.2']);
  assert.match(await box.dig('box'), /SERVFAIL/);
  await daemon.close({ keep: false });
});

hostTest('it goes on without the daemon, and the next one takes it over', {}, async (host) => {
  const first = startDaemonSide(host);
  await using box = await makeContainer(host, 'box');
  await using old = await makeContainer(host, 'old');
  await first.putNames(boxNames(box.path));
  await first.putNames(sandbox('s-old', old.path, { endpoints: [endpoint('n', '10.1.0.3', ['old'])], forward: false }));
  const held = {
    protocol: 'tcp',
    hostAddress: '127.0.0.1',
    hostPort: 8053,
    address: '10.1.0.3',
    port: 80,
    proxy: false,
  } as const;
  assert.deepEqual(await first.holdPorts('s-old', [held]), []);
  const pid = one(netdProcesses(host));
  await first.kill9();
  assert.deepEqual(await box.short('old'), ['10.1.0.3']);

  const second = startDaemonSide(host);
  await second.putNames(boxNames(box.path, 'again'));
  assert.deepEqual(await box.short('again'), ['10.1.0.2']);
  assert.deepEqual(await box.short('old'), ['10.1.0.3'], 'kept until the daemon is ready');
  await second.ready();
  assert.match(await box.dig('old'), /SERVFAIL/, 'what was not put again is gone');
  assert.deepEqual(await second.holdPorts('other', [held]), [], 'the port was let go');
  assert.equal(one(netdProcesses(host)), pid);
  const refused = await second.holdPorts('third', [held]);
  assert.equal(refused[0]?.code, 'EADDRINUSE');
  await second.releasePorts('other');
  assert.deepEqual(await second.holdPorts('third', [held]), []);
  await second.close({ keep: true });

  // A daemon that needs nothing ends it.
  const third = startDaemonSide(host);
  await third.ready();
  await third.close({ keep: true });
  await until(() => netdProcesses(host).length === 0, 2000, 'the end of berth-netd');
});

hostTest('a process of another version is replaced without a gap', {}, async (host) => {
  const first = startDaemonSide(host, { version: 'one' });
  await using box = await makeContainer(host, 'box');
  await first.putNames(boxNames(box.path));
  const held = {
    protocol: 'tcp',
    hostAddress: '0.0.0.0',
    hostPort: 8053,
    address: '10.1.0.3',
    port: 80,
    proxy: false,
  } as const;
  assert.deepEqual(await first.holdPorts('s', [held]), []);
  const pid = one(netdProcesses(host));
  await first.close({ keep: true });

  // Asked without a pause from before to after.
  let going = true;
  let missed = 0;
  let asked = 0;
  const asking = (async () => {
    while (going) {
      asked++;
      if ((await box.short('box', '+time=1')).length !== 1) missed++;
    }
  })();
  const second = startDaemonSide(host, { version: 'two' });
  await second.putNames(boxNames(box.path));
  assert.equal(netdProcesses(host).length, 2, 'the old one is there until the daemon is ready');
  assert.deepEqual(await second.holdPorts('s', [held]), []);
  await second.ready();
  await until(() => netdProcesses(host).length === 1, 2000, 'the end of the old one');
  going = false;
  await asking;
  assert.ok(asked > 3);
  assert.equal(missed, 0);
  assert.notEqual(one(netdProcesses(host)), pid);
  assert.deepEqual(await box.short('box'), ['10.1.0.2']);

  // The new one dies before it was ready: the old one can be found again.
  const third = startDaemonSide(host, { version: 'three' });
  const current = one(netdProcesses(host));
  await second.close({ keep: true });
  await third.putNames(boxNames(box.path));
  const next = netdProcesses(host).find((candidate) => candidate !== current) ?? 0;
  await third.kill9();
  process.kill(next, 'SIGKILL');
  await until(() => netdProcesses(host).length === 1);
  const fourth = startDaemonSide(host, { version: 'two' });
  await until(async () => existsSync(`${host.root}/d/netd.sock`));
  await fourth.ready();
  await until(() => netdProcesses(host).length === 0 || netdProcesses(host)[0] === current);
  await fourth.close({ keep: false });
  await until(() => netdProcesses(host).length === 0, 2000, 'the end of all');
});

hostTest('two daemons have one each', {}, async (host) => {
  const [a, b] = [startDaemonSide(host, { name: 'a' }), startDaemonSide(host, { name: 'b' })];
  await using boxA = await makeContainer(host, 'box-a');
  await using boxB = await makeContainer(host, 'box-b');
  await a.putNames(boxNames(boxA.path, 'mine'));
  await b.putNames(boxNames(boxB.path, 'yours'));
  assert.equal(netdProcesses(host).length, 2);
  assert.match(await boxA.dig('yours'), /SERVFAIL/);
  await a.close({ keep: false });
  assert.deepEqual(await boxB.short('yours'), ['10.1.0.2']);
  await b.close({ keep: false });
  await until(() => netdProcesses(host).length === 0);
});

hostTest('a namespace that only the daemon’s mount namespace shows', {}, async (host) => {
  const first = startDaemonSide(host);
  await using box = await makeContainer(host, 'box');
  await first.putNames(boxNames(box.path));
  await first.close({ keep: true });
  // As berthd does on a hybrid cgroup host: its mounts are its own, and berth-netd lives in the old ones.
  const mounts = 'touch /run/netns/late && unshare --net=/run/netns/late ip link set lo up && exec "$@"';
  const wrapper = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounts, 'sh'];
  const second = startDaemonSide(host, { wrapper });
  await second.putNames(boxNames(box.path));
  await second.putNames(
    sandbox('s-late', '/run/netns/late', { endpoints: [endpoint('n', '10.1.0.3', ['late'])], forward: false }),
  );
  assert.deepEqual(await box.short('late'), ['10.1.0.3']);
  await assert.rejects(second.putNames(sandbox('s-file', '/etc/hosts')), /EINVAL/);
  await second.close({ keep: false });
  await host.run('rm', '/run/netns/late');
});

hostTest('where there can be no rules the resolver has port 53 itself', {}, async (host) => {
  const [node = '', ...flags] = netdProgram(new URL('../../src/berthd.ts', import.meta.url).pathname);
  const daemon = startDaemonSide(host, { program: ['setpriv', '--bounding-set=-net_admin', node, ...flags] });
  await using box = await makeContainer(host, 'box');
  await daemon.putNames(boxNames(box.path));
  assert.deepEqual(await box.short('box'), ['10.1.0.2']);
  assert.deepEqual(await box.short('box', '+tcp'), ['10.1.0.2']);
  assert.match(await box.run('ss', '-Huln'), /127\.0\.0\.11:53\s/);
  await daemon.close({ keep: false });
});
