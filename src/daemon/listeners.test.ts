import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silent } from '../log.ts';
import { openListeners } from './listeners.ts';

void test('making a unix socket leaves the umask of the process alone while anything else runs', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'b-'));
  const path = join(directory, 's');
  const usual = process.umask();
  const seen: number[] = [];
  const settings = { hosts: [`unix://${path}`], group: '', tls: undefined, plainTcp: false };
  const make = () => createServer().prependListener('listening', () => seen.push(process.umask()));
  const listeners = await openListeners(settings, make, silent);
  try {
    assert.deepEqual(seen, [usual]);
    assert.equal(statSync(path).mode & 0o777, 0o660);
  } finally {
    await listeners.finish(100);
    rmSync(directory, { recursive: true });
  }
});
