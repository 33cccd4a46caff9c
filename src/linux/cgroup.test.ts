import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeCgroup, removeIfEmpty } from './cgroup.ts';

void test("'..' in the name of a group leads out of no hierarchy", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'b-'));
  const target = join(directory, 'id');
  mkdirSync(target);
  try {
    const climbing = `/${'../'.repeat(8)}${target}`;
    removeIfEmpty(climbing);
    await removeCgroup(climbing);
    assert.ok(existsSync(target));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
