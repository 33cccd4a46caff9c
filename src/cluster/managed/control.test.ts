import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { createRequest } from './certificates.ts';
import { ManagedContext } from './context.ts';
import { createManagedCluster } from './control.ts';
import { Invitations } from './invitations.ts';
import { askToJoin, fetchAuthority } from './join-client.ts';
import { JOIN_PORT } from './join-endpoint.ts';
import type { JoinAnswer, JoinRequest } from './join-endpoint.ts';
import { membershipOf, putMembership, putTokens, tokensOf } from './membership.ts';
import { createTestWorld, ownAddress } from './testing-world.ts';
import type { TestWorld } from './testing-world.ts';
import { parseToken } from './token.ts';

const YEAR = 365 * 24 * 60 * 60 * 1000;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

/** What a joining host sends, with this token. */
async function ask(world: TestWorld, text: string, own: Partial<JoinRequest> = {}): Promise<JoinAnswer> {
  const token = parseToken(text);
  const { authority } = await fetchAuthority(token);
  const { request } = await createRequest(world.deps.scratch);
  const secret = token.secret.toString('base64url');
  const hostId = '0123456789abcdef';
  return askToJoin(token, authority, { secret, request, name: 'b', address: '192.0.2.2', hostId, ...own });
}

void describe('tokens', () => {
  void test('let a host in, as whoever it is, until they end', async () => {
    using world = await createTestWorld();
    const context = new ManagedContext(world.deps);
    const membership = context.member('token');
    await context.enter(membership);
    const invitations = new Invitations(context);
    const { token, expires } = await invitations.issue(3600);
    assert.equal(Date.parse(expires), world.now + 3_600_000);
    assert.doesNotMatch(
      JSON.stringify(tokensOf(world.deps.store, 0)),
      new RegExp(parseToken(token).secret.toString('hex')),
    );

    const answer = await ask(world, token);
    assert.equal(new X509Certificate(answer.certificate).subject, 'CN=b');
    assert.equal(new X509Certificate(answer.certificate).subjectAltName, 'IP Address:192.0.2.2');
    assert.deepEqual(
      [answer.clusterId, answer.prefix, answer.vxlanPort, answer.endpoints],
      ['c0ffee', '/berth', 4789, membership.endpoints],
    );

    world.hosts.push({ id: 'ff', name: 'c', address: '192.0.2.3', self: false, vxlanPort: 4789, version: '' });
    await assert.rejects(ask(world, token, { name: 'c' }), { kind: 'Conflict', message: /a host c already/ });
    await assert.rejects(ask(world, token, { name: 'a' }), { kind: 'Conflict', message: /a host a already/ });
    await assert.rejects(ask(world, token, { address: '192.0.2.3' }), { kind: 'Conflict' });
    for (const wrong of [
      { name: 'b\nCN=a' },
      { hostId: 'x' },
      { request: 'x' },
      ...['127.0.0.1', '0:0::1', '::ffff:127.0.0.1', 'FE80::1', '224.0.0.1', '192.0.2.2\n[authority]', 'b'].map(
        (address) => ({ address }),
      ),
    ]) {
      await assert.rejects(ask(world, token, wrong), { kind: 'InvalidParameter' }, JSON.stringify(wrong));
    }
    await assert.rejects(ask(world, token, { secret: 'AAAA' }), { kind: 'Forbidden' });

    world.etcd.available = false;
    await assert.rejects(ask(world, token), { kind: 'Unavailable', message: /etcd of the cluster does not answer/ });
    world.etcd.available = true;
    world.now += 3_600_000;
    await assert.rejects(ask(world, token), { kind: 'Forbidden', message: /not valid, or not any more/ });
    await invitations.refresh();
    await assert.rejects(ask(world, token), { kind: 'Unavailable', message: /ECONNREFUSED/ });
  });

  void test('are kept while the daemon is not', async () => {
    using world = await createTestWorld();
    await world.cluster.restore();
    const { token } = await world.cluster.token({ life: 600 });
    await world.cluster.close();
    await assert.rejects(ask(world, token), { kind: 'Unavailable' });
    const next = createManagedCluster(world.deps);
    await next.restore();
    for (let open = false; !open;) {
      open = await ask(world, token).then(
        () => true,
        async () => (await sleep(5), false),
      );
    }
    await next.close();
  });
});

void test('a host that cannot listen for others follows its cluster all the same', async () => {
  using world = await createTestWorld();
  putTokens(world.deps.store, [{ hash: '', ends: world.now + 60_000 }]);
  const other = createServer().listen(JOIN_PORT, ownAddress);
  await once(other, 'listening');
  const [one] = world.etcd.memberList;
  assert.ok(one);
  world.etcd.memberList = [one, { ...one, id: 2n, name: 'two', clientUrls: ['http://192.0.2.2:2379'] }];
  await world.cluster.restore();
  await until(() => membershipOf(world.deps.store)?.endpoints.length === 2);
  await world.cluster.close();
  other.close();
});

void test('a learner of this host’s that was added and never written down is taken out again', async () => {
  using world = await createTestWorld();
  const remnant = { id: 2n, name: '', peerUrls: [`https://${ownAddress}:2380`], clientUrls: [], learner: true };
  world.etcd.memberList = [...world.etcd.memberList, remnant];
  await world.cluster.restore();
  await until(() => world.etcd.memberList.length === 1);
  await world.cluster.close();
});

void test('the certificate is renewed in its last third', async () => {
  using world = await createTestWorld();
  const read = (): string => readFileSync(`${world.deps.directory}/host.pem`, 'utf8');
  const before = read();
  world.now += 5 * YEAR;
  await world.cluster.restore();
  await world.cluster.token({ life: 60 });
  assert.equal(read(), before);
  await world.cluster.close();

  world.now += 3 * YEAR;
  const next = createManagedCluster(world.deps);
  await next.restore();
  await until(() => read() !== before);
  const renewed = new X509Certificate(read());
  assert.ok(renewed.verify(new X509Certificate(world.authority.certificate).publicKey));
  assert.equal(renewed.subject, 'CN=a');
  // Whatever waits for its turn comes after it.
  await next.token({ life: 60 });
  await next.close();
});

void test('what was under way when berthd was killed: no record, no files; a leave is finished', async () => {
  using world = await createTestWorld();
  const record = membershipOf(world.deps.store);
  assert.ok(record);
  putMembership(world.deps.store, { ...record, leaving: true });
  await world.cluster.restore();
  assert.equal(existsSync(world.deps.directory), false);
  assert.equal((await world.cluster.status()).kind, 'none');

  using other = await createTestWorld();
  other.deps.store.delete('meta', 'cluster');
  await other.cluster.restore();
  assert.equal(existsSync(other.deps.directory), false);
  assert.deepEqual(readdirSync(dirname(other.deps.directory)), ['tmp']);
});

void test('a store that was lost: the files of the cluster are moved aside', async () => {
  using world = await createTestWorld();
  await world.cluster.restore();
  await world.cluster.close();
  const key = readFileSync(`${world.deps.directory}/host-key.pem`, 'utf8');
  world.deps.store.delete('meta', 'cluster');
  const next = createManagedCluster(world.deps);
  await next.restore();
  assert.equal((await next.status()).kind, 'none');
  assert.equal(existsSync(world.deps.directory), false);
  const aside = readdirSync(dirname(world.deps.directory)).find((name) => name.startsWith('cluster.lost-'));
  assert.equal(readFileSync(`${dirname(world.deps.directory)}/${aside}/host-key.pem`, 'utf8'), key);
  await next.close();
});

void test('a given etcd is managed by whoever runs it', async () => {
  using world = await createTestWorld();
  const store = {
    endpoints: ['http://192.0.2.1:2379'],
    prefix: '/berth',
    ca: '',
    certificate: '',
    key: '',
    user: '',
    passwordFile: '',
  };
  const settings = { ...world.deps.settings, store, advertise: '192.0.2.1' };
  const addresses = () => [{ link: 'eth0', address: '192.0.2.1/24' }];
  await assert.rejects(createManagedCluster({ ...world.deps, settings, addresses }).restore(), {
    kind: 'Conflict',
    message: /run "berth cluster leave" first/,
  });
  world.deps.store.delete('meta', 'cluster');
  const cluster = createManagedCluster({ ...world.deps, settings, addresses });
  await cluster.restore();
  assert.equal((await cluster.status()).kind, 'given');
  for (const call of [
    async () => cluster.init({ advertise: '' }),
    async () => cluster.join({ token: '', advertise: '' }),
    async () => cluster.leave({ force: true }),
    async () => cluster.promote(''),
    async () => cluster.remove('b'),
    async () => cluster.token({ life: 60 }),
  ]) {
    await assert.rejects(call(), { kind: 'Conflict', message: /started with --cluster-store/ });
  }
  await cluster.close();
});

void test('one operation at a time', async () => {
  using world = await createTestWorld();
  await world.cluster.restore();
  const first = world.cluster.token({ life: 60 });
  await assert.rejects(
    (async () => {
      // Until the first look is over, the first one waits, too.
      for (;;) {
        await Promise.race([world.cluster.leave({ force: false }), sleep(0)]);
      }
    })(),
    { kind: 'Conflict' },
  );
  await first;
  await world.cluster.close();
});
