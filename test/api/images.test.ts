/** The stock docker CLI on the real image store, with a registry on loopback that asks for credentials. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore, startRegistry } from '../images/support.ts';
import { docker, type Run } from './docker.ts';
import { withApi } from './standin.ts';

void test('login, tag, push, pull, save, load, import, history, rmi', async () => {
  await using store = openStore();
  await using registry = await startRegistry(true);
  const config = await mkdtemp(join(tmpdir(), 'bd-'));
  const name = `${registry.host}/team/box:1`;
  try {
    await withApi(
      async ({ socket, logged }) => {
        const run = (...args: string[]): Promise<Run> => docker({ socket, config }, ...args);
        const good = async (...args: string[]): Promise<string> => {
          const { code, stdout, stderr } = await run(...args);
          assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
          return stdout;
        };
        // The store makes it from the machine's own, as for a first container.
        await store.images.resolve('busybox');
        await good('image', 'inspect', 'busybox');
        await good('tag', 'busybox', name);
        const refused = await run('push', name);
        assert.notEqual(refused.code, 0);
        const wrong = await docker(
          { socket, config, stdin: 'wrong' },
          'login',
          '-u',
          'u',
          '--password-stdin',
          registry.host,
        );
        assert.match(wrong.stderr, /login attempt to http:\S+ failed with status: 401 Unauthorized/);
        const login = await docker(
          { socket, config, stdin: 'secret' },
          'login',
          '-u',
          'u',
          '--password-stdin',
          registry.host,
        );
        assert.match(login.stdout, /Login Succeeded/);
        assert.match(await good('push', name), /digest: sha256:[0-9a-f]{64}/);
        assert.match(await good('rmi', name), /Untagged: /);
        assert.match(await good('pull', name), /Status: Downloaded newer image|Image is up to date/);
        assert.equal(await good('images', '-q', name), await good('images', '-q', 'busybox'));
        const missing = await run('pull', `${registry.host}/team/nothing`);
        assert.match(missing.stderr, /nothing/);
        const archive = join(config, 'box.tar');
        await good('save', '-o', archive, name);
        await good('rmi', name);
        assert.match(await good('load', '-i', archive), new RegExp(`Loaded image: ${name}`));
        const id = (await good('import', '-c', 'CMD ["x"]', archive, 'made:1')).trim();
        assert.match(id, /^sha256:[0-9a-f]{64}$/);
        assert.equal(await good('image', 'inspect', '-f', '{{.Id}} {{.Config.Cmd}}', 'made:1'), `${id} [x]\n`);
        assert.match(await good('history', '--format', '{{.Comment}}', 'made:1'), /Imported from -/);
        assert.match(await good('rmi', 'made:1'), /Deleted: /);
        assert.match((await run('rmi', 'made:1')).stderr, /No such image: made:1/);
        assert.match(await good('image', 'prune', '-f'), /Total reclaimed space/);
        await good('system', 'df', '-v');
        assert.match(await readFile(join(config, 'config.json'), 'utf8'), /auths/);
        assert.equal(
          logged.some((line) => line.includes('secret')),
          false,
        );
      },
      { images: store.images },
    );
  } finally {
    await rm(config, { recursive: true });
  }
});
