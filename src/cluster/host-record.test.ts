import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BadRecord } from './decode.ts';
import type { HostRecord } from './deps.ts';
import { decodeEndpoint, encodeEndpoint, sameEndpoint } from './endpoint-record.ts';
import { decodeHost, encodeHost } from './host-record.ts';
import { Hosts } from './hosts.ts';
import { endpoint, hex } from './testing-hosts.ts';

const publicKey = Buffer.alloc(32, 7).toString('base64');
const host: HostRecord = {
  id: hex(1, 16),
  name: 'a',
  address: '192.0.2.1',
  secure: { publicKey, port: 51820 },
  vxlanPort: 4789,
  version: '1',
};
const { secure: _, ...plain } = host;

void test('a host survives encoding, with and without WireGuard', () => {
  assert.deepEqual(decodeHost(encodeHost(host)), host);
  assert.deepEqual(decodeHost(encodeHost(plain)), plain);
});

void test('a host whose key or port is none is not understood', () => {
  const { secure } = host;
  for (const wrong of [
    null,
    'x',
    [],
    {},
    { publicKey },
    { ...secure, port: 0 },
    { ...secure, port: 65_536 },
    { ...secure, publicKey: '' },
    { ...secure, publicKey: `${publicKey}=` },
    { ...secure, publicKey: publicKey.slice(1) },
  ]) {
    const bytes = Buffer.from(JSON.stringify({ ...host, secure: wrong }));
    assert.throws(() => decodeHost(bytes), BadRecord, JSON.stringify(wrong));
  }
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        decodeHost(Buffer.from(JSON.stringify({ ...host, secure: value })));
      } catch (error) {
        assert.ok(error instanceof BadRecord, String(error));
      }
    }),
  );
});

void test('an endpoint says how its host is sent to; hosts that differ in that alone are two', () => {
  const { share } = new Hosts('/berth/hosts/', () => assert.fail());
  const read = (record: HostRecord) => {
    const one = endpoint(1, 1, 2);
    const [bytes = Buffer.alloc(0)] = encodeEndpoint(one, record);
    return decodeEndpoint(one.networkId, '10.0.1.2', bytes, share)?.endpoint ?? assert.fail();
  };
  const [first, again, moved, without] = [
    read(host),
    read(host),
    read({ ...host, secure: { publicKey, port: 51821 } }),
    read(plain),
  ];
  assert.deepEqual(first.host, { name: 'a', address: '192.0.2.1', secure: host.secure });
  assert.equal(first.host, again.host, 'one object for many endpoints');
  assert.deepEqual(without.host, { name: 'a', address: '192.0.2.1' });
  assert.ok(sameEndpoint(first, again));
  assert.ok(!sameEndpoint(first, moved));
  assert.ok(!sameEndpoint(first, without));
});
