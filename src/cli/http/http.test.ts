import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from './address.ts';
import { bodyDecoder } from './body.ts';
import { groupName } from './connect-error.ts';
import { formatHead, parseHead, ProtocolError, targetOf } from './head.ts';

const CHUNKED = parseHead('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked');

/** `data` cut at arbitrary places. */
const cut = (data: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...cuts.map((cut) => cut % (data.length + 1)), data.length].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => data.subarray(at[index], end));
};

void describe('chunked bodies', () => {
  void test('decode to what was encoded, however they are cut', () => {
    const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 });
    fc.assert(
      fc.property(parts, fc.array(fc.nat(), { maxLength: 12 }), (chunks, cuts) => {
        const encoded = Buffer.concat([
          ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
          Buffer.from('0\r\n\r\n'),
        ]);
        const decoder = bodyDecoder(CHUNKED, 'GET');
        const decoded = cut(encoded, cuts).flatMap((piece) => decoder.push(piece));
        assert.deepEqual(Buffer.concat(decoded), Buffer.concat(chunks));
        assert.ok(decoder.done);
      }),
    );
  });

  void test('arbitrary bytes fail with the one error, or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const decoder = bodyDecoder(CHUNKED, 'GET');
        try {
          decoder.push(Buffer.from(bytes));
          decoder.end();
        } catch (error) {
          assert.ok(error instanceof ProtocolError);
        }
      }),
    );
  });
});

void test('heads', () => {
  const head = parseHead('HTTP/1.1 404 Not Found\r\nContent-Type: a\r\nX: 1\r\nx: 2');
  assert.deepEqual([head.status, head.reason, head.headers.get('x')], [404, 'Not Found', '1, 2']);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        parseHead(text);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
  );
  assert.throws(() => formatHead({ method: 'GET', target: '/', headers: { A: 'b\r\nC: d' } }), ProtocolError);
});

void test('a target is one word of printable characters that means what was said', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (path, value) => {
      const target = targetOf(`/${path.replace(/[?#%]/g, '')}`, { q: value });
      assert.match(target, /^[\x21-\x7e]+$/);
      assert.equal(new URLSearchParams(target.slice(target.indexOf('?'))).get('q'), value);
    }),
  );
});

void test('addresses', () => {
  assert.deepEqual(parseAddress('unix:///run/x'), { kind: 'unix', path: '/run/x', text: 'unix:///run/x' });
  const tcp = (text: string): unknown[] => {
    const address = parseAddress(text);
    return address.kind === 'tcp' ? [address.host, address.port, address.base] : [];
  };
  assert.deepEqual(tcp('tcp://localhost'), ['localhost', 2375, '']);
  assert.deepEqual(tcp('tcp://:99'), ['127.0.0.1', 99, '']);
  assert.deepEqual(tcp('tcp://[::1]:2376/base/'), ['::1', 2376, '/base']);
  for (const bad of ['', 'x', 'unix://', 'ssh://h', 'tcp://h:0', 'tcp://h:70000', 'tcp://a:b:c']) {
    assert.throws(() => parseAddress(bad), /unable to parse docker host/);
  }
});

void test('groups by number', () => {
  assert.equal(groupName('root:x:0:\nberth:x:998:a,b\n', 998), 'berth');
  assert.equal(groupName('root:x:0:\n', 5), '5');
});
