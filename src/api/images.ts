/** /images. */
import { once } from 'node:events';
import { invalidParameter, notImplemented } from '../errors.ts';
import type { Images } from '../engine/images/port.ts';
import { authHeader } from './decode/registry.ts';
import type { Exchange } from './exchange.ts';
import { withProgress } from './progress.ts';
import type { Route } from './router.ts';
import { sendStream } from './send-stream.ts';
import { imageInspectShape, imageShape } from './shapes.ts';
import { versionRead } from './versions.ts';

const LIST_FILTERS = new Set(['before', 'dangling', 'label', 'label!', 'reference', 'since', 'until']);
const PRUNE_FILTERS = new Set(['dangling', 'label', 'label!', 'until']);

const credentials = (x: Exchange): ReturnType<typeof authHeader> => authHeader(x.request.headers['x-registry-auth']);

async function pull(images: Images, x: Exchange): Promise<void> {
  const auth = credentials(x);
  const tag = x.query.string('tag');
  // No tag means every tag: the CLIs send 'latest' when that is meant.
  const options = { name: x.query.string('fromImage'), tag, allTags: tag === '', platform: x.query.string('platform') };
  await withProgress(x, {}, (progress) => images.pull({ ...options, auth }, progress, x.signal));
}

async function importImage(images: Images, x: Exchange): Promise<void> {
  const source = x.query.string('fromSrc');
  if (source !== '-') {
    throw notImplemented(
      `berth does not download root file systems: fetch ${JSON.stringify(source)} yourself and send it (fromSrc=-)`,
    );
  }
  const options = {
    repository: x.query.string('repo'),
    tag: x.query.string('tag'),
    changes: x.query.strings('changes'),
    message: x.query.string('message'),
  };
  await withProgress(x, {}, async (progress) => {
    await images.importArchive(x.request, options, progress, x.signal);
  });
}

async function save(images: Images, x: Exchange, refs: string[]): Promise<void> {
  if (refs.length === 0) throw invalidParameter('no image is named: give at least one in "names"');
  const archive = await images.save(refs, x.signal);
  // The head goes out with the first bytes, so that an image that cannot be read still gets its status.
  if (!archive.readableEnded && archive.readableLength === 0) await once(archive, 'readable', { signal: x.signal });
  await sendStream(x, archive, 'application/x-tar');
}

export function imageRoutes(images: Images): Route[] {
  return [
    {
      method: 'GET',
      path: '/images/json',
      async handle(x) {
        const filters = x.query.filters(LIST_FILTERS);
        const list = await images.list({ all: x.query.bool('all'), digests: x.query.bool('digests'), filters });
        x.json(
          200,
          list.map((image) => imageShape(image, x.version)),
        );
      },
    },
    {
      method: 'POST',
      path: '/images/create',
      async handle(x) {
        if (x.query.string('fromImage') !== '') return pull(images, x);
        if (x.query.string('fromSrc') !== '') return importImage(images, x);
        throw invalidParameter('nothing to create an image from: give fromImage or fromSrc');
      },
    },
    {
      method: 'POST',
      path: '/images/load',
      async handle(x) {
        const quiet = x.query.bool('quiet');
        await withProgress(x, { quiet }, (progress) => images.load(x.request, progress, x.signal));
      },
    },
    {
      method: 'POST',
      path: '/images/prune',
      async handle(x) {
        x.json(200, await images.prune(x.query.filters(PRUNE_FILTERS)));
      },
    },
    {
      method: 'GET',
      path: '/images/search',
      handle() {
        throw notImplemented('berth does not search registries; use: skopeo list-tags docker://REGISTRY/NAME');
      },
    },
    {
      method: 'GET',
      path: '/distribution/{name*}/json',
      async handle(x) {
        x.json(200, await images.distribution(x.param('name'), credentials(x), x.signal));
      },
    },
    { method: 'GET', path: '/images/get', handle: (x) => save(images, x, x.query.strings('names')) },
    { method: 'GET', path: '/images/{name*}/get', handle: (x) => save(images, x, [x.param('name')]) },
    {
      method: 'GET',
      path: '/images/{name*}/json',
      async handle(x) {
        const image = await images.inspect(x.param('name'));
        x.json(200, imageInspectShape(image, versionRead(x.version, x.request.headers['user-agent'])));
      },
    },
    {
      method: 'GET',
      path: '/images/{name*}/history',
      async handle(x) {
        x.json(200, await images.history(x.param('name')));
      },
    },
    {
      method: 'POST',
      path: '/images/{name*}/push',
      async handle(x) {
        const options = { name: x.param('name'), tag: x.query.string('tag'), auth: credentials(x) };
        await withProgress(x, {}, (progress) => images.push(options, progress, x.signal));
      },
    },
    {
      method: 'POST',
      path: '/images/{name*}/tag',
      async handle(x) {
        await images.tag(x.param('name'), x.query.string('repo'), x.query.string('tag'));
        x.empty(201);
      },
    },
    {
      method: 'DELETE',
      path: '/images/{name*}',
      async handle(x) {
        const options = { force: x.query.bool('force'), noPrune: x.query.bool('noprune') };
        x.json(200, await images.remove(x.param('name'), options));
      },
    },
  ];
}
