import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { loginToRegistry, mayBeInsecure, parseChallenge, registryHost } from './registry-login.ts';

const CONFIG = {
  InsecureRegistryCIDRs: ['127.0.0.0/8', '::1/128'],
  IndexConfigs: { 'inner:5000': { Secure: false }, 'docker.io': { Secure: true } },
};
const never = new AbortController().signal;

void test('which host is meant', () => {
  assert.equal(registryHost(''), 'registry-1.docker.io');
  assert.equal(registryHost('https://index.docker.io/v1/'), 'registry-1.docker.io');
  assert.equal(registryHost('127.0.0.1:5000'), '127.0.0.1:5000');
  assert.equal(registryHost('http://[::1]:5000/v2/'), '[::1]:5000');
  for (const bad of ['a b', 'x@y', 'a:b', '?x']) assert.throws(() => registryHost(bad), /invalid registry address/);
});

void test('who may be insecure', () => {
  for (const host of ['localhost:1', '127.1.2.3:1', '[::1]:5', 'inner:5000'])
    assert.ok(mayBeInsecure(host, CONFIG), host);
  for (const host of ['10.0.0.1', 'inner', 'docker.io', '[::2]']) assert.ok(!mayBeInsecure(host, CONFIG), host);
});

void test('challenges', () => {
  const { scheme, parameters } = parseChallenge('Bearer realm="https://a/t?x=1,2",service="s \\"q\\"",scope=z');
  assert.equal(scheme, 'bearer');
  assert.deepEqual(
    [...parameters],
    [
      ['realm', 'https://a/t?x=1,2'],
      ['service', 's "q"'],
      ['scope', 'z'],
    ],
  );
  assert.equal(parseChallenge('').scheme, '');
});

/** A registry on loopback that knows u:p. */
async function withRegistry(
  kind: 'basic' | 'bearer' | 'open' | 'remote' | 'endless' | 'unreachable',
  body: (host: string) => Promise<void>,
): Promise<void> {
  const expected = `Basic ${Buffer.from('u:p').toString('base64')}`;
  const server = http.createServer((request, response) => {
    const { authorization, host } = request.headers;
    if (kind === 'open' || authorization === expected) {
      response.end('{"token":"t","refresh_token":"r"}');
      return;
    }
    if (kind === 'endless') {
      const more = (): void => void (response.destroyed || response.write(Buffer.alloc(65_536), more));
      more();
      return;
    }
    // Nothing listens on port 1.
    const other = kind === 'remote' ? 'ftp://elsewhere/token' : 'http://127.0.0.1:1/token';
    const realm = kind === 'bearer' ? `http://${host}/token` : other;
    const challenge = kind === 'basic' ? 'Basic realm="x"' : `Bearer realm="${realm}",service="s"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await body(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

for (const kind of ['basic', 'bearer'] as const) {
  void test(`${kind} credentials that fit, and others`, () =>
    withRegistry(kind, async (serveraddress) => {
      const good = { username: 'u', password: 'p', serveraddress };
      assert.deepEqual(await loginToRegistry(good, CONFIG, never), {
        Status: 'Login Succeeded',
        IdentityToken: kind === 'bearer' ? 'r' : '',
      });
      await assert.rejects(loginToRegistry({ ...good, password: 's3cret' }, CONFIG, never), (error: Error) => {
        assert.match(
          error.message,
          kind === 'basic'
            ? /^login attempt to .* failed with status: 401 Unauthorized$/
            : /unauthorized: incorrect username or password$/,
        );
        assert.equal(error.message.includes('s3cret'), false);
        return true;
      });
    }));
}

void test('an open registry takes everyone; credentials go to no strange place', async () => {
  await withRegistry('open', async (serveraddress) => {
    assert.equal((await loginToRegistry({ serveraddress }, CONFIG, never)).Status, 'Login Succeeded');
  });
  await withRegistry('remote', async (serveraddress) => {
    await assert.rejects(loginToRegistry({ serveraddress }, CONFIG, never), { kind: 'Forbidden' });
  });
});

void test('a registry whose answer has no end; one whose authorization server is not there', async () => {
  await withRegistry('endless', async (serveraddress) => {
    await assert.rejects(loginToRegistry({ serveraddress }, CONFIG, never), { kind: 'System', message: /more than/ });
  });
  await withRegistry('unreachable', async (serveraddress) => {
    const message = /Get "http:\/\/127\.0\.0\.1:1\/token": .*ECONNREFUSED/;
    await assert.rejects(loginToRegistry({ serveraddress }, CONFIG, never), { kind: 'System', message });
  });
});
