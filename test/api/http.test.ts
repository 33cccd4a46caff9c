/** The API over HTTP, below it the stand-in: versions, headers, routes, bad input, streams that last. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { system } from '../../src/errors.ts';
import { Raw, request } from './client.ts';
import { until, withApi, type Answer, type Standin } from './standin.ts';

const message = (json: unknown): unknown => (json as { message?: unknown } | undefined)?.message;
const create = (x: Standin, name: string, body: object = { Image: 'busybox' }): ReturnType<typeof request> =>
  request(x.socket, 'POST', `/containers/create?name=${name}`, { body });

void test('_ping says who answers, with and without a body', () =>
  withApi(async ({ socket }) => {
    const got = await request(socket, 'GET', '/_ping');
    assert.equal(got.text, 'OK');
    assert.equal(got.headers['api-version'], '1.52');
    assert.equal(got.headers['docker-experimental'], 'false');
    assert.equal(got.headers['builder-version'], '1');
    assert.equal(got.headers['swarm'], 'inactive');
    assert.equal(got.headers['ostype'], 'linux');
    assert.equal(got.headers['server'], 'Berth/9.9.9 (linux)');
    const head = await request(socket, 'HEAD', '/v1.41/_ping');
    assert.deepEqual([head.status, head.text, head.headers['api-version']], [200, '', '1.52']);
  }));

void test('versions: what is spoken, what is too old, what is too new', () =>
  withApi(async ({ socket }) => {
    for (const path of ['/version', '/v1.24/version', '/v1.41/version', '/v1.52/version']) {
      assert.equal((await request(socket, 'GET', path)).status, 200, path);
    }
    const { json } = await request(socket, 'GET', '/version');
    assert.equal((json as { ApiVersion: string }).ApiVersion, '1.52');
    assert.equal((json as { MinAPIVersion: string }).MinAPIVersion, '1.24');
    const late = await request(socket, 'GET', '/v1.99/version');
    assert.equal(late.status, 400);
    assert.equal(message(late.json), 'client version 1.99 is too new. Maximum supported API version is 1.52');
    const early = await request(socket, 'GET', '/v1.23/version');
    assert.equal(early.status, 400);
    assert.match(
      String(message(early.json)),
      /^client version 1\.23 is too old\. Minimum supported API version is 1\.24/,
    );
  }));

void test('what is not there: 404 for paths, methods and broken escapes alike in the shape of an error', () =>
  withApi(async ({ socket }) => {
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['DELETE', '/version'],
      ['HEAD', '/containers/json'],
      ['GET', '/'],
      ['GET', '/vx/version'],
    ] as const) {
      const got = await request(socket, method, path);
      assert.equal(got.status, 404, path);
      if (method !== 'HEAD') assert.equal(message(got.json), 'page not found');
    }
    assert.equal((await request(socket, 'GET', '/containers/%zz/json')).status, 400);
  }));

void test('parts that Berth does not have answer as an engine without them', () =>
  withApi(async ({ socket }) => {
    const expected: [string, string, number, RegExp][] = [
      ['GET', '/plugins', 200, /^\[\]/],
      ['GET', '/plugins/a/b/json', 404, /not found/],
      ['GET', '/swarm', 503, /This node is not a swarm manager/],
      ['GET', '/services', 503, /This node is not a swarm manager/],
      ['GET', '/nodes/self', 503, /This node is not a swarm manager/],
      ['POST', '/swarm/init', 501, /no swarm mode/],
      ['POST', '/build', 501, /buildah bud -t NAME/],
      ['POST', '/session', 501, /buildah bud -t NAME/],
      ['POST', '/containers/x/checkpoints', 501, /checkpoints/],
      ['GET', '/containers/x/attach/ws', 501, /websockets/],
      ['GET', '/images/search?term=x', 501, /skopeo/],
    ];
    for (const [method, path, status, text] of expected) {
      const got = await request(socket, method, path);
      assert.equal(got.status, status, path);
      assert.match(got.text, text, path);
    }
  }));

void test('a container from create to delete', () =>
  withApi(async (x) => {
    const { socket, containers } = x;
    const made = await create(x, 'c1', { Image: 'busybox', Cmd: 'true', HostConfig: { Memory: 7, Unknown: 1 } });
    assert.equal(made.status, 201);
    const { Id } = made.json as { Id: string };
    assert.deepEqual(containers.made[0]?.request.config.Cmd, ['true']);
    assert.equal(containers.made[0]?.request.hostConfig.Memory, 7);
    assert.equal(containers.made[0]?.request.hostConfig.NetworkMode, 'bridge');
    assert.equal((await create(x, 'c1')).status, 409);
    assert.equal((await request(socket, 'POST', `/containers/${Id}/start`)).status, 204);
    const again = await request(socket, 'POST', `/v1.41/containers/c1/start`);
    assert.deepEqual([again.status, again.text], [304, '']);
    assert.equal((await request(socket, 'POST', '/containers/c1/stop?t=3&signal=INT')).status, 204);
    assert.equal((await request(socket, 'POST', '/containers/c1/stop?t=-1')).status, 304);
    assert.equal((await request(socket, 'POST', '/containers/c1/stop?t=x')).status, 400);
    assert.equal((await request(socket, 'POST', '/containers/c1/kill')).status, 204);
    assert.equal((await request(socket, 'POST', '/containers/c1/rename?name=/c2')).status, 204);
    assert.equal((await request(socket, 'POST', '/containers/c2/rename')).status, 400);
    assert.equal((await request(socket, 'POST', '/containers/c2/resize?h=24&w=80')).status, 200);
    assert.equal((await request(socket, 'POST', '/containers/c2/resize?h=-1&w=80')).status, 400);
    assert.equal((await request(socket, 'DELETE', '/containers/c2?force=1&v=0')).status, 204);
    const gone = await request(socket, 'DELETE', '/containers/c2');
    assert.deepEqual([gone.status, message(gone.json)], [404, 'No such container: c2']);
    assert.deepEqual(containers.calls, [
      'stop {"signal":"INT","timeout":3}',
      'stop {"timeout":-1}',
      'kill SIGKILL',
      'resize 24x80',
      'remove {"force":true,"volumes":false,"link":false}',
      'remove {"force":false,"volumes":false,"link":false}',
    ]);
  }));

void test('inspect shows older clients what they look for', () =>
  withApi(async (x) => {
    await create(x, 'c');
    const settings = async (version: string): Promise<Record<string, unknown>> => {
      const { json } = await request(x.socket, 'GET', `${version}/containers/c/json`);
      return json as Record<string, Record<string, unknown>>;
    };
    const old = await settings('/v1.41');
    assert.equal((old['NetworkSettings'] as { IPAddress: string }).IPAddress, '172.17.0.2');
    assert.equal((old['Config'] as { MacAddress: string }).MacAddress, '02:42:ac:11:00:02');
    const now = await settings('/v1.52');
    assert.equal('IPAddress' in (now['NetworkSettings'] as object), false);
    const image = await request(x.socket, 'GET', '/v1.43/images/busybox/json');
    assert.equal((image.json as { VirtualSize: number }).VirtualSize, 2_000_000);
  }));

void test('bad bodies are refused with a text that names the field, and change nothing', () =>
  withApi(async ({ socket, containers }) => {
    const cases: [string, Record<string, string>, RegExp][] = [
      ['', {}, /got EOF while reading request body/],
      ['{', {}, /unexpected EOF/],
      ['{} x', {}, /unexpected content after JSON/],
      ['nonsense', {}, /invalid character/],
      ['[]', {}, /cannot unmarshal array into Go value of type container.CreateRequest/],
      ['null', {}, /config cannot be empty/],
      ['{}', {}, /config cannot be empty/],
      ['{"Image":1}', {}, /cannot unmarshal number into Go struct field CreateRequest.Image of type string/],
      [
        '{"HostConfig":{"Memory":"1g"}}',
        {},
        /cannot unmarshal string into Go struct field CreateRequest.HostConfig.Memory of type int64/,
      ],
      ['{"HostConfig":{"Memory":1.5}}', {}, /cannot unmarshal number 1.5 into Go struct field .* of type int64/],
      ['{"Env":[1]}', {}, /CreateRequest.Env of type string/],
      ['{"Image":"b"}', { 'Content-Type': 'text/plain' }, /unsupported Content-Type header \(text\/plain\)/],
    ];
    for (const [body, headers, text] of cases) {
      const got = await request(socket, 'POST', '/containers/create', { body, headers });
      assert.equal(got.status, 400, body);
      assert.match(String(message(got.json)), text);
    }
    assert.equal(containers.made.length, 0);
  }));

void test('a body without end is cut off at the limit', () =>
  withApi(async ({ socket, containers }) => {
    const body = JSON.stringify({ Image: 'x'.repeat(5 * 1024 * 1024) });
    const declared = await request(socket, 'POST', '/containers/create', { body });
    assert.deepEqual([declared.status, /too large/.test(declared.text)], [400, true]);
    const chunked = await request(socket, 'POST', '/containers/create', {
      body,
      headers: { 'Transfer-Encoding': 'chunked' },
    });
    assert.deepEqual([chunked.status, /too large/.test(chunked.text)], [400, true]);
    assert.equal(containers.made.length, 0);
  }));

void test('arbitrary bytes as a body give 400 or pass, never 500', () =>
  withApi(async ({ socket }) => {
    const paths = ['/containers/create', '/networks/create', '/networks/bridge/connect'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.oneof(
          fc.uint8Array({ minLength: 1, maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        async (path, body) => {
          const { status } = await request(socket, 'POST', path, { body: Buffer.from(body) });
          // Most bodies name no container to connect.
          const fine = path.endsWith('connect') ? [200, 400, 404] : [200, 201, 400, 409];
          assert.ok(fine.includes(status), `${status} for ${Buffer.from(body).toString()}`);
        },
      ),
      { numRuns: 200 },
    );
  }));

void test('arbitrary bytes as a request get an answer of the API, and the server lives', () =>
  withApi(async ({ socket }) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 100 }), async (bytes) => {
        const raw = new Raw(socket);
        raw.socket.end(Buffer.from(bytes));
        await until(() => raw.closed || raw.ended, 'the end of the connection');
        assert.ok(raw.text === '' || raw.text.startsWith('HTTP/1.1 4'), raw.text);
        raw.socket.destroy();
      }),
      { numRuns: 50 },
    );
    const big = await request(socket, 'GET', '/_ping', { headers: { 'X-Big': 'a'.repeat(300_000) } });
    assert.equal(big.status, 431);
    assert.equal((await request(socket, 'GET', '/_ping')).status, 200);
  }));

void test('connections that say nothing are closed without a word, half requests with one', () =>
  withApi(async ({ socket, server }) => {
    const accepted: Socket[] = [];
    server.on('connection', (one) => accepted.push(one));
    const timeout = Object.assign(new Error('timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    const silent = new Raw(socket);
    const half = new Raw(socket);
    half.socket.write('GET /_ping HT');
    await until(() => accepted.length === 2 && accepted.some((one) => one.bytesRead > 0), 'both connections');
    for (const one of accepted) server.emit('clientError', timeout, one);
    await until(() => silent.ended && half.ended, 'the ends');
    assert.equal(silent.text, '');
    assert.match(half.text, /^HTTP\/1\.1 408 [^]*did not arrive in time/);
  }));

void test('queries: words for no, both forms of filters, unknown filters', () =>
  withApi(async ({ socket, containers }) => {
    const filters = encodeURIComponent('{"status":{"running":true,"exited":true},"name":["a"]}');
    await request(socket, 'GET', `/containers/json?all=None&limit=-1&filters=${filters}`);
    assert.equal(containers.calls[0], 'list {"all":false,"limit":0,"size":false,"filters":{}}');
    for (const [path, text] of [
      ['/containers/json?filters=%7B%22bogus%22%3A%5B%22x%22%5D%7D', "invalid filter 'bogus'"],
      ['/networks?filters=%7B%22before%22%3A%5B%22x%22%5D%7D', "invalid filter 'before'"],
      ['/images/json?filters=nonsense', 'invalid filter'],
      ['/containers/json?filters=%7B%22name%22%3A3%7D', "invalid filter 'name'"],
    ] as const) {
      const got = await request(socket, 'GET', path);
      assert.deepEqual([got.status, message(got.json)], [400, text]);
    }
  }));

void test('names of images have slashes, encoded or not', () =>
  withApi(async ({ socket, images }) => {
    for (const name of ['busybox', 'localhost:5000/a/b:1.0', encodeURIComponent('localhost:5000/a/b')]) {
      assert.equal((await request(socket, 'GET', `/v1.47/images/${name}/json`)).status, 200);
    }
    assert.deepEqual(images.calls, ['busybox', 'localhost:5000/a/b:1.0', 'localhost:5000/a/b']);
    const missing = await request(socket, 'GET', '/images/missing/json');
    assert.deepEqual([missing.status, message(missing.json)], [404, 'No such image: missing']);
  }));

void test('pull: progress, credentials that no log sees, errors before and in the stream', () =>
  withApi(async ({ socket, images, logged }) => {
    const auth = Buffer.from('{"username":"u","password":"s3cret"}').toString('base64url');
    const pulled = await request(socket, 'POST', '/images/create?fromImage=busybox&tag=1', {
      headers: { 'X-Registry-Auth': auth },
    });
    assert.equal(pulled.headers['content-type'], 'application/json');
    assert.equal(pulled.text.split('\r\n').length, 3);
    assert.deepEqual(images.calls[0], {
      name: 'busybox',
      tag: '1',
      allTags: false,
      platform: '',
      auth: { username: 'u', password: 's3cret' },
    });
    assert.equal(
      logged.some((line) => line.includes('s3cret') || line.includes(auth)),
      false,
    );
    const bad = await request(socket, 'POST', '/images/create?fromImage=b', { headers: { 'X-Registry-Auth': '!!!' } });
    assert.equal(bad.status, 400);
    images.pullError = system('the registry is down', new Error('ECONNREFUSED 10.0.0.1'));
    const early = await request(socket, 'POST', '/images/create?fromImage=b');
    assert.deepEqual([early.status, message(early.json)], [500, 'the registry is down']);
    images.hold = Promise.resolve();
    const late = await request(socket, 'POST', '/images/create?fromImage=b');
    assert.equal(late.status, 200);
    assert.match(late.text, /"errorDetail":\{"code":500,"message":"the registry is down"\},"error"/);
    assert.equal((await request(socket, 'POST', '/images/create')).status, 400);
    assert.equal((await request(socket, 'POST', '/images/create?fromSrc=http://x/y')).status, 501);
  }));

void test('archives go through as they are', () =>
  withApi(async ({ socket, images }) => {
    const body = Buffer.alloc(300_000, 7);
    const headers = { 'Content-Type': 'application/x-tar' };
    const loaded = await request(socket, 'POST', '/images/load?quiet=1', { body, headers });
    assert.equal(loaded.text, '{"stream":"Loaded image: busybox:latest\\n"}\r\n');
    assert.deepEqual(images.archive, body);
    const imported = await request(socket, 'POST', '/images/create?fromSrc=-&repo=r&changes=CMD+a&changes=ENV+b', {
      body,
      headers,
    });
    assert.match(imported.text, /^\{"status":"sha256:1+"\}/);
    assert.deepEqual(images.calls.at(-1), { repository: 'r', tag: '', changes: ['CMD a', 'ENV b'], message: '' });
    const saved = await request(socket, 'GET', '/images/get?names=a&names=b');
    assert.equal(saved.text.length, 100_003);
    assert.deepEqual(images.calls.at(-1), ['a', 'b']);
    assert.equal((await request(socket, 'GET', '/images/broken/get')).status, 404);
  }));

void test('network create hands over what the client said and nothing else', () =>
  withApi(async ({ socket, networks }) => {
    const body = {
      name: 'n',
      EnableIPv4: false,
      EnableIPv6: true,
      IPAM: { Config: [{ Subnet: '10.0.0.0/24' }] },
      CheckDuplicate: true,
    };
    assert.equal((await request(socket, 'POST', '/networks/create', { body })).status, 201);
    assert.deepEqual(networks.calls[0], {
      Name: 'n',
      Driver: '',
      Scope: '',
      Internal: false,
      Attachable: false,
      Ingress: false,
      ConfigOnly: false,
      ConfigFrom: null,
      EnableIPv4: false,
      EnableIPv6: true,
      IPAM: {
        Driver: '',
        Config: [{ Subnet: '10.0.0.0/24', IPRange: '', Gateway: '', AuxiliaryAddresses: {} }],
        Options: {},
      },
      Options: {},
      Labels: {},
    });
    assert.equal((await request(socket, 'GET', '/networks/bridge')).status, 200);
    assert.equal((await request(socket, 'GET', '/networks/')).status, 200);
    assert.equal((await request(socket, 'DELETE', '/networks/gone')).status, 404);
    await request(socket, 'POST', '/v1.47/networks/create', { body });
    assert.equal('EnableIPv4' in (networks.calls[1] as object), false, 'asked for since 1.48 only');
  }));

void test('connect, disconnect and changed ports reach the container', () =>
  withApi(async (x) => {
    const { socket, containers } = x;
    await create(x, 'c');
    const ask = async (path: string, body: object): Promise<Answer> => request(socket, 'POST', path, { body });
    const EndpointConfig = { IPAMConfig: { IPv4Address: '10.0.0.9' }, Aliases: ['www'], GwPriority: 5 };
    assert.equal((await ask('/networks/front/connect', { Container: 'c', EndpointConfig })).status, 200);
    assert.equal((await ask('/v1.47/networks/front/connect', { Container: 'c', EndpointConfig })).status, 200);
    assert.equal((await ask('/networks/front/connect', { Container: 'c' })).status, 200);
    assert.equal((await ask('/networks/front/disconnect', { Container: 'c', Force: true })).status, 200);
    const settings = {
      IPAMConfig: { IPv4Address: '10.0.0.9' },
      Links: null,
      Aliases: ['www'],
      MacAddress: '',
      DriverOpts: null,
      GwPriority: 5,
    };
    const nothing = { IPAMConfig: null, Links: null, Aliases: null, MacAddress: '', DriverOpts: null, GwPriority: 0 };
    assert.deepEqual(containers.calls, [
      `connect front ${JSON.stringify(settings)}`,
      `connect front ${JSON.stringify({ ...settings, GwPriority: 0 })}`,
      `connect front ${JSON.stringify(nothing)}`,
      'disconnect front {"force":true}',
    ]);
    assert.equal((await ask('/networks/front/connect', { Container: 'gone' })).status, 404);
    assert.equal((await ask('/networks/nonesuch/connect', { Container: 'c' })).status, 404);
    assert.equal((await ask('/networks/front/connect', { Container: 7 })).status, 400);

    const changed = await ask('/containers/c/ports', {
      Add: { '80/tcp': [{ HostPort: '8080' }] },
      Remove: { '81/tcp': null },
    });
    assert.deepEqual(
      [changed.status, changed.json],
      [200, { Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] } }],
    );
    assert.equal(
      containers.calls.at(-1),
      'publish {"add":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},"remove":{"81/tcp":null}}',
    );
    for (const Add of [
      { x: null },
      { '80/ipx': null },
      { '80/tcp': [{ HostPort: '99999' }] },
      { '80/tcp': [{ HostIp: 'me' }] },
    ]) {
      assert.equal((await ask('/containers/c/ports', { Add })).status, 400, JSON.stringify(Add));
    }
    assert.equal((await ask('/containers/gone/ports', {})).status, 404);

    assert.equal((await request(socket, 'DELETE', '/containers/c/alias')).status, 404, 'without link=1');
  }));

void test('wait sends its head before there is a result; a client that leaves is noticed', () =>
  withApi(async (x) => {
    await create(x, 'c');
    const raw = new Raw(x.socket);
    raw.socket.write('POST /v1.41/containers/c/wait?condition=removed HTTP/1.1\r\nHost: d\r\n\r\n');
    await until(() => raw.text.includes('\r\n\r\n'), 'the head');
    assert.match(raw.text, /^HTTP\/1\.1 200 OK/);
    assert.equal(raw.payload.length, 0);
    x.containers.exit = { StatusCode: 42 };
    x.containers.finish?.();
    await until(() => raw.text.includes('{"StatusCode":42}'), 'the result');
    raw.socket.write('POST /v1.41/containers/c/wait HTTP/1.1\r\nHost: d\r\n\r\n');
    await until(() => x.containers.calls.includes('wait not-running'), 'the second wait');
    raw.socket.destroy();
    await until(() => x.containers.aborted.includes('wait'), 'the abort');
    assert.equal((await request(x.socket, 'POST', '/containers/c/wait?condition=x')).status, 400);
    assert.equal((await request(x.socket, 'POST', '/containers/none/wait')).status, 404);
  }));

void test('logs: framed or raw, with times, and the choice of streams', () =>
  withApi(async (x) => {
    await create(x, 'c');
    await create(x, 't', { Image: 'b', Tty: true });
    x.containers.logLines = [{ stream: 2, data: Buffer.from('hello\n'), time: '2024-01-01T00:00:00.000000001Z' }];
    const framed = await request(x.socket, 'GET', '/containers/c/logs?stderr=1&stdout=1&tail=5&since=1.5&timestamps=1');
    assert.equal(framed.headers['content-type'], 'application/vnd.docker.multiplexed-stream');
    assert.equal(framed.text, '\x02\0\0\0\0\0\0\x252024-01-01T00:00:00.000000001Z hello\n');
    assert.equal(x.containers.calls.at(-1), 'logs {"stdout":true,"stderr":true,"follow":false,"since":1.5,"tail":5}');
    const raw = await request(x.socket, 'GET', '/containers/t/logs?stdout=1&tail=all');
    assert.deepEqual([raw.headers['content-type'], raw.text], ['application/vnd.docker.raw-stream', 'hello\n']);
    const old = await request(x.socket, 'GET', '/v1.41/containers/c/logs?stdout=1');
    assert.equal(old.headers['content-type'], 'application/vnd.docker.raw-stream');
    const none = await request(x.socket, 'GET', '/containers/c/logs');
    assert.deepEqual([none.status, message(none.json)], [400, 'Bad parameters: you must choose at least one stream']);
    assert.equal((await request(x.socket, 'GET', '/containers/c/logs?stdout=1&since=yesterday')).status, 400);
  }));

void test('a long log arrives whole, its times only at the beginning of lines', () =>
  withApi(async (x) => {
    await create(x, 'c', { Image: 'b', Tty: true });
    const piece = (data: string): { stream: 1; data: Buffer; time: string } => ({
      stream: 1,
      data: Buffer.from(data),
      time: 'T',
    });
    x.containers.logLines = [piece('a'), piece('b\n'), ...Array.from({ length: 20_000 }, (_, i) => piece(`${i}\n`))];
    const { text } = await request(x.socket, 'GET', '/containers/c/logs?stdout=1&timestamps=1');
    assert.equal(text, `T ab\n${Array.from({ length: 20_000 }, (_, i) => `T ${i}\n`).join('')}`);
  }));

void test('events: history, filters, live, until, and the older shape', () =>
  withApi(async ({ socket, events }) => {
    events.publish('container', 'start', 'aaa', { name: 'c', image: 'busybox' });
    events.publish('network', 'connect', 'nnn', { name: 'bridge', container: 'aaa' });
    const now = (Date.now() / 1000 + 0.2).toFixed(3);
    const read = async (filters: object, version = ''): Promise<Record<string, unknown>[]> => {
      const query = `since=1&until=${now}&filters=${encodeURIComponent(JSON.stringify(filters))}`;
      const { text } = await request(socket, 'GET', `${version}/events?${query}`);
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    };
    assert.equal((await read({})).length, 2);
    const [old] = await read({ type: ['container'] }, '/v1.41');
    assert.deepEqual([old?.['status'], old?.['id'], old?.['from']], ['start', 'aaa', 'busybox']);
    assert.equal('status' in ((await read({ type: ['container'] }))[0] ?? {}), false);
    assert.equal((await read({ container: ['aaa'] })).length, 2);
    assert.equal((await read({ event: ['die'] })).length, 0);
    const live = new Raw(socket);
    live.socket.write('GET /events HTTP/1.1\r\nHost: d\r\n\r\n');
    await until(() => live.text.includes('\r\n\r\n'), 'the head at once');
    events.publish('container', 'die', 'aaa', {});
    await until(() => live.text.includes('"die"'), 'the event');
    live.socket.destroy();
    assert.equal((await request(socket, 'GET', '/events?since=5&until=1')).status, 400);
  }));

void test('a hundred clients are told every event, in order, in their own shapes; one that leaves is forgotten', () =>
  withApi(async ({ socket, events }) => {
    const clients = Array.from({ length: 100 }, (_, i) => {
      const client = new Raw(socket);
      client.socket.write(`GET ${i % 2 === 0 ? '/v1.41' : '/v1.52'}/events HTTP/1.1\r\nHost: d\r\n\r\n`);
      return client;
    });
    await until(() => events.listeners() === 100, 'all of them watch');
    const [leaver, ...others] = clients;
    for (let i = 0; i < 50; i++) {
      events.publish('container', 'tick', `n${i}`, {});
      if (i === 25) leaver?.socket.destroy();
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    const last = (client: Raw): boolean => client.text.includes('"n49"');
    await until(() => others.every(last), 'the last event');
    const wanted = Array.from({ length: 50 }, (_, i) => `n${i}`);
    for (const [i, client] of others.entries()) {
      const told = [...client.text.matchAll(/"ID":"(n\d+)"/g)].map(([, id]) => id);
      assert.deepEqual(told, wanted);
      assert.equal(client.text.includes('"status":"tick"'), i % 2 === 1);
    }
    for (const client of others) client.socket.destroy();
    await until(() => events.listeners() === 0, 'nobody watches');
  }));

void test('a client that leaves ends the pull', () =>
  withApi(async ({ socket, images }) => {
    images.hold = new Promise(() => {});
    const sent = http.request({ socketPath: socket, method: 'POST', path: '/images/create?fromImage=b' });
    sent.on('error', () => {});
    sent.end();
    await until(() => images.calls.length === 1, 'the pull');
    sent.destroy();
    await until(() => images.aborted, 'the abort');
  }));

void test('an event on the very end of the stream harms nobody', () =>
  withApi(async ({ socket, events }) => {
    const path = `/events?until=${(Date.now() / 1000 + 1).toFixed(3)}`;
    const ticking = setInterval(() => events.publish('daemon', 'tick', 'd', {}), 0);
    const { text } = await request(socket, 'GET', path);
    clearInterval(ticking);
    assert.match(text, /"tick"/);
  }));

void test('disk usage in both forms', () =>
  withApi(async (x) => {
    await create(x, 'c');
    const { json } = await request(x.socket, 'GET', '/system/df');
    const usage = json as { LayersSize: number; ImageUsage: { TotalCount: number }; Containers: unknown[] };
    assert.deepEqual([usage.LayersSize, usage.ImageUsage.TotalCount, usage.Containers.length], [2_000_000, 1, 1]);
    const some = await request(x.socket, 'GET', '/system/df?type=image');
    assert.equal('Containers' in (some.json as object), false);
    const imageIn = async (version: string): Promise<Record<string, unknown> | undefined> => {
      const { json: all } = await request(x.socket, 'GET', `${version}/system/df`);
      return (all as { Images: Record<string, unknown>[] }).Images[0];
    };
    assert.equal((await imageIn('/v1.43'))?.['VirtualSize'], 2_000_000, 'older clients show it as the size');
    assert.equal('VirtualSize' in ((await imageIn('/v1.44')) ?? {}), false);
  }));

void test('faults show nothing of themselves to clients and everything to the log', () =>
  withApi(async ({ socket, images, logged }) => {
    images.pullError = new TypeError('private path /root/x');
    const got = await request(socket, 'POST', '/images/create?fromImage=b');
    assert.equal(got.status, 500);
    assert.equal(got.text.includes('private'), false);
    assert.ok(logged.some((line) => line.includes('private path') && line.includes('stack')));
  }));
