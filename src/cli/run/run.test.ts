import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseCsv } from './csv.ts';
import { parsePublish } from './ports.ts';
import { exitCodeOf } from './report.ts';
import { isIpv6, isMac, parseBytes, parseCpus, parseDuration } from './values.ts';

void test('comma-separated values come back as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) => {
      const text = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',');
      assert.deepEqual(parseCsv(text), fields);
    }),
  );
  assert.deepEqual(parseCsv('a,,"b,c",'), ['a', '', 'b,c', '']);
  for (const bad of ['a"b', '"a', '"a"b']) assert.throws(() => parseCsv(bad), /parse error on line 1/);
});

void describe('ports', () => {
  void test('a range inside goes to the range outside, port by port', () => {
    const port = fc.integer({ min: 1, max: 60_000 });
    fc.assert(
      fc.property(
        port,
        port,
        fc.nat(200),
        fc.constantFrom('tcp', 'udp', 'sctp'),
        (inside, outside, count, protocol) => {
          const bound = parsePublish(`${outside}-${outside + count}:${inside}-${inside + count}/${protocol}`);
          assert.equal(bound.length, count + 1);
          assert.deepEqual(bound.at(-1), {
            port: `${inside + count}/${protocol}`,
            binding: { HostIp: '', HostPort: String(outside + count) },
          });
        },
      ),
    );
  });

  void test('arbitrary text is refused with an Error or gives ports in range', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789:-/.[]tcpud'.split('')) }), (text) => {
        let bound: ReturnType<typeof parsePublish>;
        try {
          bound = parsePublish(text);
        } catch (error) {
          assert.ok(error instanceof Error);
          return;
        }
        for (const { port } of bound) assert.match(port, /^\d{1,5}\/(tcp|udp|sctp)$/);
      }),
    );
  });
});

void test('sizes, times, numbers of CPUs', () => {
  assert.deepEqual(
    ['0', '12b', '4k', '1.5g', '1GiB', '2 mb'].map(parseBytes),
    [0, 12, 4096, 1610612736, 1073741824, 2097152],
  );
  for (const bad of ['', 'k', '-1', '1x', '1..5', '9999999p']) assert.throws(() => parseBytes(bad), /invalid size/);
  assert.deepEqual(['0', '1m30s', '-1.5h', '500ms', '1us'].map(parseDuration), [0, 90e9, -5400e9, 500e6, 1000]);
  for (const bad of ['', '1', 's', '1y', '1s2', '--1s']) assert.throws(() => parseDuration(bad), /^Error: time: /);
  assert.deepEqual(['0.1', '2', '3/2', '.25'].map(parseCpus), [1e8, 2e9, 1.5e9, 2.5e8]);
});

void test('addresses', () => {
  for (const good of ['::', '::1', 'fd00::2', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', '1::'])
    assert.ok(isIpv6(good), good);
  for (const bad of ['', ':', ':::', '1::2::3', '1:2:3:4:5:6:7', '12345::', '1:2:3:4:5:6:7:8:9', '::1.2.3']) {
    assert.ok(!isIpv6(bad), bad);
  }
  for (const good of ['02:42:ac:11:00:02', '02-42-AC-11-00-02', '0242.ac11.0002']) assert.ok(isMac(good), good);
  for (const bad of ['', '02:42:ac:11:00', '02:42-ac:11:00:02', 'zz:42:ac:11:00:02']) assert.ok(!isMac(bad), bad);
});

void test('exit codes as a shell has them', () => {
  const of = (text: string): number => exitCodeOf(new Error(text));
  assert.equal(of('exec: "nope": executable file not found in $PATH'), 127);
  assert.equal(of('exec: "/x": stat /x: no such file or directory'), 127);
  assert.equal(of('exec: "/etc/passwd": permission denied'), 126);
  assert.equal(of('exec: "/etc": is a directory'), 126);
  assert.equal(of('anything else'), 125);
});
