/** A managed cluster of several hosts: who is let in, who becomes a member, who leaves, and what ends with whom. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe } from 'node:test';
import { idle } from '../e2e/support.ts';
import { until } from '../support/wait.ts';
import { clusterTest, etcdctl, etcdsOn, init, listeners, rolesSeenBy, statusOf } from './managed-hosts.ts';
import type { ManagedHost } from './managed-hosts.ts';

async function refused({ daemon }: ManagedHost, args: readonly string[], text: RegExp): Promise<void> {
  const { code, stderr } = await daemon.berth('cluster', ...args);
  assert.equal(code, 1, args.join(' '));
  assert.match(stderr, text);
}

const stateOf = async (seenBy: ManagedHost, name: string): Promise<string | undefined> =>
  (await statusOf(seenBy)).Hosts.find(({ Name }) => Name === name)?.State;

/** As etcd itself says, to whoever has a certificate. */
async function voters(seenBy: ManagedHost, at: ManagedHost): Promise<string[]> {
  const { stdout, stderr, code } = await etcdctl(seenBy, at.address, 'member', 'list', '-w', 'json');
  assert.equal(code, 0, stderr);
  const { members } = JSON.parse(stdout) as { members: { name: string; isLearner?: boolean }[] };
  return members
    .filter(({ isLearner }) => isLearner !== true)
    .map(({ name }) => name)
    .toSorted();
}

void describe('several hosts', () => {
  clusterTest('join, promote here and elsewhere, lose the leader, leave', {}, async ([a, b, c], underlay) => {
    const token = await init(a);
    assert.match(
      await b.daemon.berthOk('cluster', 'join', token),
      /in the cluster as h2, at 203\.0\.113\.2, one of 2 hosts/,
    );
    assert.deepEqual(await listeners(b), [], 'a host that joins opens nothing');
    assert.deepEqual(await etcdsOn(b), []);
    const health = await etcdctl(b, a.address, 'endpoint', 'health');
    assert.equal(health.code, 0, health.stderr);
    assert.match(await b.daemon.berthOk('cluster', 'join', token), /one of 2 hosts/, 'twice is once');
    // A token of the host that joined is as good.
    const other = await b.daemon.berthOk('cluster', 'token', '--quiet', '--life', '2m');
    assert.deepEqual(await listeners(b), ['203.0.113.2:2378']);
    await c.daemon.berthOk('cluster', 'join', other);
    await until(async () => (await rolesSeenBy(a)).length === 3);
    assert.deepEqual(await rolesSeenBy(a), ['h1 leader', 'h2 client', 'h3 client']);

    await refused(
      a,
      ['leave'],
      /has the only etcd of the cluster, and h2, h3 would be without: run "berth cluster promote h2" first/,
    );
    const second = await b.daemon.berth('cluster', 'promote');
    assert.match(second.stderr, /^NOTE: with two members, either one that is down stops changes/);
    assert.deepEqual(await voters(c, a), ['h1', 'h2']);
    await a.daemon.berthOk('cluster', 'promote', 'h3');
    for (const at of [a, b, c]) assert.deepEqual(await voters(a, at), ['h1', 'h2', 'h3']);
    assert.deepEqual(await listeners(c), ['203.0.113.3:2379', '203.0.113.3:2380']);
    assert.match(await b.daemon.berthOk('cluster', 'promote', 'h3'), /h3 is a member of etcd/, 'twice is once');

    // The leader's host is gone with all that runs on it: the others go on, and say so.
    await underlay.cut(1);
    await until(async () => (await statusOf(c)).Quorum?.Answering === 2, 20_000);
    await until(async () => (await rolesSeenBy(c)).some((role) => role.endsWith(' leader')), 20_000);
    await until(async () => (await stateOf(c, 'h1')) === 'down', 20_000, 'the end of the lease of h1');
    await refused(c, ['rm', 'h2'], /h2 is in the cluster and well/);
    await refused(a, ['leave'], /etcd does not answer, and without its majority this member cannot be taken out/);
    await underlay.join(1);
    for (const host of [a, c]) {
      await until(async () => (await statusOf(host)).State === 'joined', 20_000);
      await until(async () => (await rolesSeenBy(host)).length === 3, 20_000, 'h1 is back');
    }

    await a.daemon.berthOk('cluster', 'leave');
    assert.deepEqual(await etcdsOn(a), []);
    assert.deepEqual(await voters(b, c), ['h2', 'h3']);
    await until(async () => (await statusOf(b)).Hosts.length === 2);
    // It comes again, as anybody would.
    await a.daemon.berthOk('cluster', 'join', await b.daemon.berthOk('cluster', 'token', '-q'));
    await until(async () => (await rolesSeenBy(b)).includes('h1 client'));
  });

  clusterTest(
    'who is not let in, and leaves nothing of the attempt',
    { args: ['--cluster-name=same'] },
    async ([a, b, c]) => {
      const token = await init(a);
      const foreign = await init(c);
      const nothing = async (): Promise<void> => {
        assert.equal(existsSync(b.directory), false);
        assert.equal((await statusOf(b)).Kind, 'none');
      };
      await refused(
        b,
        ['join', token],
        /the cluster has a host same already: start berthd with another --cluster-name/,
      );
      await nothing();
      await refused(
        a,
        ['join', foreign],
        /this host is in another cluster: "berth cluster leave" leaves that; then join/,
      );
      await refused(b, ['join', token.slice(0, -4)], /no join token, or not all of one/);
      await a.daemon.berthOk('cluster', 'leave');
      await refused(
        b,
        ['join', token],
        /cannot join by 203\.0\.113\.1, port 2378 \(TCP\): .*ECONNREFUSED.*"berth cluster token"/,
      );
      await nothing();
      await init(a);
      await refused(b, ['join', token], /203\.0\.113\.1 is not the host that made this token/);
      await nothing();
    },
  );

  clusterTest(
    'a member that is gone for good is taken out; its host comes again as a new one',
    {},
    async ([a, b, c]) => {
      const token = await init(a);
      for (const host of [b, c]) {
        await host.daemon.berthOk('cluster', 'join', token);
        await host.daemon.berthOk('cluster', 'promote');
      }
      assert.deepEqual(await voters(a, c), ['h1', 'h2', 'h3']);
      // Its disk is lost: nobody says goodbye.
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
    },
  );

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

  clusterTest('containers on overlay networks keep their host in, unless it is forced', {}, async ([a, b]) => {
    await b.daemon.berthOk('cluster', 'join', await init(a));
    await a.daemon.dockerOk('network', 'create', '-d', 'overlay', '--attachable', 'wide');
    await until(async () => (await b.daemon.docker('network', 'inspect', 'wide')).code === 0);
    await idle(a.daemon, 'one', '--network', 'wide');
    await idle(b.daemon, 'two', '--network', 'wide');
    await until(async () => (await b.daemon.docker('exec', 'two', 'ping', '-c1', '-W1', 'one')).code === 0);
    await refused(
      b,
      ['leave'],
      /a container is on overlay networks \(two\): remove or disconnect them first, or use --force/,
    );
    await b.daemon.berthOk('cluster', 'leave', '--force');
    await a.daemon.dockerOk('rm', '-f', 'one');
    await refused(
      a,
      ['leave'],
      /this is the last host of the cluster, and with it its network ends: remove them first/,
    );
    await a.daemon.dockerOk('network', 'rm', 'wide');
    await a.daemon.berthOk('cluster', 'leave');
  });

  clusterTest(
    'a member that was taken out while it was away comes back as a client',
    {},
    async ([a, b, c], underlay) => {
      const token = await init(a);
      for (const host of [b, c]) {
        await host.daemon.berthOk('cluster', 'join', token);
        await host.daemon.berthOk('cluster', 'promote');
      }
      await underlay.cut(3);
      await until(async () => (await stateOf(a, 'h3')) === 'down', 20_000, 'the end of the lease of h3');
      await a.daemon.berthOk('cluster', 'rm', 'h3');
      await underlay.join(3);
      await until(
        async () => (await etcdsOn(c)).length === 0 && !existsSync(`${c.directory}/etcd`),
        30_000,
        'a client',
      );
      await until(async () => (await rolesSeenBy(a)).includes('h3 client'), 20_000);
      assert.equal((await statusOf(c)).State, 'joined');
      await c.daemon.berthOk('cluster', 'promote');
      assert.deepEqual(await voters(b, c), ['h1', 'h2', 'h3']);
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
    await b.daemon.dockerOk('network', 'create', '-d', 'overlay', 'after');
    await until(async () => (await a.daemon.docker('network', 'inspect', 'after')).code === 0);
  });
});
