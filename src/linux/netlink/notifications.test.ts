import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import koffi from 'koffi';
import { isLoss } from '../inside-events.ts';
import { decodeLinkChange, encodeLinkHeader } from './link.ts';
import { NetlinkFormatError } from './message.ts';
import type { Message } from './message.ts';
import { decodeNsid, encodeNsid } from './nsid.ts';
import { AF_INET, libc, SOCK_CLOEXEC, SOCK_DGRAM, SysError } from '../libc.ts';
import { NETLINK_ROUTE } from './socket.ts';
import { nsidIn, subscribe } from './subscription.ts';

const dup2 = koffi.load('libc.so.6').func('int dup2(int from, int to)');
const [IFF_UP, IFF_RUNNING] = [1, 0x40] as const;
const message = (type: number, payload: Buffer): Message => ({ type, flags: 0, sequence: 0, port: 0, payload });

void test('a link that went down, told from one that is born down', () => {
  const change = (flags: number, mask: number): boolean =>
    decodeLinkChange(encodeLinkHeader({ index: 2, flags, change: mask })).wentDown;
  assert.equal(change(0, IFF_UP | IFF_RUNNING), true);
  assert.equal(change(0, 0xffff_ffff), false);
  assert.equal(change(IFF_UP, IFF_UP), false);
  assert.equal(change(0, IFF_RUNNING), false);
});

void test('losses: deletions and links set down; not what is added, nor a bridge port’s farewell', () => {
  const header = (flags: number, mask: number, family = 0): Buffer => {
    const bytes = encodeLinkHeader({ index: 2, flags, change: mask });
    bytes[0] = family;
    return bytes;
  };
  const [NEWLINK, DELLINK, NEWADDR, DELADDR, NEWROUTE, DELROUTE] = [16, 17, 20, 21, 24, 25] as const;
  const losses = [
    [NEWLINK, header(0, IFF_UP)],
    [DELLINK, header(0, 0xffff_ffff)],
    [DELADDR, Buffer.alloc(8)],
    [DELROUTE, Buffer.alloc(12)],
  ] as const;
  const others = [
    [NEWLINK, header(IFF_UP, IFF_UP)],
    [NEWLINK, header(0, 0xffff_ffff)],
    [DELLINK, header(0, 0xffff_ffff, 7)],
    [NEWADDR, Buffer.alloc(8)],
    [NEWROUTE, Buffer.alloc(12)],
    [88, Buffer.alloc(4)],
  ] as const;
  for (const [type, payload] of losses) assert.equal(isLoss(message(type, payload)), true);
  for (const [type, payload] of others) assert.equal(isLoss(message(type, payload)), false);
});

void test('numbers of namespaces: golden, round trip, none', () => {
  assert.equal(encodeNsid(5).toString('hex'), '00000000' + '0800010005000000');
  fc.assert(fc.property(fc.nat(), (nsid) => assert.equal(decodeNsid(encodeNsid(nsid)), nsid)));
  assert.equal(decodeNsid(encodeNsid(-1)), undefined);
  assert.equal(decodeNsid(Buffer.alloc(4)), undefined);
});

void test('the control message says in which namespace it was', () => {
  const control = (level: number, type: number, nsid: number): Buffer => {
    const bytes = Buffer.alloc(24);
    bytes.writeBigUInt64LE(20n, 0);
    bytes.writeInt32LE(level, 8);
    bytes.writeInt32LE(type, 12);
    bytes.writeInt32LE(nsid, 16);
    return bytes;
  };
  assert.equal(nsidIn(control(270, 8, 3)), 3);
  assert.equal(nsidIn(Buffer.concat([control(1, 2, 9), control(270, 8, 4)])), 4);
  assert.equal(nsidIn(control(1, 2, 9)), undefined);
  assert.equal(nsidIn(Buffer.alloc(0)), undefined);
});

void test('arbitrary bytes throw nothing but the decoders’ own error', () => {
  const decoders: ((data: Buffer) => unknown)[] = [
    decodeNsid,
    decodeLinkChange,
    nsidIn,
    (data) => isLoss(message(16, data)),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof NetlinkFormatError, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});

void test('a failure that comes once is lost notifications, one that stays is an error', () => {
  const LOOPBACK = [127, 0, 0, 1];
  const subscription = subscribe(NETLINK_ROUTE, [1]);
  try {
    // In its place a socket whose peer does not exist: the kernel says ECONNREFUSED, once for each packet sent.
    const refused = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const address = Buffer.from([AF_INET, 0, 0, 1, ...LOOPBACK, 0, 0, 0, 0, 0, 0, 0, 0]);
    libc.connect(refused, address, address.length);
    dup2(refused, subscription.fd);
    libc.close(refused);
    for (let round = 0; round < 5; round++) {
      libc.send(subscription.fd, Buffer.from('x'), 1, 0);
      assert.equal(subscription.receive(), 'overrun');
      assert.equal(subscription.receive(), undefined);
    }
    // A file is no socket, however often it is asked.
    const file = libc.open('/dev/null', 0, 0);
    dup2(file, subscription.fd);
    libc.close(file);
    for (let round = 0; round < 3; round++) assert.equal(subscription.receive(), 'overrun');
    assert.throws(() => subscription.receive(), SysError);
  } finally {
    subscription.close();
  }
});
