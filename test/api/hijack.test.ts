/** Streams with a process: both ways, framed and raw, half-closed, slow on either side. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { frame } from '../../src/api/framing.ts';
import { conflict, system } from '../../src/errors.ts';
import { Raw, request, upgrade } from './client.ts';
import { PlayedSession, until, withApi, type Standin } from './standin.ts';

const EXEC = '0'.repeat(61) + 'eee';
const attachPath = '/containers/c/attach?stream=1&stdin=1&stdout=1&stderr=1';

async function attached(x: Standin, tty = false): Promise<Raw> {
  await request(x.socket, 'POST', '/containers/create?name=c', { body: { Image: 'b' } });
  x.containers.session = new PlayedSession(tty);
  const raw = new Raw(x.socket);
  raw.socket.write(upgrade(attachPath));
  await until(() => raw.text.includes('\r\n\r\n'), 'the head');
  return raw;
}

void test('attach: framed output, input, half-close, exit', () =>
  withApi(async (x) => {
    const raw = await attached(x);
    const { session } = x.containers;
    assert.match(raw.text, /^HTTP\/1\.1 101 UPGRADED\r\n/);
    assert.match(raw.text, /Content-Type: application\/vnd\.docker\.multiplexed-stream\r\n/);
    assert.match(raw.text, /Connection: Upgrade\r\nUpgrade: tcp\r\n/);
    session.emit(1, 'out');
    session.emit(2, 'err');
    await until(() => raw.payload.length === 22, 'two frames');
    assert.deepEqual(raw.payload, Buffer.concat([frame(1, Buffer.from('out')), frame(2, Buffer.from('err'))]));
    raw.socket.write('in');
    await until(() => session.text === 'in', 'input');
    raw.socket.end();
    await until(() => session.inputEnded, 'the end of input');
    assert.equal(session.closed, false);
    session.emit(1, 'after');
    session.exit();
    await until(() => raw.ended, 'the end of output');
    assert.ok(raw.payload.toString().endsWith('after'));
  }));

void test('attach to a terminal is raw; older clients get the older content type', () =>
  withApi(async (x) => {
    const raw = await attached(x, true);
    assert.match(raw.text, /Content-Type: application\/vnd\.docker\.raw-stream\r\n/);
    x.containers.session.emit(1, 'prompt$ ');
    await until(() => raw.payload.toString() === 'prompt$ ', 'raw bytes');
    x.containers.session = new PlayedSession();
    const old = new Raw(x.socket);
    old.socket.write(upgrade(attachPath, '', 'v1.41'));
    await until(() => old.text.includes('\r\n\r\n'), 'the head');
    assert.match(old.text, /raw-stream/);
  }));

void test('bytes that come with the request are the first input', () =>
  withApi(async (x) => {
    await request(x.socket, 'POST', '/containers/create?name=c', { body: { Image: 'b' } });
    const raw = new Raw(x.socket);
    raw.socket.end(`${upgrade(attachPath)}early`);
    await until(() => x.containers.session.inputEnded, 'the end of input');
    assert.equal(x.containers.session.text, 'early');
  }));

void test('a body that attach has no use for is not input', () =>
  withApi(async (x) => {
    await request(x.socket, 'POST', '/containers/create?name=c', { body: { Image: 'b' } });
    const raw = new Raw(x.socket);
    raw.socket.end(`${upgrade(attachPath, '{"stream":true,"hijack":true}')}early`);
    await until(() => x.containers.session.inputEnded, 'the end of input');
    assert.equal(x.containers.session.text, 'early');
    x.containers.session = new PlayedSession();
    const slow = new Raw(x.socket);
    slow.socket.write(upgrade(attachPath, '{"stream":true,"hijack":true}'));
    await until(() => slow.text.includes('\r\n\r\n'), 'the head');
    slow.socket.end('late');
    await until(() => x.containers.session.inputEnded, 'the end of input');
    assert.equal(x.containers.session.text, 'late');
  }));

void test('a client that goes closes the session, also while nothing is said', () =>
  withApi(async (x) => {
    const raw = await attached(x);
    raw.socket.destroy();
    await until(() => x.containers.session.inputEnded, 'the end of input');
    await until(() => x.containers.session.closed, 'close', 10_000);
  }));

void test('output is taken only as the client reads', () =>
  withApi(async (x) => {
    const raw = await attached(x);
    raw.socket.pause();
    const { session } = x.containers;
    const count = 200;
    for (let i = 0; i < count; i++) session.emit(1, Buffer.alloc(65_536, i));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const taken = session.taken;
    assert.ok(taken < 40, `${taken} frames were taken from a process whose reader sleeps`);
    raw.socket.resume();
    session.exit();
    await until(() => raw.ended, 'all output');
    assert.equal(raw.payload.length, count * (65_536 + 8));
    assert.equal(session.taken, count);
  }));

void test('input is taken only as the process reads', () =>
  withApi(async (x) => {
    const raw = await attached(x);
    const { session } = x.containers;
    session.holdWrites = true;
    const data = Buffer.alloc(8 * 1024 * 1024, 5);
    raw.socket.write(data);
    await until(() => session.received.length === 1, 'the first write');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(session.received.length, 1);
    session.release();
    await until(() => Buffer.concat(session.received).length === data.length, 'everything');
  }));

void test('errors before the stream have their status and shape, on an upgrade too', () =>
  withApi(async (x) => {
    const raw = new Raw(x.socket);
    raw.socket.write(upgrade('/containers/none/attach?stream=1'));
    await until(() => raw.ended, 'the end');
    assert.match(raw.text, /^HTTP\/1\.1 404 Not Found\r\n/);
    assert.ok(raw.text.includes('{"message":"No such container: none"}'));
    const malformed = new Raw(x.socket);
    malformed.socket.write(upgrade(`/exec/${EXEC}/start`, '{"Tty":3}'));
    await until(() => malformed.ended, 'the end');
    assert.match(malformed.text, /^HTTP\/1\.1 400 Bad Request[^]*ExecStartOptions.Tty of type bool/);
  }));

void test('exec start: the body may come with the head, after it, or in pieces', () =>
  withApi(async (x) => {
    for (const cut of [0, 1, 8]) {
      x.containers.session = new PlayedSession();
      const raw = new Raw(x.socket);
      const whole = upgrade(`/exec/${EXEC}/start`, '{"Detach":false,"Tty":false}');
      const end = whole.indexOf('\r\n\r\n') + 4 + cut;
      raw.socket.write(whole.slice(0, end));
      await new Promise((resolve) => setTimeout(resolve, 30));
      raw.socket.write(`${whole.slice(end)}typed`);
      await until(() => x.containers.session.text === 'typed', `input after a body cut at ${cut}`);
      x.containers.session.emit(1, 'x');
      x.containers.session.exit();
      await until(() => raw.ended, 'the end');
      assert.equal(raw.payload.toString('latin1'), '\x01\0\0\0\0\0\0\x01x');
    }
  }));

void test('exec start: the head is on its way before there is a process', () =>
  withApi(async (x) => {
    const release = Promise.withResolvers<void>();
    const start = x.containers.execStart.bind(x.containers);
    x.containers.execStart = (id, options) =>
      start(id, {
        ...options,
        accepted: async () => {
          await options.accepted?.();
          await release.promise;
        },
      });
    const raw = new Raw(x.socket);
    raw.socket.write(upgrade(`/exec/${EXEC}/start`, '{}'));
    await until(() => raw.text.endsWith('\r\n\r\n'), 'the head');
    release.resolve();
    x.containers.session.emit(1, 'x');
    x.containers.session.exit();
    await until(() => raw.ended, 'the end');
    assert.equal(raw.payload.toString('latin1'), '\x01\0\0\0\0\0\0\x01x');
  }));

void test('exec: refusals that dockerd checks first are statuses, the rest is told in the stream', () =>
  withApi(async (x) => {
    x.containers.execError = conflict('container c is not running');
    const body = {};
    const refused = await request(x.socket, 'POST', `/exec/${EXEC}/start`, { body });
    assert.equal(refused.status, 409);
    x.containers.execError = undefined;
    x.containers.execFailure = system('OCI runtime exec failed');
    const raw = new Raw(x.socket);
    raw.socket.write(upgrade(`/exec/${EXEC}/start`, '{}'));
    await until(() => raw.ended, 'the end');
    assert.match(raw.text, /^HTTP\/1\.1 101[^]*OCI runtime exec failed\r\n$/);
    const detached = await request(x.socket, 'POST', `/exec/${EXEC}/start`, { body: { Detach: true } });
    assert.equal(detached.status, 500);
  }));

void test('without an Upgrade header the answer itself is the stream', () =>
  withApi(async (x) => {
    await request(x.socket, 'POST', '/containers/create?name=c', { body: { Image: 'b' } });
    const raw = new Raw(x.socket);
    raw.socket.write(
      'POST /v1.47/containers/c/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n',
    );
    const { session } = x.containers;
    await until(() => session.text === 'hi', 'input');
    raw.socket.write('0\r\n\r\n');
    await until(() => session.inputEnded, 'the end of input');
    session.emit(1, 'out');
    session.exit();
    await until(() => raw.ended, 'the end');
    assert.match(raw.text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(raw.payload.toString('latin1'), '\x01\0\0\0\0\0\0\x03out');
  }));

void test('without an Upgrade header and without chunks what follows the request is the input, whatever it looks like', () =>
  withApi(async (x) => {
    await request(x.socket, 'POST', '/containers/create?name=c', { body: { Image: 'b' } });
    for (const body of ['', '{"stream":true}']) {
      x.containers.session = new PlayedSession();
      const raw = new Raw(x.socket);
      const length = body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
      // Not the first request of its connection.
      raw.socket.write('GET /_ping HTTP/1.1\r\n\r\n');
      await until(() => raw.text.endsWith('OK'), 'an answer');
      raw.socket.write(`POST /v1.47${attachPath} HTTP/1.1\r\n${length}\r\n${body}GET /early HTTP/1.1\r\n\r\n`);
      const { session } = x.containers;
      await until(() => session.text !== '', 'early input');
      raw.socket.end('\r\nGET /late HTTP/1.1\r\n\r\n');
      await until(() => session.inputEnded, 'the end of input');
      assert.equal(session.text, 'GET /early HTTP/1.1\r\n\r\n\r\nGET /late HTTP/1.1\r\n\r\n');
      session.emit(1, 'out');
      session.exit();
      await until(() => raw.ended, 'the end');
      assert.match(raw.text, /OKHTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
      assert.ok(raw.text.endsWith('\r\n\r\n\x01\0\0\0\0\0\0\x03out'), raw.text);
    }
  }));

void test('an upgrade that no route wants is answered as a plain request', () =>
  withApi(async ({ socket }) => {
    const got = await request(socket, 'GET', '/version', { headers: { Connection: 'Upgrade', Upgrade: 'h2c' } });
    assert.equal(got.status, 200);
  }));

void test('close() cuts what is attached', () =>
  withApi(async (x) => {
    const raw = await attached(x);
    x.api.close();
    await until(() => raw.closed || raw.ended, 'the cut');
    await until(() => x.containers.session.closed, 'the session closed');
  }));

void test('a second server of the same API, over TCP: attach with half-close', () =>
  withApi(async (x) => {
    await request(x.socket, 'POST', '/containers/create?name=c', { body: { Image: 'b' } });
    const server = x.api.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const raw = new Raw((server.address() as AddressInfo).port);
      raw.socket.end(`${upgrade(attachPath)}all of it`);
      const { session } = x.containers;
      await until(() => session.inputEnded, 'the end of input');
      assert.equal(session.text, 'all of it');
      session.emit(1, 'answer');
      session.exit();
      await until(() => raw.ended, 'the end of output');
      assert.ok(raw.payload.toString().endsWith('answer'));
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }));

void test('arbitrary bodies of an upgrade are refused or taken, never more', () =>
  withApi(async (x) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (body) => {
        x.containers.session = new PlayedSession();
        x.containers.session.exit();
        const raw = new Raw(x.socket);
        raw.socket.write(upgrade(`/exec/${EXEC}/start`, body));
        await until(() => raw.ended, 'the end');
        assert.match(raw.text, /^HTTP\/1\.1 (?:101|200|400) /);
        raw.socket.destroy();
      }),
      { numRuns: 60 },
    );
  }));
