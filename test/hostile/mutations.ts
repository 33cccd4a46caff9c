/**
 * Bodies that are almost right: one value of a large and valid one is replaced by something else. Whatever it is, it is taken or
 * refused by a status of the client's, never answered by a fault of berthd; and what was taken can be started or says why not.
 */
import assert from 'node:assert/strict';
import { request } from '../api/client.ts';
import type { Answer } from '../api/standin.ts';
import { randomFrom } from '../support/chaos.ts';
import type { Daemon } from '../support/daemon.ts';
import { assertQuiet, works } from './support.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const NUMBERS: readonly Json[] = [0, -1, 1, 0.5, 1e308, -1e308, 2 ** 31, 2 ** 53, 65_535, 65_536];
const SIGNS: readonly Json[] = ['', ' ', '\0', '\n', '/', '..', '-', ':', '=', ',', '%s', '\u{1f6a2}', '0', '-1'];
const WORDS: readonly Json[] = [
  '../../etc',
  '127.0.0.1',
  '::1',
  '0.0.0.0/0',
  'container:',
  'host',
  'none',
  'default',
  '__proto__',
];
const SHAPES: readonly Json[] = [
  null,
  true,
  false,
  [],
  [[]],
  [null],
  ['', ''],
  {},
  { '': '' },
  { a: { b: { c: {} } } },
];
const ODD: readonly Json[] = [...NUMBERS, ...SIGNS, ...WORDS, ...SHAPES, 'x'.repeat(10_000)];

const CONTAINER: Json = {
  Image: 'busybox',
  Cmd: ['true'],
  Entrypoint: ['sh', '-c'],
  Env: ['A=b'],
  Hostname: 'h',
  Domainname: 'd',
  User: '0:0',
  WorkingDir: '/tmp',
  Labels: { a: 'b' },
  ExposedPorts: { '80/tcp': {} },
  Volumes: { '/v': {} },
  StopSignal: 'SIGTERM',
  StopTimeout: 1,
  Tty: false,
  OpenStdin: false,
  Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000_000, Timeout: 1_000_000_000, Retries: 1, StartPeriod: 0 },
  HostConfig: {
    Binds: ['/etc:/b:ro'],
    Mounts: [{ Type: 'tmpfs', Target: '/m', TmpfsOptions: { SizeBytes: 65_536, Mode: 0o755 } }],
    Tmpfs: { '/t': 'size=1m' },
    NetworkMode: 'bridge',
    PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    CapAdd: ['CHOWN'],
    CapDrop: ['ALL'],
    Dns: ['192.0.2.1'],
    DnsOptions: ['ndots:1'],
    DnsSearch: ['example.test'],
    ExtraHosts: ['a:192.0.2.2'],
    GroupAdd: ['1'],
    IpcMode: 'private',
    PidMode: '',
    UTSMode: '',
    Privileged: false,
    ReadonlyRootfs: false,
    SecurityOpt: ['no-new-privileges'],
    ShmSize: 65_536,
    Sysctls: { 'net.core.somaxconn': '99' },
    Memory: 64 << 20,
    MemorySwap: -1,
    NanoCpus: 500_000_000,
    CpuShares: 512,
    CpusetCpus: '0',
    PidsLimit: 100,
    Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 100 }],
    Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/zilch', CgroupPermissions: 'rwm' }],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
    MaskedPaths: ['/proc/kcore'],
    ReadonlyPaths: ['/proc/sys'],
    OomScoreAdj: 1,
    CgroupParent: '',
    Init: true,
  },
  NetworkingConfig: {
    EndpointsConfig: { bridge: { MacAddress: '02:42:ac:11:00:99', DriverOpts: {} } },
  },
};

const NETWORK: Json = {
  Name: 'mutated',
  Driver: 'bridge',
  Internal: false,
  Attachable: false,
  EnableIPv6: true,
  Labels: { a: 'b' },
  Options: { 'com.docker.network.driver.mtu': '1400', 'com.docker.network.bridge.name': 'br-mutated' },
  IPAM: {
    Driver: 'default',
    Options: {},
    Config: [
      {
        Subnet: '10.44.0.0/24',
        Gateway: '10.44.0.1',
        IPRange: '10.44.0.128/25',
        AuxiliaryAddresses: { a: '10.44.0.2' },
      },
      { Subnet: 'fd44::/64' },
    ],
  },
};

const VOLUME: Json = {
  Name: 'mutated',
  Driver: 'local',
  DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' },
  Labels: {},
};

/** Every place in `value`, as the keys that lead there. */
function placesIn(value: Json): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => [
    [key],
    ...placesIn(below as Json).map((path) => [key, ...path]),
  ]);
}

function replaced(value: Json, [key = '', ...rest]: readonly string[], by: Json): Json {
  const copy = Array.isArray(value) ? [...value] : { ...(value as { [key: string]: Json }) };
  const at = copy as { [key: string]: Json };
  at[key] = rest.length === 0 ? by : replaced(at[key] ?? null, rest, by);
  return copy;
}

const idOf = (json: unknown): string => {
  const { Id, Name } = json as { Id?: string; Name?: string };
  return encodeURIComponent(Id ?? Name ?? '');
};

const places = {
  '/containers/create': placesIn(CONTAINER),
  '/networks/create': placesIn(NETWORK),
  '/volumes/create': placesIn(VOLUME),
};
const valid = { '/containers/create': CONTAINER, '/networks/create': NETWORK, '/volumes/create': VOLUME };
type Path = keyof typeof valid;

/** `count` bodies for each path; the seed repeats them. */
export async function mutate(daemon: Daemon, count: number, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const faults: string[] = [];
  const ask = async (method: string, path: string, body?: Json): Promise<Answer> => {
    const options = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await request(daemon.socket, method, `/v1.52${path}`, options);
    if (answer.status >= 500 && !/^\{"message":"(?!internal error)/.test(answer.text)) faults.push(answer.text);
    if (/internal error/.test(answer.text)) faults.push(`${method} ${path} ${JSON.stringify(body)}: ${answer.text}`);
    return answer;
  };
  /** Shown, started and removed again. */
  const used = async (path: Path, json: unknown, what: string): Promise<void> => {
    const before = faults.length;
    const one = path.replace('create', idOf(json));
    await ask('GET', path === '/containers/create' ? `${one}/json` : one);
    if (path === '/containers/create') await ask('POST', `${one}/start`);
    await ask('DELETE', `${one}?force=1`);
    if (faults.length > before) faults.push(`(${what})`);
  };
  for (const path of Object.keys(valid) as Path[]) {
    const { status, text, json } = await ask('POST', path, valid[path]);
    assert.equal(status, 201, text);
    await used(path, json, 'unchanged');
    for (let i = 0; i < count; i++) {
      const place = places[path][random(places[path].length)] ?? [];
      const odd = ODD[random(ODD.length)] ?? null;
      const answer = await ask('POST', path, replaced(valid[path], place, odd));
      if (answer.status === 201) await used(path, answer.json, `${place.join('.')}: ${JSON.stringify(odd)}`);
    }
  }
  assert.deepEqual(faults, [], `with seed ${seed}`);
  const left = await daemon.api<unknown[]>('GET', '/containers/json?all=1');
  assert.deepEqual(left.body, []);
  await works(daemon);
  assertQuiet(daemon);
}
