/** A real etcd that wants client certificates, and names with passwords. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { EtcdError } from '../../src/cluster/etcd/error.ts';
import type { EtcdOptions } from '../../src/cluster/etcd/port.ts';
import { Recorder } from '../../src/cluster/etcd/testing-contract-watch.ts';
import { put, refused, write } from '../../src/cluster/etcd/testing-world.ts';
import { createHost } from '../support/host.ts';
import { startMembers, withoutEtcd } from './members.ts';
import { connect } from './remote.ts';

const execute = promisify(execFile);

/** Writes ca.pem, other-ca.pem and, signed by the first, server.pem and client.pem; each with its -key.pem. */
async function makeCertificates(directory: string): Promise<void> {
  const openssl = (...args: string[]): Promise<unknown> => execute('openssl', args, { cwd: directory });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const name of ['ca', 'other-ca']) {
    await openssl(
      'req',
      '-x509',
      ...curve,
      '-keyout',
      `${name}-key.pem`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
    );
  }
  for (const name of ['server', 'client']) {
    const request = ['-keyout', `${name}-key.pem`, '-out', `${name}.csr`, '-subj', `/CN=${name}`];
    await openssl('req', ...curve, ...request, '-addext', 'subjectAltName=IP:::1');
    const sign = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-copy_extensions', 'copy'];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...sign, '-out', `${name}.pem`);
  }
}

async function reason(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => assert.fail('was not refused'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof EtcdError && error.code === 'unavailable', String(error));
  return error.message;
}

void test('certificates and passwords', { skip: withoutEtcd }, async (t) => {
  await using host = await createHost();
  await makeCertificates(host.root);
  const file = (name: string): string => `${host.root}/${name}.pem`;
  // Tokens last for two seconds.
  await using etcd = await startMembers([{ host, address: '::1' }], {
    tls: { ca: file('ca'), certificate: file('server'), key: file('server-key') },
    args: ['--auth-token-ttl=2'],
  });
  const pem = (name: string): Buffer => readFileSync(file(name));
  const tls = { ca: pem('ca'), certificate: pem('client'), key: pem('client-key') };
  const client = (options: Partial<EtcdOptions>): ReturnType<typeof connect> =>
    connect(host, { endpoints: etcd.endpoints, timeout: 3000, tls, ...options });

  await t.test('a client certificate lets in', async () => {
    await using one = client({});
    await write(one, put('berth/k', 'v'));
    assert.equal(await etcd.ctl('get', 'berth/k', '--print-value-only'), 'v\n');
  });

  await t.test('what is wrong with a certificate is said', async () => {
    await using unnamed = client({ tls: { ca: tls.ca }, timeout: 1000 });
    await using trusting = client({ tls: { ...tls, ca: pem('other-ca') }, timeout: 1000 });
    await using plain = client({ endpoints: ['http://[::1]:2379'], timeout: 1000 });
    assert.match(await reason(unnamed.get({ key: 'k' })), /certificate/i);
    assert.match(await reason(trusting.get({ key: 'k' })), /certificate/i);
    await reason(plain.get({ key: 'k' }));
  });

  const root = '--user=root:of-all';
  await etcd.ctl('user', 'add', 'root:of-all');
  await etcd.ctl('user', 'grant-role', 'root', 'root');
  await etcd.ctl('role', 'add', 'berth');
  await etcd.ctl('role', 'grant-permission', 'berth', 'readwrite', 'berth/', '--prefix');
  await etcd.ctl('user', 'add', 'berth:secret');
  await etcd.ctl('user', 'grant-role', 'berth', 'berth');
  await using early = client({ user: { name: 'berth', password: 'secret' } });
  await write(early, put('berth/k', 'before passwords were asked for'));
  await etcd.ctl('auth', 'enable');

  await t.test('a name with its password lets to what it may, and to no more', async () => {
    // Its first call was before, without a token.
    await write(early, put('berth/k', 'w'));
    assert.equal(await etcd.ctl('get', root, 'berth/k', '--print-value-only'), 'w\n');
    await refused(early.get({ key: 'others' }), 'denied');
    await refused(early.get({ prefix: '' }), 'denied');
    await using wrong = client({ user: { name: 'berth', password: 'guess' } });
    await refused(wrong.get({ key: 'berth/k' }), 'denied');
  });

  await t.test('a watch and calls outlast the token, and a restart that forgets all tokens', async () => {
    const { revision } = await early.get({ prefix: 'berth/' });
    const told = new Recorder(early, { prefix: 'berth/' }, revision + 1n);
    await told.until(() => told.startedAt.length === 1, 'the start');
    await new Promise((resolve) => setTimeout(resolve, 4000));
    await write(early, put('berth/k', '1'));
    await etcd.kill(0);
    await etcd.start(0);
    await told.until(() => told.resumedAt.length === 1, 'the resumption');
    await write(early, put('berth/k', '2'));
    await told.tells('+berth/k=1@0', '+berth/k=2@1');
    told.close();
  });

  await t.test('a watch of what it may not see starts when it may', async () => {
    const { revision } = await early.get({ prefix: 'berth/' });
    const told = new Recorder(early, { prefix: 'others/' }, revision + 1n);
    await told.until(() => told.interruptions.length === 1, 'the refusal');
    assert.deepEqual(told.interruptions, ['denied']);
    await etcd.ctl('put', root, 'others/k', 'v');
    await etcd.ctl('role', root, 'grant-permission', 'berth', 'read', 'others/', '--prefix');
    await told.tells('+others/k=v@0');
  });
});
