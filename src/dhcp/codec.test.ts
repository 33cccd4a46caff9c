import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeArp, disputes, encodeRequest, probe } from './arp.ts';
import { decodeMessage, DhcpFormatError, encodeMessage, macText } from './codec.ts';
import type { Message } from './codec.ts';
import { decodeFrame, encodeFrame } from './frame.ts';
import { leaseOf } from './lease.ts';
import { decodeOptions, encodeOptions, OPTION } from './options.ts';
import { ARP_REQUEST, CAPTURES, CLIENT_MAC, SERVER_MAC } from './testing-captures.ts';

const payloadOf = (frame: Buffer): Buffer => frame.subarray(14 + 20 + 8);

void test('a captured offer, read', () => {
  const parcel = decodeFrame(CAPTURES.offer);
  assert.deepEqual(parcel?.envelope, {
    sourceMac: SERVER_MAC,
    destinationMac: CLIENT_MAC,
    source: '192.0.2.1',
    destination: '192.0.2.107',
  });
  const { options, ...fixed } = decodeMessage(parcel.payload);
  assert.deepEqual(fixed, {
    op: 'reply',
    xid: 0x59ae_af27,
    seconds: 0,
    broadcast: false,
    ciaddr: '0.0.0.0',
    yiaddr: '192.0.2.107',
    siaddr: '192.0.2.1',
    giaddr: '0.0.0.0',
    chaddr: CLIENT_MAC,
  });
  assert.deepEqual(
    [...options].map(([code, value]) => `${code} ${value.toString('hex')}`),
    [
      '53 02',
      '54 c0000201',
      '51 00000078',
      '58 00000005',
      '59 00000069',
      '1 ffffff00',
      '28 c00002ff',
      `15 ${Buffer.from('lan.example').toString('hex')}`,
      '6 c0000235c0000236',
      '3 c0000201',
    ],
  );
});

void test('a message is written as udhcpc and dnsmasq write it', () => {
  for (const frame of Object.values(CAPTURES)) {
    assert.equal(encodeMessage(decodeMessage(payloadOf(frame))).toString('hex'), payloadOf(frame).toString('hex'));
  }
});

void test('a frame is written as udhcpc writes it, checksums and all', () => {
  for (const frame of [CAPTURES.discover, CAPTURES.request]) {
    const written = encodeFrame({
      envelope: {
        sourceMac: CLIENT_MAC,
        destinationMac: 'ff:ff:ff:ff:ff:ff',
        source: '0.0.0.0',
        destination: '255.255.255.255',
      },
      payload: payloadOf(frame),
    });
    // udhcpc lets routers fragment it: the flag, and with it the header's checksum, differ.
    written.writeUInt16BE(0, 20);
    written.writeUInt16BE(frame.readUInt16BE(24), 24);
    assert.equal(written.toString('hex'), frame.toString('hex'));
  }
});

const ipv4 = fc.ipV4();
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macText(Buffer.from(bytes), 0));
const message: fc.Arbitrary<Message> = fc.record(
  {
    op: fc.constantFrom('request' as const, 'reply' as const),
    xid: fc.nat(0xffff_ffff),
    seconds: fc.nat(0xffff),
    broadcast: fc.boolean(),
    ciaddr: ipv4,
    yiaddr: ipv4,
    siaddr: ipv4,
    giaddr: ipv4,
    chaddr: mac,
    options: fc
      .array(
        fc.tuple(
          fc.integer({ min: 1, max: 254 }).filter((code) => code !== OPTION.overload),
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        ),
        { maxLength: 4 },
      )
      .map((list) => new Map(list)),
  },
  { noNullPrototype: true },
);

void test('what is written is read: decode(encode(x)) = x', () => {
  fc.assert(
    fc.property(message, (one) => {
      const bytes = encodeMessage(one);
      fc.pre(bytes.length <= 1500);
      assert.deepEqual(decodeMessage(bytes), one);
    }),
  );
});

void test('any bytes: a message, or the error of its own', () => {
  const real = payloadOf(CAPTURES.ack);
  const damaged = fc
    .tuple(fc.nat(real.length), fc.array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { maxLength: 20 }))
    .map(([length, changes]) => {
      const bytes = Buffer.from(real);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes.subarray(0, length);
    });
  const any = fc.uint8Array({ maxLength: 1600 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(damaged, any), (bytes) => {
      try {
        leaseOf(decodeMessage(bytes), SERVER_MAC, 0);
      } catch (error) {
        assert.ok(error instanceof DhcpFormatError, String(error));
      }
    }),
  );
});

void test('any frame is read or left, whatever its lengths say', () => {
  const real = CAPTURES.offer;
  fc.assert(
    fc.property(
      fc.nat(real.length),
      fc.array(fc.tuple(fc.integer({ min: 12, max: 42 }), fc.nat(255)), { maxLength: 6 }),
      (length, changes) => {
        const bytes = Buffer.from(real);
        for (const [at, value] of changes) bytes[at] = value;
        const parcel = decodeFrame(bytes.subarray(0, length));
        assert.ok(parcel === undefined || parcel.payload.length <= length);
        decodeArp(bytes.subarray(0, length));
      },
    ),
  );
});

void test('fragments, another port, a wrong checksum: not for the client', () => {
  const changed = (at: number, value: number): Buffer => {
    const frame = Buffer.from(CAPTURES.offer);
    frame.writeUInt16BE(value, at);
    return frame;
  };
  assert.ok(decodeFrame(CAPTURES.offer));
  assert.equal(decodeFrame(changed(20, 0x2000)), undefined, 'more fragments');
  assert.equal(decodeFrame(changed(24, 0)), undefined, 'checksum of the header');
  assert.equal(decodeFrame(changed(36, 67)), undefined, 'to a server');
  assert.equal(decodeFrame(changed(38, 2000)), undefined, 'longer than it is');
  assert.equal(decodeFrame(changed(12, 0x86dd)), undefined, 'IPv6');
});

void test('options in several places are one (RFC 3396); those in file and sname count where option 52 says so', () => {
  const bytes = encodeMessage({
    ...decodeMessage(payloadOf(CAPTURES.ack)),
    options: new Map([
      [OPTION.overload, Buffer.of(3)],
      [OPTION.domainName, Buffer.from('lan.')],
    ]),
  });
  encodeOptions(new Map([[OPTION.domainName, Buffer.from('exam')]])).copy(bytes, 108);
  encodeOptions(new Map([[OPTION.domainName, Buffer.from('ple')]])).copy(bytes, 44);
  assert.equal(decodeMessage(bytes).options.get(OPTION.domainName)?.toString(), 'lan.example');
  bytes[242] = 2;
  assert.equal(decodeMessage(bytes).options.get(OPTION.domainName)?.toString(), 'lan.ple');
});

void test('an option that is cut off is none; what was before it counts', () => {
  const options = new Map<number, Buffer>();
  decodeOptions(Buffer.of(OPTION.messageType, 1, 5, 0, 0, OPTION.router, 4, 192, 0), options);
  assert.deepEqual([...options.keys()], [OPTION.messageType]);
});

void test('ARP as dnsmasq’s kernel sends it; a probe names no sender', () => {
  assert.deepEqual(decodeArp(ARP_REQUEST), {
    senderMac: SERVER_MAC,
    sender: '192.0.2.1',
    target: '192.0.2.107',
  });
  assert.equal(
    probe(CLIENT_MAC, '192.0.2.107').toString('hex'),
    `ffffffffffff0242c0000299080600010800060400010242c0000299${'00'.repeat(10)}c000026b`,
  );
  fc.assert(
    fc.property(mac, ipv4, ipv4, (senderMac, sender, target) => {
      const arp = { senderMac, sender, target };
      assert.deepEqual(decodeArp(encodeRequest(arp)), arp);
    }),
  );
});

void test('who disputes an address: its holder, and who probes for it; not the client itself', () => {
  const other = SERVER_MAC;
  const says = (senderMac: string, sender: string, target: string): boolean =>
    disputes({ senderMac, sender, target }, '192.0.2.107', CLIENT_MAC);
  assert.ok(says(other, '192.0.2.107', '0.0.0.0'));
  assert.ok(says(other, '0.0.0.0', '192.0.2.107'));
  assert.ok(!says(other, '192.0.2.1', '192.0.2.107'), 'who asks for it does not have it');
  assert.ok(!says(CLIENT_MAC, '0.0.0.0', '192.0.2.107'));
});
