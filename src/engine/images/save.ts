/**
 * `save`: one tar that is an OCI layout and Docker's own format at once, so that docker, podman and skopeo read it.
 * skopeo puts the layers together again (tar-split) in a private directory; the tar is streamed from there.
 */
import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { invalidParameter } from '../../errors.ts';
import { diffIdsOf } from './config.ts';
import { eventName, lookup, storedId } from './context.ts';
import type { ImageContext } from './context.ts';
import type { ImageEntry } from './layout.ts';
import { noSuchImage } from './lookup.ts';
import { blobPath, indexOf, LAYOUT_FILE, MANIFEST_TYPE, manifestOf, sha256 } from './oci.ts';
import type { Descriptor } from './oci.ts';
import { familiar, familiarRepository, normalized, repositoryOf, tryParse } from './reference.ts';
import type { Reference } from './reference.ts';
import { localFailure, skopeo } from './skopeo.ts';
import { encodeHeader, endOfArchive, padding } from '../../tar/header.ts';

interface Chosen {
  image: ImageEntry;
  /** Normalized names under which it is saved. */
  names: Set<string>;
}

/** An ID saves the image without a name, a repository all its tags, a name with tag that one. */
function chooseImages(context: ImageContext, refs: readonly string[]): Chosen[] {
  const chosen = new Map<string, Chosen>();
  const take = (image: ImageEntry, name: string | undefined): void => {
    const entry = chosen.get(image.id) ?? { image, names: new Set<string>() };
    if (name !== undefined) entry.names.add(name);
    chosen.set(image.id, entry);
  };
  for (const ref of refs) {
    const given = tryParse(ref);
    const all =
      given !== undefined && given.tag === undefined && given.digest === undefined ? tagsOf(context, given) : [];
    for (const [name, image] of all) take(image, name);
    if (all.length > 0) continue;
    const found = lookup(context, ref);
    take(found.image, found.by.id || found.by.name.includes('@') || found.by.name === '' ? undefined : found.by.name);
  }
  return [...chosen.values()];
}

function tagsOf(context: ImageContext, given: Reference): [string, ImageEntry][] {
  return [...context.layout.snapshot().imageByName].filter(([name]) => {
    const other = tryParse(name);
    return other !== undefined && other.digest === undefined && repositoryOf(other) === repositoryOf(given);
  });
}

type Part = { name: string; text: Buffer } | { name: string; file: string; size: number };

/** Documents and layers of the archive, in order. */
async function partsOf(
  context: ImageContext,
  chosen: readonly Chosen[],
  scratch: string,
  signal: AbortSignal,
): Promise<Part[]> {
  const parts = new Map<string, Part>();
  const put = (text: string | Buffer): { digest: string; size: number } => {
    const bytes = Buffer.from(text);
    const digest = sha256(bytes);
    parts.set(digest, { name: blobPath(digest), text: bytes });
    return { digest, size: bytes.length };
  };
  const manifests: Descriptor[] = [];
  const docker: object[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, names } of chosen) {
    const what = `cannot save image ${image.id.slice(0, 12)}`;
    const diffIds = diffIdsOf(context.layout.config(image), what);
    const directory = join(scratch, image.id);
    await mkdir(directory, { mode: 0o700 });
    try {
      await skopeo(['copy', '--quiet', storedId(context, image.id), `dir:${directory}`], { scratch, signal });
    } catch (error) {
      throw localFailure(error, what, scratch);
    }
    const layers: { digest: string; size: number }[] = [];
    for (const digest of diffIds) {
      const file = join(directory, digest.replace(/^sha256:/, ''));
      const { size } = await stat(file).catch((error: unknown) => {
        throw invalidParameter(`${what}: its configuration names a layer that it does not have`, error);
      });
      layers.push({ digest, size });
      parts.set(digest, { name: blobPath(digest), file, size });
    }
    const config = put(context.layout.configBytes(image));
    const manifest = put(manifestOf(config, layers));
    const tags = [...names].flatMap((name) => tryParse(name) ?? []);
    for (const tag of tags) {
      const annotations = {
        'io.containerd.image.name': normalized(tag),
        'org.opencontainers.image.ref.name': tag.tag ?? 'latest',
      };
      manifests.push({ mediaType: MANIFEST_TYPE, ...manifest, annotations });
      const top = diffIds.at(-1)?.replace(/^sha256:/, '') ?? '';
      (repositories[familiarRepository(tag)] ??= {})[tag.tag ?? 'latest'] = top;
    }
    if (tags.length === 0) manifests.push({ mediaType: MANIFEST_TYPE, ...manifest });
    docker.push({
      Config: blobPath(config.digest),
      RepoTags: tags.length === 0 ? null : tags.map(familiar),
      Layers: diffIds.map(blobPath),
    });
  }
  const document = (name: string, text: string): Part => ({ name, text: Buffer.from(text) });
  return [
    ...parts.values(),
    document('index.json', indexOf(manifests)),
    document('manifest.json', JSON.stringify(docker)),
    document('oci-layout', LAYOUT_FILE),
    document('repositories', JSON.stringify(repositories)),
  ];
}

async function* tarOf(parts: readonly Part[]): AsyncGenerator<Buffer> {
  for (const name of ['blobs/', 'blobs/sha256/']) yield encodeHeader({ name, type: '5', mode: 0o755 });
  for (const part of parts) {
    const size = 'text' in part ? part.text.length : part.size;
    yield encodeHeader({ name: part.name, size });
    if ('text' in part) yield part.text;
    else yield* createReadStream(part.file, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>;
    yield padding(size);
  }
  yield endOfArchive();
}

/** The temporary files go when the stream ends, fails or is destroyed, and when `signal` is aborted. */
export async function save(context: ImageContext, refs: readonly string[], signal: AbortSignal): Promise<Readable> {
  const chosen = chooseImages(context, refs);
  if (chosen.length === 0) throw noSuchImage(refs[0] ?? '');
  const scratch = await context.editor.scratch();
  try {
    const parts = await partsOf(context, chosen, scratch.path, signal);
    signal.throwIfAborted();
    const stream = Readable.from(tarOf(parts), { objectMode: false });
    const abort = (): void => void stream.destroy(new Error('aborted'));
    signal.addEventListener('abort', abort);
    stream.once('close', () => {
      signal.removeEventListener('abort', abort);
      scratch[Symbol.asyncDispose]().catch((error: unknown) => {
        context.log.warn('temporary files of save are left', { path: scratch.path, error: String(error) });
      });
    });
    for (const { image, names } of chosen) {
      const id = context.layout.idOf(image);
      context.publish('image', 'save', id, { name: eventName([...names], id) });
    }
    return stream;
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}
