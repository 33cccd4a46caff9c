import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createEtcd } from './client.ts';
import { EtcdError } from './error.ts';
import type { Etcd } from './port.ts';
import { MessageWriter } from './protobuf.ts';
import type { Asked, TestMember } from './testing-member.ts';
import { refuse, startMember, succeed } from './testing-member.ts';
import { bytes, put, refused, write } from './testing-world.ts';

const RANGE = '/etcdserverpb.KV/Range';
const TXN = '/etcdserverpb.KV/Txn';

const header = (revision = 7n): Buffer => new MessageWriter().number(1, 5n).number(3, revision).number(4, 2n).finish();
const keyValue = (key: string, value: string): Buffer =>
  new MessageWriter().text(1, key).number(2, 3n).number(3, 4n).text(5, value).finish();
const found = (...kvs: Buffer[]): Buffer => {
  const writer = new MessageWriter().bytes(1, header());
  for (const kv of kvs) writer.bytes(2, kv);
  return writer.finish();
};
const done = new MessageWriter().bytes(1, header()).number(2, true).finish();

/** Asks members in the order given. */
async function withMembers(
  answers: readonly ((asked: Asked) => void)[],
  body: (etcd: Etcd, members: TestMember[]) => Promise<void>,
  options: { timeout?: number; user?: { name: string; password: string } } = {},
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const members: TestMember[] = [];
  for (const answer of answers) members.push(stack.use(await startMember(answer)));
  const etcd = createEtcd({ endpoints: members.map(({ endpoint }) => endpoint), timeout: 2000, ...options });
  stack.defer(() => etcd.close());
  await body(etcd, members);
}

const random = Math.random;
Math.random = () => 0;
after(() => (Math.random = random));

void describe('which member is asked', () => {
  const answers = (asked: Asked): void => {
    const answer = asked.method === TXN ? done : found(...(asked.method === RANGE ? [keyValue('k', 'v')] : []));
    succeed(asked, [answer]);
  };
  const silent = (): void => undefined;

  void test('a read leaves one that is silent, and the next goes to the other at once', () =>
    withMembers([silent, answers], async (etcd, [first, second]) => {
      assert.equal((await etcd.get({ key: 'k' })).kvs[0]?.value.toString(), 'v');
      await etcd.get({ key: 'k' });
      assert.deepEqual([first?.asked.length, second?.asked.length], [1, 2]);
    }));

  void test('a write that was sent is sent once, and says that it may have been carried out', () =>
    withMembers(
      [silent, answers],
      async (etcd, [first, second]) => {
        await refused(write(etcd, put('k', 'v')), 'unavailable');
        assert.deepEqual([first?.asked.length, second?.asked.length], [1, 0]);
        await write(etcd, put('k', 'v'));
        assert.equal(second?.asked.length, 1);
      },
      { timeout: 400 },
    ));

  void test('so it is when the connection is lost before the answer', () =>
    withMembers([({ session }) => session?.destroy(), answers], async (etcd, [first, second]) => {
      await refused(write(etcd, put('k', 'v')), 'unavailable');
      assert.deepEqual([first?.asked.length, second?.asked.length], [1, 0]);
    }));

  void test('a write goes to another member when it was not carried out: no leader, a learner, nobody there', async () => {
    for (const text of ['etcdserver: no leader', 'etcdserver: rpc not supported for learner']) {
      await withMembers([(asked) => refuse(asked, 14, text), answers], async (etcd, [first, second]) => {
        await write(etcd, put('k', 'v'));
        assert.deepEqual([first?.asked.length, second?.asked.length], [1, 1]);
      });
    }
    const gone = await startMember(answers);
    await gone[Symbol.asyncDispose]();
    await using there = await startMember(answers);
    const etcd = createEtcd({ endpoints: [gone.endpoint, there.endpoint], timeout: 2000 });
    await write(etcd, put('k', 'v'));
    etcd.close();
  });

  void test('one that is no etcd is left', async () => {
    const others: ((asked: Asked) => void)[] = [
      ({ stream }) => stream.respond({ ':status': 404 }, { endStream: true }),
      ({ stream }) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end('<html>');
      },
      (asked) => succeed(asked, []),
      ({ stream }) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.end(Buffer.from([1, 0, 0, 0, 1, 0]));
      },
      ({ stream }) => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
        stream.end(Buffer.from([0, 255, 255, 255, 255, 0]));
      },
    ];
    for (const other of others) {
      await withMembers([other, answers], async (etcd, [first, second]) => {
        await etcd.get({ key: 'k' });
        assert.deepEqual([first?.asked.length, second?.asked.length], [1, 1]);
      });
    }
  });

  void test('an answer that is no message is an error, not a crash', () =>
    withMembers([(asked) => succeed(asked, [Buffer.from([0x12, 0x7f, 1])])], (etcd) =>
      refused(etcd.get({ key: 'k' }), 'unavailable'),
    ));

  void test('nobody answers: the reasons of all are told, in time', () =>
    withMembers(
      [silent],
      async (etcd, [only]) => {
        const error = await etcd.get({ key: 'k' }).catch((error: unknown) => error);
        assert.ok(error instanceof EtcdError && only);
        assert.equal(error.code, 'unavailable');
        assert.ok(error.message.includes(only.endpoint), error.message);
      },
      { timeout: 300 },
    ));

  void test('members must know their leader, except for what is asked when there is none', () =>
    withMembers([answers], async (etcd, [only]) => {
      await etcd.get({ key: 'k' });
      await etcd.members();
      assert.deepEqual(
        only?.asked.map(({ headers }) => headers['hasleader']),
        ['true', undefined],
      );
    }));
});

void describe('errors say what the caller can do', () => {
  const table: [number, string, string][] = [
    [11, 'etcdserver: mvcc: required revision has been compacted', 'compacted'],
    [5, 'etcdserver: requested lease not found', 'no-lease'],
    [7, 'etcdserver: permission denied', 'denied'],
    [3, 'etcdserver: authentication failed, invalid user ID or password', 'denied'],
    [3, 'etcdserver: user name is empty', 'denied'],
    [16, 'etcdserver: invalid auth token', 'denied'],
    [3, 'etcdserver: key is not provided', 'invalid'],
    [3, 'etcdserver: request is too large', 'invalid'],
    [12, 'unknown method', 'invalid'],
    [9, 'etcdserver: can only promote a learner member which is in sync with leader', 'unavailable'],
    [9, 'etcdserver: can only promote a learner member', 'invalid'],
    [14, 'etcdserver: request timed out', 'unavailable'],
    [8, 'etcdserver: mvcc: database space exceeded', 'unavailable'],
    [2, 'what nobody knows: 100 %', 'unavailable'],
  ];
  for (const [status, text, code] of table) {
    void test(`${status} ${text}: ${code}`, () =>
      withMembers([(asked) => refuse(asked, status, text)], async (etcd) => {
        const error = await write(etcd, put('k', 'v')).catch((error: unknown) => error);
        assert.ok(error instanceof EtcdError);
        assert.equal(error.code, code);
        assert.ok(error.message.includes(text), error.message);
      }));
  }

  void test('addresses that are none', () => {
    const bad = [
      '',
      '10.0.0.1:2379',
      'ftp://a',
      'http://a:0',
      'http://a:99999',
      'http://a/b',
      'http://u@a',
      'http://[::1',
    ];
    for (const endpoint of bad) {
      assert.throws(() => createEtcd({ endpoints: [endpoint], timeout: 1 }), { code: 'invalid' }, endpoint);
    }
    assert.throws(() => createEtcd({ endpoints: [], timeout: 1 }), { code: 'invalid' });
    const good = ['http://a', 'https://[fd00::1]:2379', 'HTTP://10.0.0.1:1/', 'https://etcd-1.example.test:80'];
    createEtcd({ endpoints: good, timeout: 1 }).close();
  });

  void test('a watch from before the beginning', () =>
    withMembers([() => undefined], (etcd) => {
      const listener = { events: () => undefined, compacted: () => undefined };
      assert.throws(() => etcd.watch({ key: 'k' }, 0n, listener), { code: 'invalid' });
      return Promise.resolve();
    }));
});

void describe('user and password', () => {
  const user = { name: 'berth', password: 'secret' };
  const AUTHENTICATE = '/etcdserverpb.Auth/Authenticate';
  const token = (text: string): Buffer => new MessageWriter().bytes(1, header()).text(2, text).finish();

  void test('a token is got once, and anew when it is refused; the write is carried out once', async () => {
    let valid = 1;
    const member = (asked: Asked): void => {
      if (asked.method === AUTHENTICATE) succeed(asked, [token(`t${valid}`)]);
      else if (asked.headers['token'] === `t${valid}`) succeed(asked, [done]);
      else refuse(asked, 16, 'etcdserver: invalid auth token');
    };
    await withMembers(
      [member],
      async (etcd, [only]) => {
        await Promise.all([1, 2, 3].map(() => write(etcd, put('k', 'v'))));
        assert.equal(only?.asked.filter(({ method }) => method === AUTHENTICATE).length, 1);
        const credentials = new MessageWriter().text(1, 'berth').text(2, 'secret').finish();
        assert.deepEqual(only?.asked[0]?.message, credentials);
        valid = 2;
        await write(etcd, put('k', 'v'));
        assert.deepEqual(
          only?.asked.slice(-3).map(({ method, headers }) => [method, headers['token']]),
          [
            [TXN, 't1'],
            [AUTHENTICATE, undefined],
            [TXN, 't2'],
          ],
        );
      },
      { user },
    );
  });

  void test('many calls that are refused at once get one new token', async () => {
    let valid = 1;
    const member = (asked: Asked): void => {
      if (asked.method === AUTHENTICATE) setTimeout(() => succeed(asked, [token(`t${valid}`)]), 20);
      else if (asked.headers['token'] === `t${valid}`) succeed(asked, [done]);
      // Some of them late, when others have the new one already.
      else setTimeout(() => refuse(asked, 16, 'etcdserver: invalid auth token'), asked.message.length);
    };
    await withMembers(
      [member],
      async (etcd, [only]) => {
        await write(etcd, put('k', 'v'));
        valid = 2;
        await Promise.all([1, 20, 40, 60].map((length) => write(etcd, put('k', 'v'.repeat(length)))));
        assert.equal(only?.asked.filter(({ method }) => method === AUTHENTICATE).length, 2);
      },
      { user },
    );
  });

  void test('a wrong password is denied, and not asked for again by itself', () =>
    withMembers(
      [(asked) => refuse(asked, 3, 'etcdserver: authentication failed, invalid user ID or password')],
      async (etcd, [only]) => {
        await refused(etcd.get({ key: 'k' }), 'denied');
        assert.equal(only?.asked.length, 1);
        await refused(etcd.get({ key: 'k' }), 'denied');
      },
      { user },
    ));

  void test('an etcd that wants none gets none', () =>
    withMembers(
      [
        (asked) => {
          if (asked.method === AUTHENTICATE) refuse(asked, 9, 'etcdserver: authentication is not enabled');
          else succeed(asked, [done]);
        },
      ],
      async (etcd, [only]) => {
        await write(etcd, put('k', 'v'));
        await write(etcd, put('k', 'v'));
        assert.deepEqual(
          only?.asked.map(({ method }) => method),
          [AUTHENTICATE, TXN, TXN],
        );
      },
      { user },
    ));
});

void describe('what is sent', () => {
  void test('a transaction, byte by byte', () =>
    withMembers([(asked) => succeed(asked, [done])], async (etcd, [only]) => {
      await etcd.transact({
        when: [
          { prefix: 'a/', create: '=', revision: 0n },
          { key: 'k', value: '!=', bytes: bytes('v') },
        ],
        then: [{ put: 'k', value: bytes('w'), lease: 300n }, { delete: { prefix: 'a/' } }],
        otherwise: [{ get: { key: 'k' }, keysOnly: true }],
      });
      assert.equal(
        only?.asked[0]?.message.toString('hex'),
        // compare: result, target, key, create_revision, range_end (field 64)
        ['0a0f', '0800', '1001', '1a02612f', '2800', '82040261', '30']
          // compare: result, target, key, value
          .concat('0a0a', '0803', '1003', '1a016b', '3a0176')
          // put: key, value, lease
          .concat('120b', '1209', '0a016b', '120177', '18ac02')
          // delete: key, range_end
          .concat('120a', '1a08', '0a02612f', '12026130')
          // get: key, keys_only
          .concat('1a07', '0a05', '0a016b', '4001')
          .join(''),
      );
    }));

  void test('a request that closes under it', () =>
    withMembers(
      [() => undefined],
      async (etcd, [only]) => {
        const asked = etcd.get({ key: 'k' });
        const wrote = write(etcd, put('k', 'v'));
        await Promise.all([refused(asked, 'unavailable'), refused(wrote, 'unavailable'), closeWhenAsked(etcd, only)]);
      },
      { timeout: 60_000 },
    ));
});

async function closeWhenAsked(etcd: Etcd, member: TestMember | undefined): Promise<void> {
  while ((member?.asked.length ?? 2) < 2) await new Promise((resolve) => setImmediate(resolve));
  etcd.close();
}
