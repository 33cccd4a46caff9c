/** The hand-written client against Node's own server, and against bytes that no server should send. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSocketServer, type Server as SocketServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { ApiError, ConnectError } from '../client.ts';
import { createClient } from './client.ts';

const directory = mkdtempSync('/tmp/b-http-');
after(() => rmSync(directory, { recursive: true }));
let count = 0;

async function text(stream: AsyncIterable<unknown>): Promise<string> {
  let all = '';
  for await (const part of stream) all += String(part);
  return all;
}

async function listening<T>(server: Server | SocketServer, body: (host: string) => Promise<T>): Promise<T> {
  const path = `${directory}/${(count += 1)}`;
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    return await body(`unix://${path}`);
  } finally {
    server.close();
  }
}

const withServer = <T>(handle: RequestListener, body: (host: string) => Promise<T>): Promise<T> =>
  listening(createServer(handle), body);

/** A server that answers each connection with these bytes, one piece a turn. */
const raw = <T>(pieces: readonly string[], body: (host: string) => Promise<T>): Promise<T> =>
  listening(
    createSocketServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        void (async () => {
          for (const piece of pieces) {
            socket.write(piece, 'latin1');
            await new Promise((resolve) => setTimeout(resolve, 2));
          }
          socket.end();
        })();
      });
    }),
    body,
  );

const get = async (host: string): Promise<string> => text(await createClient(host).stream('GET', '/x'));

void describe('requests', () => {
  void test('method, versioned path, query and body arrive; JSON comes back', async () => {
    const echo: RequestListener = (request, response) => {
      void text(request).then((body) =>
        response.end(JSON.stringify({ method: request.method, url: request.url, body })),
      );
    };
    await withServer(echo, async (host) => {
      const client = createClient(host);
      const query = { name: 'a b&c', yes: true, no: false, n: 3, none: undefined };
      assert.deepEqual(await client.json('POST', '/containers/create', { query, body: { x: 'ü' } }), {
        method: 'POST',
        url: '/v1.52/containers/create?name=a%20b%26c&yes=1&no=0&n=3',
        body: '{"x":"ü"}',
      });
      assert.deepEqual(await client.json('GET', '/images/a b\r\nX: y/json'), {
        method: 'GET',
        url: '/v1.52/images/a%20b%0D%0AX:%20y/json',
        body: '',
      });
    });
  });

  void test('a megabyte each way, whatever the framing', async () => {
    const big = Buffer.alloc(1 << 20, 'berth');
    const back: RequestListener = (request: IncomingMessage, response) => {
      if (request.url?.endsWith('length') === true) response.setHeader('Content-Length', big.length);
      request.pipe(response);
    };
    await withServer(back, async (host) => {
      for (const path of ['/chunked', '/length']) {
        const stream = Readable.from([big.subarray(0, 7), big.subarray(7)]);
        const answer = await createClient(host).stream('POST', path, { stream });
        assert.equal(await text(answer), big.toString(), path);
      }
    });
  });

  void test('no body, an empty answer, a HEAD', async () => {
    const empty: RequestListener = (request, response) => {
      response.statusCode = request.url?.endsWith('304') === true ? 304 : 204;
      response.end();
    };
    await withServer(empty, async (host) => {
      const client = createClient(host);
      assert.equal(await client.json('POST', '/204'), undefined);
      assert.equal(await client.json('POST', '/304'), undefined);
      assert.equal(await client.json('HEAD', '/204'), undefined);
    });
  });
});

void describe('answers in pieces', () => {
  const cases: [name: string, pieces: string[], expected: string][] = [
    ['byte by byte', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'.split(''), 'abc'],
    ['length', ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n', '\r\na', 'bc'], 'abc'],
    ['until the end', ['HTTP/1.0 200 OK\r\n\r\n', 'ab', 'c'], 'abc'],
    ['a 100 before', ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx'], 'x'],
    [
      'extension and trailer',
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nT: v\r\n\r\n'],
      'x',
    ],
  ];
  for (const [name, pieces, expected] of cases) {
    void test(name, () => raw(pieces, async (host) => assert.equal(await get(host), expected)));
  }

  const broken: [name: string, pieces: string[], says: RegExp][] = [
    ['nothing', [''], /EOF/],
    ['no HTTP', ['SSH-2.0-x\r\n\r\n'], /malformed HTTP response/],
    ['half a head', ['HTTP/1.1 200 OK\r\nA: b'], /EOF/],
    [
      'a head without end',
      ['HTTP/1.1 200 OK\r\n', ...Array.from({ length: 9 }, () => `A: ${'x'.repeat(8000)}\r\n`)],
      /too long/,
    ],
    ['a bad header', ['HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'], /malformed HTTP header/],
    ['half a body', ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'], /unexpected EOF/],
    ['half a chunk', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc'], /unexpected EOF/],
    ['a bad chunk', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc'], /malformed chunked/],
    ['a bad length', ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc'], /malformed Content-Length/],
  ];
  for (const [name, pieces, says] of broken) {
    void test(`refused: ${name}`, () => raw(pieces, (host) => assert.rejects(get(host), says)));
  }
});

void describe('errors', () => {
  const failing =
    (status: number, body: string): RequestListener =>
    (_, response) => {
      response.statusCode = status;
      response.end(body);
    };

  void test("the daemon's message, a plain text, nothing at all", async () => {
    const cases = [
      ['{"message":"No such container: x"}', 'No such container: x'],
      ['proxy says no\n', 'proxy says no'],
      ['', 'request returned 404 Not Found'],
    ] as const;
    for (const [body, message] of cases) {
      await withServer(failing(404, body), async (host) => {
        await assert.rejects(createClient(host).json('GET', '/x'), (error) => {
          assert.ok(error instanceof ApiError);
          assert.deepEqual([error.status, error.message], [404, message]);
          return true;
        });
      });
    }
  });

  void test('an older daemon is asked again in its own version', async () => {
    const old: RequestListener = (request, response) => {
      if (request.url === '/v1.41/x') return response.end('{"ok":true}');
      response.statusCode = 400;
      response.end('{"message":"client version 1.52 is too new. Maximum supported API version is 1.41"}');
    };
    await withServer(old, async (host) => assert.deepEqual(await createClient(host).json('GET', '/x'), { ok: true }));
  });

  void test('no daemon: where it was looked for, and what to do', async () => {
    await assert.rejects(createClient(`unix://${directory}/none`).json('GET', '/x'), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.match(
        error.message,
        /^Cannot connect to the Berth daemon at unix:\/\/.*\/none\. Is berthd running\?\nStart it/,
      );
      return true;
    });
    assert.throws(() => createClient('ssh://host'), /ssh:\/\/ is not supported/);
    assert.throws(() => createClient('nonsense'), /unable to parse docker host/);
  });
});

void describe('hijack', () => {
  const upgrading = (answer: (socket: Socket, sent: string) => void): Server => {
    const server = createServer();
    server.on('upgrade', (_, socket, head) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ');
      answer(socket as Socket, head.toString());
    });
    return server;
  };

  void test('bytes after the head belong to the stream; a half-close ends the input only', async () => {
    const server = upgrading((socket) => {
      let got = '';
      socket.on('data', (data: Buffer) => (got += data.toString()));
      socket.on('end', () => socket.end(`got ${got}`));
    });
    await listening(server, async (host) => {
      const connection = await createClient(host).hijack('/containers/x/attach', { query: { stream: 1 } });
      connection.write(Buffer.from('typed'));
      connection.end();
      assert.equal(await text(connection.input), 'first got typed');
      connection.destroy();
    });
  });

  void test('an answer that is no upgrade', async () => {
    await withServer(
      (_, response) => {
        response.statusCode = 409;
        response.end('{"message":"container is not running"}');
      },
      async (host) => {
        await assert.rejects(createClient(host).hijack('/x'), /container is not running/);
      },
    );
  });
});
