/** What needs no judge: limits, and that nothing but TemplateError ever comes out. test/cli compares with docker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Template, TemplateError } from './template.ts';
import { Struct, type Value } from './values.ts';

const run = (source: string, data: Value = {}): string => new Template(source).run(data);

const refused = (source: string, data: Value, message: string | RegExp): void => {
  assert.throws(() => run(source, data), { name: 'TemplateError', message });
};

const row = new Struct(
  '*formatter.Row',
  { ID: () => 'abc', Ports: () => '80->80/tcp' },
  { Label: (name) => (name === 'a' ? '1' : '') },
);

void describe('rows of lists', () => {
  void test('fields and methods', () => {
    assert.equal(run('{{.ID}} {{.Label "a"}}{{.Label "b"}}', row), 'abc 1');
    assert.equal(run('{{json .}}', row), '{"ID":"abc","Ports":"80-\\u003e80/tcp"}');
    assert.equal(run('{{json .Ports}}', row), '"80->80/tcp"');
  });
  void test('what a row does not have', () => {
    refused('{{.Foo}}', row, `template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type *formatter.Row`);
    refused('{{.Label}}', row, /wrong number of args for Label: want 1 got 0/);
    refused('{{.ID 1}}', row, /ID is not a method but has arguments/);
    refused('{{.constructor}}', row, /can't evaluate field constructor/);
    refused('{{.toString}}', row, /can't evaluate field toString/);
  });
});

void describe('objects and maps', () => {
  void test('an object lacks a field: an error; a map lacks a key: no value', () => {
    refused('{{.x}}', {}, 'template: :1:2: executing "" at <.x>: map has no entry for key "x"');
    assert.equal(run('{{.x}}', new Map()), '<no value>');
    assert.equal(run('{{index . "x"}}|', new Map([['a', 'b']])), '|');
  });
  void test('nothing of JavaScript shows through', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      refused(`{{.${name}}}`, {}, /map has no entry/);
      assert.equal(run(`{{.${name}}}`, new Map()), '<no value>');
    }
  });
  void test('large integers', () => {
    assert.equal(
      run('{{.}} {{json .}} {{printf "%x" .}} {{eq . .}}', 1764000000123456789n),
      '1764000000123456789 1764000000123456789 187afca76f25cd15 true',
    );
  });
});

void describe('limits', () => {
  void test('templates that call themselves end', () => {
    refused('{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}', {}, /exceeded maximum template depth/);
  });
  void test('loops end', () => {
    refused('{{range 9999999999999}}{{end}}', {}, /too many turns/);
  });
  void test('output ends', () => {
    refused('{{range 100000}}{{printf "%1000000d" 1}}{{end}}', {}, /output is too long/);
  });
  void test('nesting ends', () => {
    refused('{{if 1}}'.repeat(5000), {}, /too deeply nested/);
    refused(`{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`, {}, /too deeply nested/);
  });
});

void describe('any text', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '{{',
      '}}',
      '{{- ',
      ' -}}',
      '.',
      '.A',
      '$',
      '$x',
      ':=',
      '=',
      '|',
      '(',
      ')',
      '"a"',
      '`b`',
      "'c'",
      '1',
    ),
    fc.constantFrom(
      'if ',
      'else ',
      'end',
      'range ',
      'with ',
      'define "x"',
      'template "x" ',
      'block "x" ',
      'break',
      ' ',
    ),
    fc.constantFrom('printf "%d%s%*v%[2]q" ', 'index ', 'slice ', 'json ', 'len ', 'eq ', 'and ', 'truncate ', 'call '),
    fc.constantFrom('/*', '*/', '\\', '-', '0x', '1e', 'nil', 'true', ',', '\n'),
  );
  const data = { A: { B: [1, 'x', null, { c: 2.5 }] }, s: 'text', m: new Map([['k', 'v']]) };

  void test('is a template or a TemplateError', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          run(pieces.join(''), data);
        } catch (error) {
          assert.ok(error instanceof TemplateError, String(error instanceof Error ? error.stack : error));
        }
      }),
      { numRuns: 3000 },
    );
  });
  void test('without {{ is itself', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('{{'));
        assert.equal(run(text), text);
      }),
    );
  });
  void test('in quotes comes out as it went in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        assert.equal(run(`{{${JSON.stringify(text)}}}`), text);
        assert.equal(run(`{{printf "%s" .}}`, text), text);
        assert.equal(run(`{{json .}}`, text), JSON.stringify(text));
      }),
    );
  });
});
