import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { wireName } from './codec-name.ts';
import { emptyQuery, readQuery } from './codec-query.ts';
import { CLASS, DNSSEC_OK, FLAG, SAFE_PAYLOAD, TYPE, decodeMessage, encodeMessage } from './codec.ts';
import type { ForwardQuestion } from './forwarder.ts';
import { HostServersFile } from './host-servers.ts';
import { outward } from './outward.ts';

const COOKIE = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
const CLIENT_SUBNET = [0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2];

function sent(options?: readonly number[], flags: number = FLAG.recursionDesired, payload = 4096): ForwardQuestion {
  const opt = {
    name: new Uint8Array(1),
    type: TYPE.opt,
    class: payload,
    ttl: DNSSEC_OK,
    data: Uint8Array.from(options ?? []),
  };
  const bytes = encodeMessage({
    id: 99,
    flags,
    questions: [{ name: wireName('A.test') ?? new Uint8Array(1), type: TYPE.a, class: CLASS.internet }],
    answers: [],
    authorities: [],
    additionals: options ? [opt] : [],
  });
  const query = emptyQuery();
  readQuery(bytes, bytes.length, query);
  return outward(bytes, query);
}

void describe('a query that is sent on', () => {
  void test('without EDNS is the same but for its id', () => {
    const { questions, additionals, flags } = decodeMessage(sent().bytes);
    assert.deepEqual([...(questions[0]?.name ?? [])], [...(wireName('A.test') ?? [])]);
    assert.deepEqual([additionals.length, flags], [0, FLAG.recursionDesired]);
  });

  void test('with EDNS asks for what passes everywhere; cookies stay between two', () => {
    const question = sent([...COOKIE, ...CLIENT_SUBNET]);
    const [opt] = decodeMessage(question.bytes).additionals;
    assert.deepEqual([opt?.class, opt?.ttl], [SAFE_PAYLOAD, DNSSEC_OK]);
    assert.deepEqual([...(opt?.data ?? [])], CLIENT_SUBNET);
    assert.equal(question.keep, false, 'meant for one network of clients');
    assert.equal(sent(COOKIE).keep, true);
    assert.deepEqual([...(decodeMessage(sent([0, 8, 0, 99]).bytes).additionals[0]?.data ?? [])], [], 'beyond the end');
  });

  void test('shares its answer with those that ask for the same', () => {
    assert.equal(sent(COOKIE).variant, sent([]).variant);
    assert.equal(sent([], FLAG.recursionDesired, 512).variant, sent([]).variant);
    const different = [sent(), sent([]), sent([], 0), sent([], FLAG.recursionDesired | FLAG.checkingDisabled)];
    assert.equal(new Set([...different, sent(CLIENT_SUBNET)].map(({ variant }) => variant)).size, 5);
  });
});

void test('the host’s servers are followed as they change, systemd-resolved’s behind its stub', () => {
  const root = mkdtempSync('/tmp/b-dns-');
  try {
    let now = 0;
    const servers = new HostServersFile(root, () => now);
    const at = (milliseconds: number): readonly string[] => {
      now = milliseconds;
      return servers.get().addresses;
    };
    assert.equal(at(0).includes('8.8.8.8'), true, 'no file: dockerd’s choice');
    assert.equal(servers.get().fromHost, false);
    mkdirSync(`${root}/etc`);
    writeFileSync(
      `${root}/etc/resolv.conf`,
      'nameserver 192.0.2.1\nnameserver not.an.address\nnameserver fe80::1%eth0\n',
    );
    assert.equal(at(999).includes('8.8.8.8'), true);
    assert.deepEqual(at(1000), ['192.0.2.1', 'fe80::1%eth0']);
    assert.equal(servers.get().fromHost, true);
    const before = servers.get();
    at(2500);
    assert.equal(servers.get(), before, 'nothing changed: the same object');
    writeFileSync(`${root}/etc/resolv.conf`, 'nameserver 127.0.0.53\n');
    assert.deepEqual(at(4000), ['127.0.0.53']);
    mkdirSync(`${root}/run/systemd/resolve`, { recursive: true });
    writeFileSync(`${root}/run/systemd/resolve/resolv.conf`, 'nameserver 192.0.2.9\n');
    assert.deepEqual(at(5000), ['192.0.2.9']);
  } finally {
    rmSync(root, { recursive: true });
  }
});
