import assert from 'node:assert/strict';
import { test } from 'node:test';
import { innerAddress } from '../network/secure.ts';
import { createMemoryStore } from '../store/memory.ts';
import { createSecureHost } from './secure-host.ts';

const has = { hasWireguard: () => true, port: 51820 };

void test('the key is made once, kept, and its public half is told', () => {
  const store = createMemoryStore();
  const first = createSecureHost({ store, ...has });
  const { privateKey, publicKey } = first.key();
  assert.deepEqual([privateKey.length, publicKey.length], [32, 32]);
  assert.deepEqual(createSecureHost({ store, ...has }).key(), { privateKey, publicKey });
  assert.deepEqual(first.host(), { publicKey: publicKey.toString('base64'), port: 51820 });
  assert.ok(innerAddress(first.host()?.publicKey ?? ''));
  assert.notDeepEqual(createSecureHost({ store: createMemoryStore(), ...has }).key(), { privateKey, publicKey });
});

void test('a private key has its public one (RFC 7748 section 6.1, Bob’s)', () => {
  const store = createMemoryStore();
  const privateKey = Buffer.from('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb', 'hex');
  store.put('meta', 'wireguard-key', privateKey.toString('base64'));
  const { publicKey } = createSecureHost({ store, ...has }).key();
  assert.equal(publicKey.toString('hex'), 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
});

void test('a kernel without WireGuard is asked once, and no key is made', () => {
  const store = createMemoryStore();
  let asked = 0;
  const identity = createSecureHost({ store, port: 1, hasWireguard: () => ++asked === 0 });
  assert.deepEqual([identity.host(), identity.host(), asked, store.list('meta')], [undefined, undefined, 1, []]);
});

void test('what is stored and no key is replaced', () => {
  for (const stored of [7, '', 'AAAA', { privateKey: 'x' }, null]) {
    const store = createMemoryStore();
    store.put('meta', 'wireguard-key', stored);
    const { privateKey } = createSecureHost({ store, ...has }).key();
    assert.equal(store.get('meta', 'wireguard-key'), privateKey.toString('base64'));
  }
});
