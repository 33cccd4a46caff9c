import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BerthError } from '../../errors.ts';
import { createRequest } from './container.ts';
import { execConfig, execStart } from './exec.ts';
import {
  bool,
  integer,
  list,
  nullable,
  object,
  optional,
  parseJson,
  record,
  string,
  stringOrStrings,
  type Decoder,
} from './kit.ts';
import { networkConnect, networkCreate, networkDisconnect } from './network.ts';
import { authHeader, registryAuth } from './registry.ts';

const inner = object<{ Count: number }>('inner', { Count: integer('int64') });
const outer = object<{ Name: string; On: boolean; In: { Count: number }; Maybe?: string; Tags: string[] | null }>(
  'outer',
  { Name: string, On: bool, In: inner, Maybe: optional(string), Tags: nullable(list(string)) },
);

const refusal = (decode: () => unknown): string => {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof BerthError && error.kind === 'InvalidParameter', String(error));
    return error.message;
  }
  return assert.fail('was taken');
};

void test('absent and null are the zero value; what is optional stays out', () => {
  const zero = { Name: '', On: false, In: { Count: 0 }, Tags: null };
  assert.deepEqual(outer({}, 'T'), zero);
  assert.deepEqual(outer({ Name: null, On: null, In: null, Maybe: null, Tags: null }, 'T'), zero);
  assert.deepEqual(outer(undefined, 'T'), zero);
});

void test('names match without regard to case, the exact one included; unknown ones are ignored', () => {
  assert.deepEqual(outer({ name: 'a', TAGS: ['x'], Else: 1, in: { count: 2 } }, 'T'), {
    Name: 'a',
    On: false,
    In: { Count: 2 },
    Tags: ['x'],
  });
});

void test('a wrong type is refused with its place', () => {
  assert.equal(
    refusal(() => outer({ In: { Count: 'x' } }, 'T')),
    'invalid JSON: json: cannot unmarshal string into Go struct field T.In.Count of type int64',
  );
  assert.match(
    refusal(() => outer({ In: { Count: 1.5 } }, 'T')),
    /number 1\.5 into/,
  );
  assert.match(
    refusal(() => outer({ In: { Count: 1e30 } }, 'T')),
    /of type int64$/,
  );
  assert.match(
    refusal(() => outer([], 'T')),
    /cannot unmarshal array into Go value of type outer/,
  );
  assert.match(
    refusal(() => outer({ Tags: ['a', {}] }, 'T')),
    /cannot unmarshal object into Go struct field T\.Tags/,
  );
});

void test('keys of maps are only keys', () => {
  const decoded = record(string)(JSON.parse('{"__proto__":"a","constructor":"b"}'), 'T');
  assert.deepEqual(Object.entries(decoded), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
  const request = createRequest(JSON.parse('{"Image":"x","__proto__":{"Privileged":true}}'), 'T');
  assert.equal(request.hostConfig.Privileged, false);
});

void test('one string may stand for a list', () => {
  assert.deepEqual(stringOrStrings('a b', 'T'), ['a b']);
  assert.deepEqual(stringOrStrings(['a', null], 'T'), ['a', '']);
});

void test('malformed JSON: the text says what, and quotes no body', () => {
  assert.equal(
    refusal(() => parseJson('')),
    'invalid JSON: unexpected EOF',
  );
  assert.equal(
    refusal(() => parseJson('{"a":')),
    'invalid JSON: unexpected EOF',
  );
  assert.equal(
    refusal(() => parseJson('{} {}')),
    'unexpected content after JSON',
  );
  for (const text of ['{"password":"s3cret"', 's3cret', '{"password":s3cret}', '["s3cret" "x"]']) {
    assert.equal(refusal(() => parseJson(text)).includes('s3cret'), false, text);
  }
});

void test('X-Registry-Auth', () => {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  assert.equal(authHeader(undefined), undefined);
  assert.equal(authHeader(''), undefined);
  assert.equal(authHeader(encode({})), undefined);
  assert.deepEqual(authHeader(encode({ username: 'ü?>', password: 'p', email: 'x' })), {
    username: 'ü?>',
    password: 'p',
  });
  assert.deepEqual(authHeader(Buffer.from('{"identitytoken":"t"}').toString('base64')), { identitytoken: 't' });
  assert.match(
    refusal(() => authHeader('%%%')),
    /invalid X-Registry-Auth/,
  );
});

const DECODERS: [string, Decoder<unknown>][] = [
  ['create', createRequest],
  ['execConfig', execConfig],
  ['execStart', execStart],
  ['networkCreate', networkCreate],
  ['networkConnect', networkConnect],
  ['networkDisconnect', networkDisconnect],
  ['registryAuth', registryAuth],
];

void test('arbitrary JSON is decoded or refused as a bad parameter, never anything else', () => {
  const keys = fc.constantFrom('Image', 'HostConfig', 'PortBindings', 'Env', 'Cmd', 'IPAM', 'Config', 'Mounts', 'x');
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(fc.constantFrom(...DECODERS), value, ([, decode], input) => {
      try {
        decode(input, 'T');
      } catch (error) {
        assert.ok(error instanceof BerthError && error.kind === 'InvalidParameter', String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

void test('what was decoded decodes to itself', () => {
  const request = createRequest(
    {
      Image: 'busybox',
      Cmd: ['a'],
      HostConfig: {
        PortBindings: { '80/tcp': [{ HostPort: '8080' }], '81/udp': null },
        Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { Mode: 0o700 } }],
        Ulimits: [{ Name: 'nofile', Hard: 10, Soft: 5 }],
        ConsoleSize: [24],
      },
      NetworkingConfig: { EndpointsConfig: { bridge: null } },
    },
    'T',
  );
  const again = createRequest(
    { ...request.config, HostConfig: request.hostConfig, NetworkingConfig: request.networking },
    'T',
  );
  assert.deepEqual(again, request);
  assert.deepEqual(request.hostConfig.ConsoleSize, [24, 0]);
  assert.deepEqual(request.hostConfig.PortBindings, { '80/tcp': [{ HostIp: '', HostPort: '8080' }], '81/udp': null });
});
