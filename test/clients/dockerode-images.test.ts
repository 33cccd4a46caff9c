/** dockerode's calls of images, against a real registry: their progress is read by the client's own followProgress. */
import assert from 'node:assert/strict';
import { createReadStream, createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import Docker from 'dockerode';
import { scenarios } from '../compatibility/scenarios.ts';
import { startRegistryOn } from '../support/registry.ts';
import { importImage } from './support.ts';

interface Progress {
  status?: string;
  id?: string;
  stream?: string;
  error?: string;
  aux?: { ID?: string; Digest?: string };
}

/** Resolves with all messages; those that came before the end are seen by `each`. */
function followed(
  client: Docker,
  stream: NodeJS.ReadableStream,
  each: (message: Progress) => void = () => {},
): Promise<Progress[]> {
  return new Promise((resolve, reject) => {
    client.modem.followProgress(
      stream,
      (error: Error | null, output: Progress[]) => (error === null ? resolve(output) : reject(error)),
      each,
    );
  });
}

scenarios(
  { client: 'dockerode 5' },
  async (host) => {
    const [daemon, open, closed] = await Promise.all([
      host.startDaemon(),
      startRegistryOn(host),
      startRegistryOn(host, true, 5001),
    ]);
    await importImage(daemon, host, 'made:1', 'of one file');
    return {
      host,
      daemon,
      client: new Docker({ socketPath: daemon.socket, version: 'v1.52' }),
      registry: open.host,
      closed: closed.host,
      async [Symbol.asyncDispose]() {
        await Promise.all([open[Symbol.asyncDispose](), closed[Symbol.asyncDispose]()]);
      },
    };
  },
  {
    'images: list, inspect, tag, history, remove': async ({ client }) => {
      const image = client.getImage('made:1');
      await image.tag({ repo: 'also/made', tag: '2' });
      const listed = await client.listImages({ filters: { reference: ['also/*'] } });
      assert.deepEqual(listed[0]?.RepoTags, ['also/made:2']);
      const { Id, Os, RootFS } = await image.inspect();
      assert.deepEqual([Id, Os, RootFS.Layers?.length], [listed[0]?.Id, 'linux', 1]);
      assert.equal(((await image.history()) as { Id: string }[])[0]?.Id, Id);
      assert.deepEqual(await client.getImage('also/made:2').remove(), [{ Untagged: 'also/made:2' }]);
      await assert.rejects(client.getImage('also/made:2').inspect(), { statusCode: 404, reason: 'no such image' });
    },
    'push and pull, followed by followProgress': async ({ client, registry }) => {
      const name = `${registry}/made`;
      await client.getImage('made:1').tag({ repo: name, tag: '1' });
      const pushed = await followed(client, await client.getImage(name).push({ tag: '1' }));
      const digest = pushed.find(({ aux }) => aux?.Digest !== undefined)?.aux?.Digest ?? '';
      assert.match(digest, /^sha256:/);
      await client.getImage(`${name}:1`).remove();
      await client.getImage('made:1').remove();

      const seen: Progress[] = [];
      const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
        client.pull(`${name}:1`, {}, (error, result) =>
          error === null && result ? resolve(result) : reject(error as Error),
        );
      });
      const pulled = await followed(client, stream, (message) => seen.push(message));
      assert.deepEqual(seen, pulled);
      assert.equal(pulled.at(-1)?.status, `Status: Downloaded newer image for ${name}:1`);
      assert.ok(pulled.some(({ status, id }) => status === 'Pull complete' && id !== undefined));
      assert.deepEqual((await client.getImage(`${name}:1`).inspect()).RepoDigests, [`${name}@${digest}`]);
      const again = await followed(client, await client.createImage({ fromImage: name, tag: '1' }));
      assert.equal(again.at(-1)?.status, `Status: Image is up to date for ${name}:1`);
    },
    'checkAuth; push and pull with an authconfig': async ({ client, closed }) => {
      const authconfig = { username: 'u', password: 'secret', serveraddress: closed };
      const wrong = { ...authconfig, password: 'wrong' };
      assert.equal(((await client.checkAuth(authconfig)) as { Status: string }).Status, 'Login Succeeded');
      await assert.rejects(client.checkAuth(wrong), { statusCode: 401 });
      const name = `${closed}/private`;
      await client.createImage({ fromImage: 'busybox', tag: 'latest' });
      await client.getImage('busybox').tag({ repo: name, tag: '1' });
      const push = async (auth: object): Promise<Progress | undefined> =>
        (await followed(client, await client.getImage(name).push({ tag: '1', authconfig: auth }))).at(-1);
      assert.match((await push(wrong))?.error ?? '', /unauthorized|denied/);
      assert.equal((await push(authconfig))?.error, undefined);
      await client.getImage(`${name}:1`).remove();
      await assert.rejects(client.pull(`${name}:1`, { authconfig: wrong }), { statusCode: 404, message: /denied/ });
      await followed(client, await client.pull(`${name}:1`, { authconfig }));
      await client.getImage(`${name}:1`).remove();
    },
    'pull: what is not there, what is no name, and a registry that is none': async ({ client, registry }) => {
      await assert.rejects(client.pull(`${registry}/none:1`), { statusCode: 404, message: /manifest unknown/ });
      await assert.rejects(client.pull('UPPER:1'), { statusCode: 400, message: /must be lowercase/ });
      await assert.rejects(client.pull('127.0.0.1:9/x:1'), { statusCode: 500, message: /connection refused/ });
      // The client leaves it to the caller to look for errors in the midst of a stream.
      const pushed = await followed(client, await client.getImage(`${registry}/made`).push({ tag: 'no' }));
      assert.match(pushed.at(-1)?.error ?? '', /tag does not exist/);
    },
    'get (save), load, import': async ({ client, host, registry }) => {
      const archive = join(host.root, 'saved.tar');
      await pipeline(await client.getImage(`${registry}/made:1`).get(), createWriteStream(archive));
      await client.getImage(`${registry}/made:1`).remove();
      const loaded = await followed(client, await client.loadImage(archive));
      assert.equal(loaded.at(-1)?.stream, `Loaded image: ${registry}/made:1\n`);
      const quiet = await followed(client, await client.loadImage(createReadStream(archive), { quiet: true }));
      assert.equal(quiet.at(-1)?.stream, `Loaded image: ${registry}/made:1\n`);

      writeFileSync(join(host.root, 'hello'), 'hello');
      await host.run('tar', '-C', host.root, '-cf', `${host.root}/root.tar`, 'hello');
      const imported = await followed(client, await client.importImage(`${host.root}/root.tar`, { repo: 'imported' }));
      assert.match(imported.at(-1)?.status ?? '', /^sha256:[0-9a-f]{64}$/);
      assert.equal((await client.getImage('imported').inspect()).Id, imported.at(-1)?.status);
    },
    'prune of images': async ({ client }) => {
      await client.getImage('imported').remove({ force: true, noprune: true });
      const { ImagesDeleted } = await client.pruneImages({ filters: { dangling: { false: true } } });
      assert.ok((ImagesDeleted ?? []).length > 0);
      assert.deepEqual(await client.listImages({ filters: { reference: ['*made*'] } }), []);
    },
    buildImage: async ({ client, host }) => {
      writeFileSync(join(host.root, 'Dockerfile'), 'FROM busybox\n');
      let refused = '';
      await client.buildImage({ context: host.root, src: ['Dockerfile'] }, { t: 'built' }).then(
        () => assert.fail('built'),
        (error: { statusCode: number; json?: Buffer; message: string }) => {
          assert.equal(error.statusCode, 501);
          refused = error.message;
        },
      );
      assert.match(refused, /buildah/);
      return { refused: 'berth does not build images; use Buildah' };
    },
    searchImages: async ({ client }) => {
      await assert.rejects(client.searchImages({ term: 'node' }), { statusCode: 501, message: /skopeo list-tags/ });
      return { refused: 'berth does not search registries; use: skopeo list-tags' };
    },
  },
);
