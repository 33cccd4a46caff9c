import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goMode, isGoDevice, isGoDirectory, isGoLink } from './file-mode.ts';

void test("modes are os.FileMode's", () => {
  // As Go prints them: fs.ModeDir | 0755 and so on.
  assert.equal(goMode(0o040755), 2_147_484_141);
  assert.equal(goMode(0o120777), 134_218_239);
  assert.equal(goMode(0o100644), 420);
  assert.equal(goMode(0o104755), 2 ** 23 + 0o755);
  assert.equal(goMode(0o042755), 2 ** 31 + 2 ** 22 + 0o755);
  assert.equal(goMode(0o041777), 2 ** 31 + 2 ** 20 + 0o777);
  assert.equal(goMode(0o020666), 2 ** 26 + 2 ** 21 + 0o666);
  assert.equal(goMode(0o060660), 2 ** 26 + 0o660);
  assert.equal(goMode(0o010600), 2 ** 25 + 0o600);
  assert.equal(goMode(0o140700), 2 ** 24 + 0o700);
});

void test('and are told apart', () => {
  assert.ok(isGoDirectory(goMode(0o040755)) && !isGoDirectory(goMode(0o120777)));
  assert.ok(isGoLink(goMode(0o120777)) && !isGoLink(goMode(0o040755)));
  for (const mode of [0o020666, 0o060660, 0o010600, 0o140700]) assert.ok(isGoDevice(goMode(mode)));
  for (const mode of [0o100644, 0o040755, 0o120777]) assert.ok(!isGoDevice(goMode(mode)));
});
