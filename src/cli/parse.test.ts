import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Flag } from './command.ts';
import { FlagError, parseFlags, wrongCount } from './parse.ts';

const flags: readonly Flag[] = [
  { name: 'all', short: 'a', type: 'bool', help: '' },
  { name: 'interactive', short: 'i', type: 'bool', help: '' },
  { name: 'tty', short: 't', type: 'bool', help: '' },
  { name: 'name', type: 'string', help: '' },
  { name: 'gateway', type: 'list', help: '' },
  { name: 'publish', short: 'p', type: 'list', help: '' },
  { name: 'last', short: 'n', type: 'int', default: -1, help: '' },
  { name: 'sig-proxy', type: 'bool', default: true, help: '' },
  {
    name: 'filter',
    short: 'f',
    type: 'list',
    help: '',
    check(value) {
      if (!value.includes('=')) throw new Error('bad format of filter (expected name=value)');
    },
  },
];

const parse = (line: string, interspersed = true): ReturnType<typeof parseFlags> =>
  parseFlags(flags, line === '' ? [] : line.split(' '), interspersed);

const refuses = (line: string, message: string): void => {
  void test(`${line} → ${message}`, () => {
    assert.throws(() => parse(line), { constructor: FlagError, message });
  });
};

void describe('what parses', () => {
  void test('all the spellings of a value', () => {
    for (const line of ['--name x', '--name=x']) assert.equal(parse(line).values.string('name'), 'x');
    for (const line of ['-p 80', '-p80', '-p=80', '--publish 80', '--publish=80']) {
      assert.deepEqual(parse(line).values.list('publish'), ['80']);
    }
    assert.equal(parse('--name=').values.string('name'), '');
    assert.ok(parse('--name=').values.given('name'));
    assert.equal(parse('--name a=b=c').values.string('name'), 'a=b=c');
    assert.equal(parse('--name -x').values.string('name'), '-x', 'a value may look like a flag');
  });
  void test('letters together', () => {
    const { values } = parse('-itp80');
    assert.ok(values.bool('interactive') && values.bool('tty'));
    assert.deepEqual(values.list('publish'), ['80']);
    assert.deepEqual(parse('-ip 80').values.list('publish'), ['80']);
    assert.equal(parse('-it=false').values.bool('tty'), false);
  });
  void test('booleans take a value only with =', () => {
    const { values, args } = parse('--all false');
    assert.ok(values.bool('all'));
    assert.deepEqual(args, ['false']);
    assert.equal(parse('--sig-proxy=false').values.bool('sig-proxy'), false);
    for (const text of ['1', 't', 'TRUE', 'True']) assert.ok(parse(`--all=${text}`).values.bool('all'));
  });
  void test('defaults, and what was given', () => {
    const { values } = parse('');
    assert.equal(values.int('last'), -1);
    assert.ok(values.bool('sig-proxy'));
    assert.ok(!values.given('last'));
    assert.deepEqual(values.list('gateway'), []);
    assert.throws(() => values.string('nope'), TypeError);
  });
  void test('lists keep their order, the last of the others wins', () => {
    const { values } = parse('--gateway a --gateway b --name x --name y');
    assert.deepEqual(values.list('gateway'), ['a', 'b']);
    assert.equal(values.string('name'), 'y');
  });
  void test('numbers as Go reads them', () => {
    for (const [text, value] of [
      ['7', 7],
      ['-7', -7],
      ['0x10', 16],
      ['010', 8],
      ['+3', 3],
    ] as const) {
      assert.equal(parse(`-n ${text}`).values.int('last'), value);
    }
  });
  void test('flags among arguments, or not', () => {
    assert.deepEqual(parse('x -a y').args, ['x', 'y']);
    assert.deepEqual(parse('x -a y', false).args, ['x', '-a', 'y']);
    assert.deepEqual(parse('-a -- -b --c').args, ['-b', '--c']);
    assert.deepEqual(parse('-').args, ['-']);
  });
  void test('help', () => {
    for (const line of ['--help', '-h', '-a --help x --nope']) assert.ok(parse(line).help);
    assert.ok(!parse('x --help', false).help);
  });
});

void describe('what is refused', () => {
  refuses('--dateway x', 'unknown flag: --dateway; did you mean --gateway?');
  refuses('--alll', 'unknown flag: --alll; did you mean --all?');
  refuses('--frobnicate', 'unknown flag: --frobnicate');
  refuses('-x', "unknown shorthand flag: 'x' in -x");
  refuses('-ax', "unknown shorthand flag: 'x' in -x");
  refuses('-itz', "unknown shorthand flag: 'z' in -z");
  refuses('--name', 'flag needs an argument: --name');
  refuses('-n', "flag needs an argument: 'n' in -n");
  refuses('-n x', 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax');
  refuses(
    '-n 99999999999999999999',
    'invalid argument "99999999999999999999" for "-n, --last" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range',
  );
  refuses('--all=no', 'invalid argument "no" for "-a, --all" flag: strconv.ParseBool: parsing "no": invalid syntax');
  refuses('-f x', 'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)');
  refuses('--=x', 'bad flag syntax: --=x');
  refuses('---', 'bad flag syntax: ---');
});

void test('any words parse, or are refused with a FlagError', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('--all', '-a', '--name', '-p', '--', '-n', '5', '--last=x', '-it'),
  );
  fc.assert(
    fc.property(fc.array(word), fc.boolean(), (words, interspersed) => {
      try {
        parseFlags(flags, words, interspersed);
      } catch (error) {
        assert.ok(error instanceof FlagError, String(error));
      }
    }),
  );
});

void test('counts of arguments in docker’s words', () => {
  assert.equal(wrongCount(1, { min: 1, max: 1 }), undefined);
  assert.equal(wrongCount(9, { min: 1 }), undefined);
  assert.equal(wrongCount(1, { min: 0, max: 0 }), 'accepts no arguments');
  assert.equal(wrongCount(1, { min: 2, max: 2 }), 'requires 2 arguments');
  assert.equal(wrongCount(2, { min: 1, max: 1 }), 'requires 1 argument');
  assert.equal(wrongCount(0, { min: 1 }), 'requires at least 1 argument');
  assert.equal(wrongCount(2, { min: 0, max: 1 }), 'requires at most 1 argument');
  assert.equal(wrongCount(3, { min: 1, max: 2 }), 'requires at least 1 and at most 2 arguments');
});
