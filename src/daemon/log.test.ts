import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLog } from './log.ts';

const now = (): Date => new Date(0);
const lines = (format: 'text' | 'json') => {
  const written: string[] = [];
  return { written, log: createLog({ level: 'info', format, now, write: (line) => written.push(line) }) };
};

void test('logfmt, as dockerd writes it', () => {
  const { written, log } = lines('text');
  log.info('API listen on /x', { ms: 3, path: '/a b', none: undefined });
  log.debug('not shown');
  log.warn('two\nlines "quoted" \u001b[2J');
  log.setLevel('debug');
  log.debug('shown');
  assert.deepEqual(written, [
    'time=1970-01-01T00:00:00.000Z level=info msg="API listen on /x" ms=3 path="/a b"\n',
    'time=1970-01-01T00:00:00.000Z level=warning msg="two\\nlines \\"quoted\\" \\u001b[2J"\n',
    'time=1970-01-01T00:00:00.000Z level=debug msg="shown"\n',
  ]);
});

void test('what steers a terminal or ends a line never gets into the log', () => {
  for (const format of ['text', 'json'] as const) {
    const { written, log } = lines(format);
    log.info('\u009b2J \u007f \u2028', { name: 'a\u0085b', bare: '\u009b' });
    // oxlint-disable-next-line no-control-regex
    assert.match(written[0] ?? '', /^[\x20-\x7e]+\n$/);
    assert.match(written[0] ?? '', /\\u009b2J \\u007f \\u2028.*a\\u0085b.*\\u009b/);
  }
});

void test('JSON, one object a line, whatever the text', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (message, value) => {
      const { written, log } = lines('json');
      log.error(message, { value });
      assert.equal(written[0]?.indexOf('\n'), (written[0]?.length ?? 0) - 1);
      const event = JSON.parse(written[0] ?? '') as Record<string, unknown>;
      assert.deepEqual([event.level, event.msg, event.value], ['error', message, value]);
    }),
  );
});
