import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elementRequests } from './nft-elements.ts';
import { decodeAttributeList, decodeAttributes } from './netlink/message.ts';

const types = {
  ports: { key: ['inet_proto', 'inet_service'], value: ['ipv4_addr', 'inet_service'] },
  links: { key: ['nf_proto', 'ifname'], value: ['verdict'] },
  six: { key: ['ipv6_addr'], value: [] },
};
const encode = (set: keyof typeof types, operation: 'add' | 'delete', key: string, value = '') =>
  elementRequests('berth', operation, [{ set, key, value }], (name) => types[name as keyof typeof types]);

/** Key and value of the only element, in hexadecimal. */
function decoded(requests: ReturnType<typeof encode>): [key: string, value: Buffer | undefined] {
  const list = requests[0]?.attributes?.find(({ type }) => type === 3)?.value;
  assert.ok(Buffer.isBuffer(list));
  const [element] = decodeAttributeList(list);
  const parts = decodeAttributes(element?.value ?? Buffer.alloc(0));
  return [
    decodeAttributes(parts.get(1) ?? Buffer.alloc(0))
      .get(1)
      ?.toString('hex') ?? '',
    parts.get(2),
  ];
}

void test('keys and values are what the kernel compares', () => {
  const [key, value] = decoded(encode('ports', 'add', 'udp . 53', '172.18.0.2 . 8080'));
  assert.equal(key, '1100000000350000');
  assert.equal(
    decodeAttributes(value ?? Buffer.alloc(0))
      .get(1)
      ?.toString('hex'),
    'ac1200021f900000',
  );
  assert.equal(decoded(encode('ports', 'delete', 'udp . 53', '172.18.0.2 . 8080'))[1], undefined, 'a key is enough');
  assert.equal(decoded(encode('six', 'add', 'fd00::2'))[0], `fd00${'0'.repeat(24)}0002`);
});

void test('verdicts', () => {
  const verdict = (text: string): Map<number, Buffer> => {
    const [key, value] = decoded(encode('links', 'add', 'ipv6 . "br0"', text));
    assert.equal(key, `0a000000${Buffer.from('br0').toString('hex')}${'0'.repeat(26)}`);
    return decodeAttributes(decodeAttributes(value ?? Buffer.alloc(0)).get(2) ?? Buffer.alloc(0));
  };
  assert.equal(verdict('drop').get(1)?.readInt32BE(), 0);
  assert.equal(verdict('accept').get(1)?.readInt32BE(), 1);
  assert.equal(verdict('goto to-nat').get(1)?.readInt32BE(), -4);
  assert.equal(verdict('goto to-nat').get(2)?.toString(), 'to-nat\0');
});

void test('what is not of the set’s type is refused, not cut', () => {
  for (const key of ['udp', 'udp . 1 . 2', 'icmp . 1']) assert.throws(() => encode('ports', 'delete', key), Error, key);
  assert.throws(() => encode('six', 'add', '10.0.0.1'), /not of its set/);
  assert.throws(() => encode('ports', 'delete', 'tcp . 70000'), RangeError);
  assert.throws(() => encode('links', 'add', 'ipv4 . "br0"', 'jump x'), /not of its set/);
});

void test('a message holds 500 elements at most', () => {
  const elements = Array.from({ length: 1200 }, (_, port) => ({ set: 'ports', key: `tcp . ${port}`, value: '' }));
  const requests = elementRequests('berth', 'delete', elements, () => types.ports);
  assert.equal(requests.length, 3);
});
