import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createRequest, issue } from './certificates.ts';
import { ManagedContext } from './context.ts';
import { settleRenewal } from './renew.ts';
import { createTestWorld, ownAddress } from './testing-world.ts';
import type { TestWorld } from './testing-world.ts';

/** Both new files are there, as before the first of them is put in place. */
async function renewing(world: TestWorld): Promise<ManagedContext> {
  const context = new ManagedContext(world.deps);
  const { key, request } = await createRequest(world.deps.scratch);
  const certificate = await issue(world.deps.scratch, world.authority, request, { name: 'a', address: ownAddress });
  writeFileSync(`${context.files.key}.new`, key);
  writeFileSync(`${context.files.certificate}.new`, certificate);
  return context;
}

void describe('a renewal during which berthd was killed', () => {
  void test('after the key: the certificate follows', async () => {
    using world = await createTestWorld();
    const context = await renewing(world);
    const { files } = context;
    const certificate = readFileSync(`${files.certificate}.new`, 'utf8');
    renameSync(`${files.key}.new`, files.key);
    await settleRenewal(context);
    assert.equal(readFileSync(files.certificate, 'utf8'), certificate);
    assert.equal(existsSync(`${files.certificate}.new`), false);
  });

  void test('before the key, or while it wrote: all is as it was', async () => {
    using world = await createTestWorld();
    const context = await renewing(world);
    const { files } = context;
    const before = [files.key, files.certificate].map((file) => readFileSync(file, 'utf8'));
    const after = (): string[] => [files.key, files.certificate].map((file) => readFileSync(file, 'utf8'));
    await settleRenewal(context);
    assert.deepEqual(after(), before);
    assert.equal(existsSync(`${files.key}.new`), false);
    copyFileSync(files.key, `${files.key}.new`);
    writeFileSync(`${files.certificate}.new`, '-----BEGIN CERT');
    await settleRenewal(context);
    assert.deepEqual(after(), before);
    assert.equal(existsSync(`${files.certificate}.new`), false);
    await settleRenewal(context);
  });
});
