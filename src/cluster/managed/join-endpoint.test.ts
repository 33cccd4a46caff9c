import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { BerthError, conflict } from '../../errors.ts';
import { silent } from '../../log.ts';
import { createAuthority, createRequest, fingerprintOf, issue } from './certificates.ts';
import type { Authority } from './certificates.ts';
import { askToJoin, fetchAuthority } from './join-client.ts';
import { BODY_LIMIT, JOIN_PORT, JoinEndpoint, decodeAnswer, decodeRequest } from './join-endpoint.ts';
import type { JoinRequest } from './join-endpoint.ts';

/** Of no interface but lo; every test process may have another one. */
const ADDRESS = `127.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}.1`;
const ANSWER = {
  certificate: 'C',
  clusterId: 'c0ffee',
  endpoints: ['https://192.0.2.1:2379'],
  prefix: '/berth',
  vxlanPort: 4789,
};
const WISH: JoinRequest = { secret: 's', request: 'R', name: 'b', address: '192.0.2.2', hostId: 'ab' };

void describe('the join endpoint', () => {
  let scratch = '';
  let authority: Authority = { certificate: '', key: '' };
  let endpoint: JoinEndpoint | undefined;
  const warnings: string[] = [];
  let admit: (wish: JoinRequest) => Promise<typeof ANSWER> = async () => ANSWER;
  before(async () => {
    scratch = mkdtempSync('/tmp/b-join-');
    authority = await createAuthority(scratch, 'c0ffee');
    const { key, request: asked } = await createRequest(scratch);
    const certificate = await issue(scratch, authority, asked, { name: 'a', address: ADDRESS });
    endpoint = await JoinEndpoint.open({
      address: ADDRESS,
      key,
      certificate,
      authority: authority.certificate,
      admit: (wish) => admit(wish),
      log: { ...silent, warn: (text) => void warnings.push(text) },
    });
  });
  after(async () => {
    await endpoint?.close();
    rmSync(scratch, { recursive: true });
  });
  const token = () => ({
    address: ADDRESS,
    port: JOIN_PORT,
    fingerprint: fingerprintOf(authority.certificate),
    secret: Buffer.alloc(20),
  });

  void test('gives the authority to everyone, and lets in who is admitted', async () => {
    const { authority: pem, localAddress } = await fetchAuthority(token());
    assert.equal(pem, authority.certificate);
    assert.match(localAddress, /^127\./);
    const seen: JoinRequest[] = [];
    admit = async (wish) => (seen.push(wish), ANSWER);
    assert.deepEqual(await askToJoin(token(), pem, WISH), ANSWER);
    assert.deepEqual(seen, [WISH]);
  });

  void test('another authority than the token’s is told nothing', async () => {
    admit = () => assert.fail('was asked');
    await assert.rejects(fetchAuthority({ ...token(), fingerprint: Buffer.alloc(32) }), { kind: 'Forbidden' });
    const foreign = await createAuthority(scratch, 'f00d');
    await assert.rejects(askToJoin(token(), foreign.certificate, WISH), { kind: 'Unavailable' });
  });

  void test('whoever shows the token’s authority and one of his own is not believed by his own', async () => {
    const foreign = await createAuthority(scratch, 'f00d');
    const { key, request: asked } = await createRequest(scratch);
    const certificate = await issue(scratch, foreign, asked, { name: 'm', address: ADDRESS });
    const between = createServer({ key, cert: certificate }, (incoming, response) => {
      incoming.resume();
      response.end(incoming.url === '/ca' ? authority.certificate + foreign.certificate : JSON.stringify(ANSWER));
    });
    between.listen(0, ADDRESS);
    await once(between, 'listening');
    try {
      const { port } = between.address() as AddressInfo;
      const { authority: pem } = await fetchAuthority({ ...token(), port });
      assert.equal(pem, authority.certificate);
      await assert.rejects(askToJoin({ ...token(), port }, pem, WISH), { kind: 'Unavailable' });
    } finally {
      between.close();
    }
  });

  void test('what it says no to arrives as it was said; what nobody meant for others stays', async () => {
    admit = () => Promise.reject(conflict('there is a host b already'));
    await assert.rejects(askToJoin(token(), authority.certificate, WISH), {
      kind: 'Conflict',
      message: 'there is a host b already',
    });
    admit = () => Promise.reject(new Error('secret'));
    await assert.rejects(askToJoin(token(), authority.certificate, WISH), {
      kind: 'System',
      message: 'internal error',
    });
  });

  void test('nobody listens: the message says when somebody would', async () => {
    await assert.rejects(fetchAuthority({ ...token(), port: 9 }), {
      kind: 'Unavailable',
      message: /"berth cluster token"/,
    });
  });

  void test('hostile clients get little, and the next one is served', async () => {
    admit = () => assert.fail('was asked');
    const status = async (method: string, path: string, body = ''): Promise<number> => {
      const outgoing = request({
        host: ADDRESS,
        port: JOIN_PORT,
        method,
        path,
        ca: authority.certificate,
        agent: false,
      });
      outgoing.end(body);
      const [response] = (await once(outgoing, 'response')) as [{ statusCode: number; resume(): void }];
      response.resume();
      return response.statusCode;
    };
    assert.equal(await status('GET', '/'), 404);
    assert.equal(await status('POST', '/join', 'x'), 400);
    assert.equal(await status('POST', '/join', '[]'), 400);
    await status('POST', '/join', 'x'.repeat(BODY_LIMIT + 1)).then(
      (code) => assert.equal(code, 400),
      // It may be cut off while it still writes.
      (error: Error) => assert.match(error.message, /EPIPE|ECONNRESET|hang up/),
    );
    const plain = connect(JOIN_PORT, ADDRESS);
    plain.on('error', () => undefined);
    plain.end('GET / HTTP/1.1\r\n\r\n');
    await once(plain.resume(), 'close');
    // Whoever goes in the midst of his request can do so as often as he likes: it is not written down.
    warnings.length = 0;
    const leaving = request({
      host: ADDRESS,
      port: JOIN_PORT,
      method: 'POST',
      path: '/join',
      agent: false,
      ca: authority.certificate,
    });
    leaving.on('error', () => undefined);
    leaving.setHeader('Content-Length', 100);
    leaving.write('{');
    const [socket] = (await once(leaving, 'socket')) as [TLSSocket];
    await once(socket, 'secureConnect');
    await sleep(50);
    leaving.destroy();
    await sleep(50);
    assert.deepEqual(warnings, []);
    // More at once than one address may have: the rest is cut, and after them all is as before.
    const many = Array.from({ length: 20 }, () => {
      const socket = connect(JOIN_PORT, ADDRESS).on('error', () => undefined);
      return { socket, closed: once(socket.resume(), 'close') };
    });
    await Promise.race(many.map(({ closed }) => closed));
    for (const { socket } of many) socket.destroy();
    await Promise.all(many.map(({ closed }) => closed));
    assert.equal((await fetchAuthority(token())).authority, authority.certificate);
  });
});

void test('whatever arrives is decoded or an InvalidParameter', () => {
  const field = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.string()), fc.constant({}));
  const names = [...Object.keys(WISH), ...Object.keys(ANSWER)];
  const object = fc.dictionary(fc.constantFrom(...names), field).map((value) => JSON.stringify(value));
  const anything = fc.oneof(fc.string(), fc.json(), object);
  fc.assert(
    fc.property(anything, (text) => {
      for (const decode of [decodeRequest, decodeAnswer]) {
        try {
          decode(text);
        } catch (error) {
          assert.ok(error instanceof BerthError && error.kind === 'InvalidParameter', String(error));
        }
      }
    }),
  );
  assert.deepEqual(decodeRequest(JSON.stringify(WISH)), WISH);
  assert.deepEqual(decodeAnswer(JSON.stringify(ANSWER)), ANSWER);
});
