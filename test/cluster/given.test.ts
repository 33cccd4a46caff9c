/** An etcd that somebody else runs: TLS with client certificates, user and password, prefix; what is wrong is said at the start. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createAuthority, createRequest, issue } from '../../src/cluster/managed/certificates.ts';
import { startMembers, withoutEtcd } from '../etcd/members.ts';
import { address4, createUnderlay } from '../support/underlay.ts';
import { until } from '../support/wait.ts';

interface Status {
  Kind: string;
  State: string;
  Reason: string;
  Prefix: string;
  Hosts: { Name: string }[];
}

const PASSWORD = 'correct-horse';

void test('over TLS, as a user that may write its prefix only', { skip: withoutEtcd }, async () => {
  await using underlay = await createUnderlay();
  await using server = await underlay.host(9);
  await using a = await underlay.host(1, { outside: true });
  const write = (name: string, text: string): string => {
    writeFileSync(`${a.root}/${name}`, text, { mode: 0o600 });
    return `${a.root}/${name}`;
  };
  const authority = await createAuthority(a.root, 'c0ffee');
  const ca = write('ca.pem', authority.certificate);
  const identity = async (name: string, address: string): Promise<{ certificate: string; key: string }> => {
    const { key, request } = await createRequest(a.root);
    const pem = await issue(a.root, authority, request, { name, address });
    return { certificate: write(`${name}.pem`, pem), key: write(`${name}-key.pem`, key) };
  };
  const own = await identity('nobody', address4(1));
  await using etcd = await startMembers([{ host: server, address: address4(9) }], {
    tls: { ca, ...(await identity('server', address4(9))) },
  });
  for (const words of [
    'user add root:root',
    'user grant-role root root',
    `user add berth:${PASSWORD}`,
    'role add berth',
    'role grant-permission berth readwrite /site/ --prefix',
    'user grant-role berth berth',
    'auth enable',
  ]) {
    await etcd.ctl(...words.split(' '));
  }

  const flags = (passwordFile: string): string[] => [
    `--cluster-store=etcd://${address4(9)}/site`,
    `--cluster-store-opt=kv.cacertfile=${ca}`,
    `--cluster-store-opt=kv.certfile=${own.certificate}`,
    `--cluster-store-opt=kv.keyfile=${own.key}`,
    '--cluster-store-opt=user=berth',
    `--cluster-store-opt=passwordfile=${passwordFile}`,
    '--cluster-advertise=under0:2376',
    '--cluster-name=h1',
    '--cluster-timeout=3',
  ];
  await assert.rejects(a.startDaemon({ args: flags('/none') }), /--cluster-store-opt passwordfile: ENOENT/);
  const daemon = await a.startDaemon({ args: flags(write('password', `${PASSWORD}\n`)) });
  const status = async (): Promise<Status> => (await daemon.api<Status>('GET', '/berth/cluster')).body;
  await until(async () => (await status()).State === 'joined');
  const { Kind, Prefix, Hosts } = await status();
  assert.deepEqual([Kind, Prefix, Hosts.map(({ Name }) => Name)], ['given', '/site', ['h1']]);
  const root = await etcd.ctl('--user=root:root', 'get', '--prefix', '', '--keys-only');
  const keys = root.split('\n').filter(Boolean);
  assert.ok(keys.includes('/site/hosts/h1'));
  assert.deepEqual(
    keys.filter((key) => !key.startsWith('/site/')),
    [],
  );
  assert.match(
    await daemon.berthOk('cluster', 'status'),
    /\(--cluster-store, prefix \/site\)[^]*^h1 \* +203\.0\.113\.1 /m,
  );
  assert.match((await daemon.berth('cluster', 'leave')).stderr, /was started with --cluster-store/);

  const seen = [daemon.log(), readFileSync(`/proc/${daemon.pid}/cmdline`, 'latin1')];
  assert.deepEqual(
    seen.filter((text) => text.includes(PASSWORD)),
    [],
    'nobody is told the password',
  );
  await daemon.stop();
  const other = await a.startDaemon({ args: flags(write('password', 'wrong')), name: 'd0' });
  await until(async () => {
    const { stdout } = await other.berth('cluster', 'status');
    return /^State: +connecting: .*authentication failed/m.test(stdout);
  });
  assert.doesNotMatch(other.log(), /correct-horse|wrong/);
});
