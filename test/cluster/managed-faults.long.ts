/** What befalls a managed cluster: kills in the midst of something, members that are lost, a backup that is restored. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe } from 'node:test';
import { until } from '../support/wait.ts';
import { clusterTest, etcdctl, etcdsOn, init, rolesSeenBy, stateOf, statusOf, voters } from './managed-hosts.ts';

void describe('faults of a managed cluster', () => {
  clusterTest(
    'kill -9 in the midst of join and promote: the next start or call finishes or removes it',
    {},
    async ([a, b]) => {
      const token = await init(a);
      const joining = b.daemon.berth('cluster', 'join', token);
      await until(() => existsSync(b.directory));
      await b.daemon.kill9();
      await joining;
      await b.daemon.restart();
      if ((await statusOf(b)).Kind === 'none') assert.equal(existsSync(b.directory), false);
      await b.daemon.berthOk('cluster', 'join', token);

      const promoting = b.daemon.berth('cluster', 'promote');
      await until(async () => (await etcdsOn(b)).length > 0);
      await b.daemon.kill9();
      await promoting;
      await b.daemon.restart();
      await b.daemon.berthOk('cluster', 'promote');
      assert.deepEqual(await voters(a, b), ['h1', 'h2']);
      assert.equal((await etcdsOn(b)).length, 1);
    },
  );

  clusterTest(
    'members that are taken out: one lost its disk and is new again, one was away and is a client now',
    {},
    async ([a, b, c], underlay) => {
      const token = await init(a);
      for (const host of [b, c]) {
        await host.daemon.berthOk('cluster', 'join', token);
        await host.daemon.berthOk('cluster', 'promote');
      }
      // Nobody says goodbye.
      await b.daemon.kill9();
      await b.host.run('pkill', '-9', '-x', 'etcd');
      await b.host.run('sh', '-c', `rm -rf ${b.daemon.dataRoot}`);
      await until(async () => (await stateOf(a, 'h2')) === 'down', 20_000, 'the end of the lease of h2');
      assert.match((await a.daemon.berth('cluster', 'rm', 'h2')).stdout, /^h2$/m);
      assert.deepEqual(await voters(c, a), ['h1', 'h3']);
      await b.daemon.restart();
      await b.daemon.berthOk('cluster', 'join', token);
      await a.daemon.berthOk('cluster', 'promote', 'h2');
      assert.deepEqual(await voters(c, b), ['h1', 'h2', 'h3']);

      await underlay.cut(1);
      await until(async () => (await stateOf(b, 'h1')) === 'down', 20_000, 'the end of the lease of h1');
      await b.daemon.berthOk('cluster', 'rm', 'h1');
      await underlay.join(1);
      await until(
        async () => (await etcdsOn(a)).length === 0 && !existsSync(`${a.directory}/etcd`),
        30_000,
        'a client',
      );
      await until(async () => (await rolesSeenBy(b)).includes('h1 client'), 20_000);
      assert.equal((await statusOf(a)).State, 'joined');
    },
  );

  clusterTest('restored from a backup as docs/clusters.md says it', {}, async ([a, b]) => {
    await b.daemon.berthOk('cluster', 'join', await init(a));
    await a.daemon.dockerOk('network', 'create', '-d', 'overlay', 'before');
    const backup = `${a.host.root}/backup.db`;
    const saved = await etcdctl(a, a.address, 'snapshot', 'save', backup);
    assert.equal(saved.code, 0, saved.stderr);
    await a.daemon.dockerOk('network', 'create', '-d', 'overlay', 'since');

    await a.daemon.stop();
    await a.host.run('pkill', '-x', 'etcd');
    await until(async () => (await etcdsOn(a)).length === 0);
    await a.host.run('mv', `${a.directory}/etcd`, `${a.directory}/etcd.old`);
    const peer = `https://${a.address}:2380`;
    const restore = ['snapshot', 'restore', backup, '--data-dir', `${a.directory}/etcd`, '--name', 'h1'];
    const restored = await a.host.exec(
      ['etcdctl', ...restore, '--initial-cluster', `h1=${peer}`, '--initial-advertise-peer-urls', peer],
      { env: { ...process.env, ETCDCTL_API: '3' } },
    );
    assert.equal(restored.code, 0, restored.stderr);
    await a.daemon.restart();

    for (const { daemon } of [a, b]) {
      await until(
        async () => (await daemon.docker('network', 'inspect', 'since')).code !== 0,
        20_000,
        'what was since',
      );
      await daemon.dockerOk('network', 'inspect', 'before');
    }
    await until(async () => (await rolesSeenBy(a)).join() === 'h1 leader,h2 client', 20_000, 'both hosts');
    assert.ok(existsSync(`${a.directory}/etcd`), 'a member with another ID than before is a member');
    await b.daemon.dockerOk('network', 'create', '-d', 'overlay', 'after');
    await until(async () => (await a.daemon.docker('network', 'inspect', 'after')).code === 0);
  });
});
