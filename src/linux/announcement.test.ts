import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { announcements } from './announcement.ts';

const MAC = '02:42:ac:11:00:02';

void test('an ARP announcement: sender and target are the same address', () => {
  const [frame] = announcements(MAC, ['172.17.0.2/16']);
  assert.equal(
    frame?.toString('hex'),
    'ffffffffffff' + '0242ac110002' + '0806' + '0001080006040001' + '0242ac110002ac110002' + '000000000000ac110002',
  );
});

void test('a neighbour advertisement: unsolicited, override, with its checksum', () => {
  const [frame] = announcements(MAC, ['fd00:77::a/64']);
  const address = 'fd00007700000000000000000000000a';
  assert.equal(
    frame?.toString('hex'),
    '333300000001' +
      '0242ac110002' +
      '86dd' +
      '60000000' +
      '00203aff' +
      address +
      'ff020000000000000000000000000001' +
      '8800' +
      'ad46' +
      '20000000' +
      address +
      '0201' +
      '0242ac110002',
  );
});

void test('the checksum over the whole is that of nothing', () => {
  const octets = (length: number): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min: 0, max: 255 }), { minLength: length, maxLength: length });
  fc.assert(
    fc.property(octets(6), octets(16), (mac, address) => {
      const groups = Array.from({ length: 8 }, (_, i) =>
        (((address[2 * i] ?? 0) << 8) | (address[2 * i + 1] ?? 0)).toString(16),
      );
      const text = mac.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
      const [frame] = announcements(text, [`${groups.join(':')}/64`]);
      assert.ok(frame);
      let sum = 32 + 58;
      for (let offset = 22; offset < frame.length; offset += 2) sum += frame.readUInt16BE(offset);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      assert.equal(sum, 0xffff);
    }),
  );
});
