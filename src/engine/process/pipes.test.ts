import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const script = `
  import { spawn } from 'node:child_process';
  import { closeSync, openSync } from 'node:fs';
  import { assertPipes } from ${JSON.stringify(new URL('./pipes.ts', import.meta.url).href)};
  const spawned = () => {
    try {
      const child = spawn('true', { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
      assertPipes(child, 'true');
      child.once('exit', (code) => console.log('exit', code));
    } catch (error) {
      console.log(error.kind, error.message);
    }
  };
  const open = [];
  try {
    for (;;) open.push(openSync('/dev/null'));
  } catch {}
  closeSync(open.pop());
  spawned();
  setTimeout(() => {
    for (const fd of open) closeSync(fd);
    spawned();
  }, 20);
`;

void test('without descriptors nothing is started, and nothing ends', () => {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  const told = execFileSync('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', ...node], { encoding: 'utf8' });
  assert.match(told, /^Unavailable true cannot be started: berthd has too many files open .*\nexit 0\n$/);
});
