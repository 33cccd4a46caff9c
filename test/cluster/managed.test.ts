/** A managed etcd on one host: what runs and listens, who gets in, what outlives what. */
import assert from 'node:assert/strict';
import { statSync, existsSync, readdirSync } from 'node:fs';
import { describe } from 'node:test';
import { until } from '../support/wait.ts';
import { etcdctl, etcdsOn, hostTest, init, listeners, statusOf } from './managed-hosts.ts';
import type { ManagedHost } from './managed-hosts.ts';

/** Everything that a host in no cluster has: nothing. */
async function assertNothingLeft(host: ManagedHost): Promise<void> {
  assert.deepEqual(await etcdsOn(host), []);
  assert.deepEqual(await listeners(host), []);
  assert.equal(existsSync(host.directory), false);
  assert.deepEqual(readdirSync(`${host.daemon.dataRoot}/tmp`), []);
  assert.equal((await statusOf(host)).Kind, 'none');
}

void describe('one host', () => {
  hostTest(
    'etcd speaks to those with a certificate only, at the advertised address only, and outlives berthd',
    async (a) => {
      assert.deepEqual(await listeners(a), [], 'nothing listens before it is asked for');
      await init(a);
      assert.deepEqual(
        await listeners(a),
        [2378, 2379, 2380].map((port) => `${a.address}:${port}`),
      );
      assert.equal(statSync(a.directory).mode & 0o777, 0o700);
      assert.deepEqual(readdirSync(`${a.daemon.dataRoot}/tmp`), [], 'no key lies about');

      const health = await etcdctl(a, a.address, 'endpoint', 'health');
      assert.equal(health.code, 0, health.stderr);
      const stranger = await a.host.exec(
        [
          'etcdctl',
          `--endpoints=https://${a.address}:2379`,
          '--insecure-skip-tls-verify',
          '--command-timeout=1s',
          'get',
          'x',
        ],
        {
          env: { ...process.env, ETCDCTL_API: '3' },
        },
      );
      assert.notEqual(stranger.code, 0, 'without a certificate nobody gets in');
      const purpose = ['-purpose', 'sslserver', '-verify_ip', a.address];
      const files = ['-CAfile', `${a.directory}/ca.pem`, `${a.directory}/host.pem`];
      const verified = await a.host.run('openssl', 'verify', ...purpose, ...files);
      assert.match(verified, /: OK$/m);
      for (const port of [2379, 2380]) {
        const { stdout, stderr } = await a.host.exec(['openssl', 's_client', '-connect', `${a.address}:${port}`], {
          input: '',
        });
        assert.match(stdout + stderr, /Acceptable client certificate CA names/, `port ${port} asks for a certificate`);
      }

      const [pid] = await etcdsOn(a);
      assert.equal(await a.daemon.stop(), 0);
      assert.deepEqual(await etcdsOn(a), [pid], 'it goes on while berthd does not');
      assert.deepEqual(
        await listeners(a),
        [2379, 2380].map((port) => `${a.address}:${port}`),
        'nobody is let in meanwhile',
      );
      await a.daemon.restart();
      await until(async () => (await statusOf(a)).State === 'joined');
      assert.deepEqual(await etcdsOn(a), [pid], 'and is taken over');
      await until(async () => (await listeners(a)).includes(`${a.address}:2378`), 5000, 'the token is still valid');

      await a.host.run('kill', '-9', String(pid));
      await until(async () => (await etcdsOn(a)).length === 1 && (await statusOf(a)).Quorum?.Answering === 1);
      assert.notDeepEqual(await etcdsOn(a), [pid], 'another one was started');

      await a.daemon.kill9();
      await a.host.run('pkill', '-9', '-x', 'etcd');
      await a.daemon.restart();
      await until(async () => (await statusOf(a)).Quorum?.Answering === 1, 10_000, 'as after a reboot');

      await a.daemon.berthOk('cluster', 'leave');
      await assertNothingLeft(a);
      await a.daemon.restart();
      await assertNothingLeft(a);
    },
  );

  hostTest('what cannot be is refused with what to do, and leaves nothing', async (a) => {
    const refused = async (args: readonly string[], text: RegExp): Promise<void> => {
      const { code, stderr } = await a.daemon.berth('cluster', ...args);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, text);
    };
    for (const verb of ['leave', 'promote', 'token'])
      await refused([verb], /this host is in no cluster: "berth cluster init"/);
    await refused(['join', 'BERTH1-AAAA'], /this is no join token, or not all of one/);
    await refused(
      ['init', '--advertise-addr', '198.51.100.77'],
      /not an address of this host that others can use: 198\.51\.100\.2 \(eth0\)/,
    );
    await refused(['init', '--advertise-addr', 'nope'], /this host has no such interface/);

    const busy = a.host.spawn(['socat', `TCP-LISTEN:2379,bind=${a.address},reuseaddr,fork`, 'EXEC:true'], {
      stdio: 'ignore',
    });
    await until(async () => (await listeners(a)).length === 1);
    await refused(['init'], /etcd does not answer: .*address already in use/);
    assert.equal(existsSync(a.directory), false);
    assert.deepEqual(await etcdsOn(a), []);
    await a.host.run('pkill', '-x', 'socat');
    busy.kill();
    await until(async () => (await listeners(a)).length === 0);

    await init(a, '--advertise-addr', a.address);
    await refused(['init'], /in a cluster already: "berth cluster token" prints how others join it/);
    await refused(['rm', 'h1'], /this is that host: "berth cluster leave"/);
    await refused(['rm', 'h9'], /there is no host h9 in the cluster/);
    await refused(['promote', 'h9'], /there is no host h9 in the cluster now: there are h1/);
    await refused(['token', '--life', '1s'], /lives between 60 seconds and 7 days/);
    assert.match(await a.daemon.berthOk('cluster', 'promote'), /This host is a member of etcd\./);
    assert.match(await a.daemon.berthOk('cluster', 'token', '-q'), /^BERTH1-[\w-]+$/);
    assert.match(await a.daemon.berthOk('cluster', 'status'), /^h1 \* +203\.0\.113\.1 +leader +up /m);
    assert.equal(await a.daemon.berthOk('cluster', 'status', '--format', '{{.Kind}} {{len .Hosts}}'), 'managed 1');
  });

  hostTest('kill -9 of berthd in the midst of init: the next start removes what there is', async (a) => {
    // At several moments: before there is a file, while etcd starts, when it answers.
    for (const moment of [
      async () => existsSync(a.directory),
      async () => (await etcdsOn(a)).length > 0,
      async () => (await listeners(a)).includes(`${a.address}:2379`),
    ]) {
      const client = a.daemon.berth('cluster', 'init');
      await until(moment);
      await a.daemon.kill9();
      assert.equal((await client).code, 1);
      await a.daemon.restart();
      if ((await statusOf(a)).Kind === 'none') await assertNothingLeft(a);
      // It came to its end just before.
      else await a.daemon.berthOk('cluster', 'leave');
    }
    await init(a);
    assert.deepEqual(
      (await statusOf(a)).Hosts.map(({ Name }) => Name),
      ['h1'],
    );
  });

  hostTest('over IPv6', async (a) => {
    await init(a, '--advertise-addr', '2001:db8:113::1');
    assert.deepEqual(
      await listeners(a),
      [2378, 2379, 2380].map((port) => `[2001:db8:113::1]:${port}`),
    );
    assert.equal((await etcdctl(a, '[2001:db8:113::1]', 'endpoint', 'health')).code, 0);
  });
});
