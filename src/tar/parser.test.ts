import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeEntry, endOfArchive, padding, TarError, type NewEntry } from './header.ts';
import { TarParser, type ParsedEntry } from './parser.ts';

interface Read {
  entry: ParsedEntry;
  content: string;
}

/** The archive in pieces of `size` bytes. */
function read(archive: Buffer, size: number): Read[] {
  const parser = new TarParser();
  const found: Read[] = [];
  for (let at = 0; at < archive.length; at += size) {
    for (const event of parser.push(archive.subarray(at, at + size))) {
      if (event.kind === 'entry') found.push({ entry: event.entry, content: '' });
      const last = found.at(-1);
      if (event.kind === 'data' && last !== undefined) last.content += event.data.toString('latin1');
    }
  }
  parser.end();
  return found;
}

const packed = (fields: NewEntry, content: string, xattrs?: ReadonlyMap<string, string>): Buffer => {
  const data = Buffer.from(content, 'latin1');
  return Buffer.concat([encodeEntry({ ...fields, size: data.length }, xattrs), data, padding(data.length)]);
};

const bytes = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) });

void test('what was written is read back, in pieces of any size', () => {
  const name = bytes.filter((text) => text !== '' && !text.endsWith('/'));
  const one = fc.record({
    name: fc.oneof(
      name,
      name.map((text) => text.padEnd(300, 'x')),
    ),
    uid: fc.integer({ min: 0, max: 2 ** 31 }),
    gid: fc.integer({ min: 0, max: 2 ** 31 }),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    mtime: fc.integer({ min: -(2 ** 31), max: 2 ** 36 }),
    content: bytes,
    value: bytes,
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 4 }), fc.integer({ min: 1, max: 3000 }), (entries, size) => {
      const archive = Buffer.concat([
        ...entries.map(({ content, value, ...fields }) => packed(fields, content, new Map([['user.x', value]]))),
        endOfArchive(),
      ]);
      const shown = read(archive, size).map(({ entry, content }) => ({
        name: entry.name,
        uid: entry.uid,
        gid: entry.gid,
        mode: entry.mode,
        mtime: entry.mtime,
        content,
        value: entry.xattrs.get('user.x'),
      }));
      assert.deepEqual(
        shown,
        entries.map((entry) => ({ ...entry })),
      );
    }),
  );
});

void test('arbitrary bytes are refused with a TarError or read', () => {
  const damaged = fc.record({ at: fc.nat(2000), byte: fc.integer({ min: 0, max: 255 }), cut: fc.nat(2100) });
  fc.assert(
    fc.property(damaged, ({ at, byte, cut }) => {
      const archive = Buffer.concat([packed({ name: 'n'.repeat(120), uid: 2 ** 24 }, 'abc'), endOfArchive()]);
      archive[at] = byte;
      try {
        read(archive.subarray(0, cut), 700);
      } catch (error) {
        assert.ok(error instanceof TarError);
      }
    }),
  );
});

void test('an archive that is cut off is no whole one; one without its last blocks is', () => {
  const archive = packed({ name: 'a' }, 'x'.repeat(600));
  assert.throws(() => read(archive.subarray(0, 700), 100), /unexpected EOF/);
  assert.throws(() => read(archive.subarray(0, 100), 100), /unexpected EOF/);
  assert.equal(read(archive, 100).length, 1);
});

void test('sparse files are refused, old directories understood', () => {
  const old = read(packed({ name: 'd/', type: '0' }, ''), 512);
  assert.equal(old[0]?.entry.type, '5');
  assert.throws(() => read(retyped(encodeEntry({ name: 's' }), 'S'), 512), /sparse/);
  const records = '22 GNU.sparse.size=10\n';
  assert.equal(records.length, 22);
  const pax = Buffer.concat([retyped(packed({ name: 'pax' }, records), 'x'), packed({ name: 's' }, 'part')]);
  assert.throws(() => read(pax, 512), /sparse/);
});

void test('what no file can be called, and nobody, is refused', () => {
  for (const wrong of [
    { name: `${'n'.repeat(200)}\0/x` },
    { name: 'l', type: '2', linkName: `${'n'.repeat(200)}\0` },
    { name: 'u', uid: 2 ** 32 },
    { name: 'g', gid: 2 ** 40 },
  ] as const) {
    assert.throws(() => read(packed(wrong, ''), 512), /^TarError: invalid tar header$/);
  }
});

/** The same header with another type. */
function retyped(archive: Buffer, type: string): Buffer {
  archive.write(type, 156);
  archive.write('        ', 148);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return archive;
}
