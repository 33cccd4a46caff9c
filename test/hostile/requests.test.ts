/** Requests that nobody in his right mind sends: each gets a clear answer, and nothing has changed after it. */
import assert from 'node:assert/strict';
import Docker from 'dockerode';
import { Raw, request } from '../api/client.ts';
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import { until } from '../support/wait.ts';
import { assertQuiet, leavesNothing, works } from './support.ts';

// As every client does: who asks for a close gets it with the answer, and may fail to send the rest of a body that is refused.
const HEADERS = { 'Content-Type': 'application/json', Connection: 'keep-alive' };
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

/** [what, method, path, body, status, what the message says] */
type Row = [what: string, method: string, path: string, body: unknown, status: number, message: RegExp];

const NAMES: readonly Row[] = [
  ['a slash', 'POST', '/containers/create?name=a/b', { Image: 'busybox' }, 400, /Invalid container name \(a\/b\)/],
  ['a dot alone', 'POST', '/containers/create?name=.', { Image: 'busybox' }, 400, /Invalid container name/],
  ['a line break', 'POST', '/containers/create?name=a%0ab', { Image: 'busybox' }, 400, /Invalid container name/],
  ['a NUL', 'POST', '/containers/create?name=a%00b', { Image: 'busybox' }, 400, /Invalid container name/],
  ['a path upwards', 'GET', '/containers/..%2f..%2fetc/json', undefined, 404, /not found|No such container/],
  ['a long name', 'GET', `/containers/${'x'.repeat(60_000)}/json`, undefined, 404, /No such container/],
  ['a NUL in an ID', 'GET', '/containers/a%00b/json', undefined, 404, /No such container/],
  ['escapes that are none', 'GET', '/containers/%zz/json', undefined, 400, /invalid URL escape/],
  ['a network without a name', 'POST', '/networks/create', { Name: '' }, 400, /./],
  ['a network named by spaces', 'POST', '/networks/create', { Name: '  ' }, 400, /./],
  ['a name of an image', 'POST', '/containers/create', { Image: 'NO:no:no' }, 400, /invalid reference format/],
  ['a tag', 'POST', '/images/busybox/tag?repo=x&tag=..%2f', undefined, 400, /invalid/],
  ['no repository', 'POST', '/images/busybox/tag?repo=', undefined, 400, /./],
  ['a rename to nothing', 'POST', '/containers/none/rename?name=', undefined, 400, /may be empty/],
  ['a network upwards', 'GET', '/networks/..%2f..', undefined, 404, /not found/],
  ['a volume upwards', 'GET', '/volumes/..%2f..%2fetc', undefined, 404, /./],
  ['a volume named upwards', 'POST', '/volumes/create', { Name: '../../etc' }, 400, /./],
];

const TYPES: readonly Row[] = [
  ['an array for an object', 'POST', '/containers/create', [], 400, /cannot unmarshal array/],
  ['a string for an object', 'POST', '/networks/create', '"text"', 400, /cannot unmarshal string/],
  ['null', 'POST', '/networks/create', 'null', 400, /./],
  ['a number for a name', 'POST', '/networks/create', { Name: 3 }, 400, /Name of type string/],
  ['a string for a list', 'POST', '/containers/create', { Image: 'busybox', Env: 'A=1' }, 400, /Env/],
  ['numbers in a list', 'POST', '/containers/create', { Image: 'busybox', Env: [1] }, 400, /Env/],
  ['a list for a map', 'POST', '/containers/create', { Image: 'busybox', Labels: ['a'] }, 400, /Labels/],
  ['a host configuration', 'POST', '/containers/create', { Image: 'busybox', HostConfig: 3 }, 400, /HostConfig/],
  ['a port', 'POST', '/containers/create', { Image: 'busybox', ExposedPorts: { x: {} } }, 400, /./],
  ['a port too high', 'POST', '/containers/create', { Image: 'busybox', ExposedPorts: { '70000/tcp': {} } }, 400, /./],
  ['memory', 'POST', '/containers/create', { Image: 'busybox', HostConfig: { Memory: 1e300 } }, 400, /./],
  ['less than no memory', 'POST', '/containers/create', { Image: 'busybox', HostConfig: { Memory: -5 } }, 400, /./],
  ['a bind', 'POST', '/containers/create', { Image: 'busybox', HostConfig: { Binds: [':::::'] } }, 400, /./],
  ['a relative bind', 'POST', '/containers/create', { Image: 'busybox', HostConfig: { Binds: ['/a:b'] } }, 400, /./],
  ['a subnet', 'POST', '/networks/create', { Name: 'n', IPAM: { Config: [{ Subnet: '1.2.3/8' }] } }, 400, /./],
  ['filters', 'GET', '/containers/json?filters=%5B', undefined, 400, /./],
  [
    'a filter nobody knows',
    'GET',
    '/containers/json?filters=%7B%22no%22%3A%7B%22x%22%3Atrue%7D%7D',
    undefined,
    400,
    /invalid filter/,
  ],
  ['a size', 'POST', '/containers/none/resize?h=-1&w=a', undefined, 400, /resize/],
  ['a time', 'GET', '/events?since=yesterday', undefined, 400, /./],
  ['a condition', 'POST', '/containers/none/wait?condition=tired', undefined, 400, /invalid condition/],
  ['a signal', 'POST', '/containers/none/kill?signal=NONE', undefined, 404, /No such container/],
];

const BODIES: readonly Row[] = [
  ['none', 'POST', '/containers/create', undefined, 400, /./],
  ['none for an exec', 'POST', '/containers/none/exec', undefined, 400, /got EOF while reading request body/],
  ['broken JSON', 'POST', '/containers/create', '{"Image":', 400, /JSON/],
  ['JSON and more', 'POST', '/networks/create', '{"Name":"n"}{"Name":"m"}', 400, /JSON|unexpected/],
  ['bytes', 'POST', '/containers/create', Buffer.from([0xff, 0xfe, 0, 1, 2]), 400, /./],
  ['brackets without end', 'POST', '/containers/create', deep, 400, /./],
  ['too much', 'POST', '/containers/create', `{"Image":"${'x'.repeat(5 << 20)}"}`, 400, /too large/],
  ['keys of a prototype', 'POST', '/networks/create', '{"__proto__":{"Name":"n"},"constructor":1}', 400, /./],
  ['an image called so', 'POST', '/containers/create', { Image: '__proto__' }, 400, /invalid reference/],
];

async function refused(daemon: Daemon, rows: readonly Row[]): Promise<void> {
  const before = await stateOf(daemon);
  const wrong: string[] = [];
  for (const [what, method, path, body, status, message] of rows) {
    const options = body === undefined ? {} : { body: body as string | Buffer | object, headers: HEADERS };
    const answer = await request(daemon.socket, method, `/v1.52${path}`, options);
    const told = (answer.json as { message?: unknown } | undefined)?.message;
    const right = answer.status === status && typeof told === 'string' && message.test(told) && told.length < 100_000;
    if (!right) wrong.push(`${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(await stateOf(daemon), before);
  await works(daemon);
  assertQuiet(daemon);
}

async function stateOf(daemon: Daemon): Promise<unknown> {
  const ask = async (path: string): Promise<unknown> => (await daemon.api(`GET`, path)).body;
  return [await ask('/containers/json?all=1'), await ask('/networks'), await ask('/volumes')];
}

/** What comes back for these bytes. */
async function said(daemon: Daemon, bytes: string | Buffer): Promise<string> {
  const raw = new Raw(daemon.socket);
  raw.socket.write(bytes);
  await until(() => raw.ended || raw.closed || /\r\n\r\n[^]/.test(raw.text), 10_000, 'an answer');
  raw.socket.destroy();
  return raw.text;
}

scenarios(
  { client: 'hostile clients' },
  async (host) => {
    const daemon = await host.startDaemon();
    await works(daemon);
    return { daemon };
  },
  {
    'wrong names': async ({ daemon }) => refused(daemon, NAMES),
    'wrong types and values': async ({ daemon }) => refused(daemon, TYPES),
    'missing, broken and huge bodies': async ({ daemon }) => refused(daemon, BODIES),
    'what is no HTTP, huge heads, requests within requests': async ({ daemon }) => {
      const version = 'HTTP/1.1\r\nHost: d\r\n';
      const rows: [bytes: string, answer: RegExp][] = [
        ['\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 hello TLS\r\n\r\n', /^HTTP\/1\.1 400 /],
        [`GET /_ping ${version}X: ${'y'.repeat(300_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
        [`GET /${'y'.repeat(300_000)} ${version}\r\n`, /^HTTP\/1\.1 (?:414|431) /],
        [`POST /networks/create ${version}Content-Length: -1\r\n\r\n`, /^HTTP\/1\.1 400 /],
        [
          `POST /networks/create ${version}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
          /^HTTP\/1\.1 400 /,
        ],
        [`POST /networks/create ${version}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /^HTTP\/1\.1 400 /],
        [`CONNECT 127.0.0.1:1 ${version}\r\n`, /^(?:HTTP\/1\.1 (?:400|404|405) |$)/],
        [`BREW /_ping ${version}\r\n`, /^HTTP\/1\.1 400 /],
        [`GET /v9.99/_ping ${version}\r\n`, /^HTTP\/1\.1 400 [^]*too new/],
        [`GET http://elsewhere/_ping ${version}\r\n`, /^HTTP\/1\.1 (?:200|404) /],
        [`${`GET /_ping ${version}\r\n`.repeat(200)}`, /^HTTP\/1\.1 200 /],
      ];
      for (const [bytes, answer] of rows) assert.match(await said(daemon, bytes), answer, bytes.slice(0, 60));
      await leavesNothing(daemon, () => Promise.all(rows.map(([bytes]) => said(daemon, bytes))));
    },
    'dockerode and the docker CLI: what they are made to send': async ({ daemon }) => {
      const client = new Docker({ socketPath: daemon.socket });
      const create = (options: unknown): Promise<unknown> =>
        client.createContainer(options as Docker.ContainerCreateOptions);
      await assert.rejects(create({ Image: 'busybox', Cmd: { 0: 'sh' } }), { statusCode: 400 });
      await assert.rejects(create({ Image: 'busybox', HostConfig: { NetworkMode: 'container:' } }), {
        statusCode: 400,
      });
      await assert.rejects(create({ Image: 'busybox', HostConfig: { PidsLimit: 'many' } }), { statusCode: 400 });
      await assert.rejects(create({}), { statusCode: 400 });
      await assert.rejects(client.getContainer('../../images/json?').inspect(), { statusCode: 404 });
      await assert.rejects(client.getNetwork('a/../../x').remove(), { statusCode: 404 });
      await assert.rejects(client.createNetwork({ Name: 'x', Driver: '../driver' }), /./);
      const cases: [args: string[], error: RegExp][] = [
        [['run', '--name', '../x', 'busybox'], /Invalid container name/],
        [['run', '--network', 'no/such', 'busybox'], /not found/],
        [
          ['run', '--ip', '1.2.3.4', 'busybox', 'true'],
          /user specified IP address is supported on user defined networks only|user.?defined/i,
        ],
        [['network', 'create', '--subnet', '10.0.0.0/33', 'x'], /invalid/i],
        [['exec', '-w', 'relative', 'none', 'true'], /No such container|absolute/],
        [['kill', '-s', '-5', 'none'], /No such container|[Ii]nvalid/],
      ];
      for (const [args, error] of cases) {
        const { code, stderr } = await daemon.docker(...args);
        assert.notEqual(code, 0, args.join(' '));
        assert.match(stderr, error, args.join(' '));
      }
      await daemon.removeContainers();
      assertQuiet(daemon);
    },
  },
);
