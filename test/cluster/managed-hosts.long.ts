/** A managed cluster of several hosts: who is let in, who becomes a member, who leaves, and what ends with whom. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe } from 'node:test';
import { idle } from '../e2e/support.ts';
import { until } from '../support/wait.ts';
import {
  clusterTest,
  etcdctl,
  etcdsOn,
  init,
  listeners,
  rolesSeenBy,
  stateOf,
  statusOf,
  voters,
} from './managed-hosts.ts';
import type { ManagedHost } from './managed-hosts.ts';

async function refused({ daemon }: ManagedHost, args: readonly string[], text: RegExp): Promise<void> {
  const { code, stderr } = await daemon.berth('cluster', ...args);
  assert.equal(code, 1, args.join(' '));
  assert.match(stderr, text);
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

    // etcd takes nobody out before all have been in touch for some seconds; the refusal says to try again.
    await until(async () => (await a.daemon.berth('cluster', 'leave')).code === 0, 30_000, 'the end of the membership');
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

  clusterTest('containers on overlay networks keep their host in, unless it is forced', {}, async ([a, b]) => {
    const input = `${await init(a)}\n`;
    const env = { ...process.env, ...b.daemon.clientEnv };
    assert.equal((await b.host.exec(b.daemon.berthArgv('cluster', 'join', '-'), { input, env })).code, 0);
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
});
