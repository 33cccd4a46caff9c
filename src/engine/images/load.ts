/** `load`: Docker's archives (manifest.json) and OCI's (index.json). skopeo reads and unpacks; Berth only indexes. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { invalidParameter } from '../../errors.ts';
import { diffIdsOf } from './config.ts';
import { storeArchive, TarFile } from './archive.ts';
import { copyIn, eventName, hostArchitecture, nameImage } from './context.ts';
import type { ImageContext } from './context.ts';
import type { ImageConfig } from './layout.ts';
import { blobPath, indexOf, sha256, startLayout } from './oci.ts';
import type { Descriptor } from './oci.ts';
import type { Progress } from './port.ts';
import { familiar, isDigest, normalized, parseReference, tryParse, withDefaultTag } from './reference.ts';
import { choose, parseManifest } from './registry.ts';

const MOST_IMAGES = 1000;

interface Loading {
  context: ImageContext;
  scratch: string;
  archivePath: string;
  archive: TarFile;
  signal: AbortSignal;
  progress: Progress;
}

export async function load(
  context: ImageContext,
  input: Readable,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  await using scratch = await context.editor.scratch();
  const archivePath = join(scratch.path, 'archive.tar');
  await storeArchive(input, archivePath, signal);
  await using archive = await TarFile.open(archivePath);
  const loading: Loading = { context, scratch: scratch.path, archivePath, archive, signal, progress };
  const docker = await archive.json('manifest.json');
  if (Array.isArray(docker)) return await loadDocker(loading, docker);
  const oci = await archive.json('index.json');
  if (typeof oci === 'object' && oci !== null) return await loadOci(loading, oci);
  throw invalidParameter(
    'invalid archive: it has neither a manifest.json (docker save) nor an index.json (OCI layout)',
  );
}

function configOf(bytes: Buffer): ImageConfig {
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Said below.
  }
  throw invalidParameter("invalid archive: an image's configuration is not valid JSON");
}

async function finish(loading: Loading, id: string, names: readonly string[]): Promise<void> {
  const { context, progress } = loading;
  await nameImage(context, id, names);
  for (const name of names) progress({ stream: `Loaded image: ${familiar(parseReference(name))}\n` });
  if (names.length === 0) progress({ stream: `Loaded image ID: ${id}\n` });
  context.publish('image', 'load', id, { name: eventName(names, id) });
}

async function loadDocker(loading: Loading, entries: unknown[]): Promise<void> {
  const { context, archive } = loading;
  if (entries.length > MOST_IMAGES) throw invalidParameter(`invalid archive: more than ${MOST_IMAGES} images`);
  // Everything is checked before the first image enters the store.
  const images = await Promise.all(
    entries.map(async (entry) => {
      const { Config, RepoTags } = (entry ?? {}) as { Config?: unknown; RepoTags?: unknown };
      const bytes = typeof Config === 'string' ? await archive.text(Config) : undefined;
      if (bytes === undefined) throw invalidParameter('invalid archive: manifest.json names a missing configuration');
      const tags = Array.isArray(RepoTags) ? RepoTags.map(String) : [];
      return {
        id: sha256(bytes),
        diffIds: diffIdsOf(configOf(bytes), 'invalid archive'),
        names: tags.map((tag) => normalized(withDefaultTag(parseReference(tag)))),
      };
    }),
  );
  for (const [i, { id, diffIds, names }] of images.entries()) {
    await copyIn(context, `docker-archive:${loading.archivePath}:@${i}`, id, diffIds, {
      scratch: loading.scratch,
      signal: loading.signal,
      what: 'cannot load the image',
    });
    await finish(loading, id, names);
  }
}

/** What an entry of index.json says about itself. */
interface IndexEntry {
  descriptor: Descriptor;
  names: string[];
}

function indexEntries(index: object): IndexEntry[] {
  const manifests = 'manifests' in index && Array.isArray(index.manifests) ? (index.manifests as unknown[]) : [];
  if (manifests.length > MOST_IMAGES) throw invalidParameter(`invalid archive: more than ${MOST_IMAGES} images`);
  const byDigest = new Map<string, IndexEntry>();
  for (const item of manifests) {
    const { mediaType, digest, size, annotations } = (item ?? {}) as Partial<Descriptor>;
    if (typeof digest !== 'string' || !isDigest(digest) || typeof mediaType !== 'string') {
      throw invalidParameter('invalid archive: index.json names a manifest without a valid digest');
    }
    const notes = annotations ?? {};
    const full = notes['io.containerd.image.name'];
    const ref = notes['org.opencontainers.image.ref.name'];
    // A bare 'latest' names no repository.
    const name = full ?? (ref !== undefined && /[:/]/.test(ref) ? ref : undefined);
    const reference = typeof name === 'string' ? tryParse(name) : undefined;
    const entry = byDigest.get(digest) ?? { descriptor: { mediaType, digest, size: Number(size) }, names: [] };
    if (reference !== undefined) entry.names.push(normalized(withDefaultTag(reference)));
    byDigest.set(digest, entry);
  }
  return [...byDigest.values()];
}

async function loadOci(loading: Loading, index: object): Promise<void> {
  const { archive, context } = loading;
  const directory = join(loading.scratch, 'oci');
  await startLayout(directory);
  await mkdir(join(directory, 'blobs', 'sha512'), { mode: 0o700 });
  const entries = indexEntries(index);
  if (entries.length === 0) throw invalidParameter('invalid archive: index.json names no image');
  // Blobs only, under the names that their digests give: no path of the archive's own reaches the disk.
  for (const name of archive.names()) {
    if (/^blobs\/(?:sha256\/[0-9a-f]{64}|sha512\/[0-9a-f]{128})$/.test(name)) {
      await archive.extract(name, join(directory, name), loading.signal);
    }
  }
  for (const { descriptor, names } of entries) {
    const image = await imageManifest(archive, descriptor);
    const bytes = await archive.text(blobPath(image.configDigest));
    if (bytes === undefined) throw invalidParameter('invalid archive: the configuration of an image is missing');
    await rm(join(directory, 'index.json'), { force: true });
    await writeFile(join(directory, 'index.json'), indexOf([image.descriptor]), { mode: 0o600 });
    const diffIds = diffIdsOf(configOf(bytes), 'invalid archive');
    await copyIn(context, `oci:${directory}`, image.configDigest, diffIds, {
      scratch: loading.scratch,
      signal: loading.signal,
      what: 'cannot load the image',
    });
    await finish(loading, image.configDigest, names);
  }
}

/** Follows a list to the manifest for this machine. */
async function imageManifest(
  archive: TarFile,
  descriptor: Descriptor,
): Promise<{ descriptor: Descriptor; configDigest: string }> {
  const read = async (digest: string): Promise<{ text: string; manifest: ReturnType<typeof parseManifest> }> => {
    const text = isDigest(digest) ? await archive.text(blobPath(digest)) : undefined;
    if (text === undefined) throw invalidParameter(`invalid archive: manifest ${digest} is missing`);
    try {
      return { text: text.toString(), manifest: parseManifest(text.toString()) };
    } catch (error) {
      throw invalidParameter(`invalid archive: manifest ${digest} is not valid JSON`, error);
    }
  };
  let { digest, mediaType } = descriptor;
  let { text, manifest } = await read(digest);
  if (manifest.manifests.length > 0) {
    const chosen =
      choose(manifest, { os: 'linux', architecture: hostArchitecture(), variant: '' }) ?? manifest.manifests[0];
    digest = chosen?.digest ?? '';
    ({ text, manifest } = await read(digest));
    mediaType = (JSON.parse(text) as { mediaType?: string }).mediaType ?? 'application/vnd.oci.image.manifest.v1+json';
  }
  if (manifest.configDigest === undefined || !isDigest(manifest.configDigest)) {
    throw invalidParameter(`invalid archive: manifest ${digest} names no configuration`);
  }
  return { descriptor: { mediaType, digest, size: Buffer.byteLength(text) }, configDigest: manifest.configDigest };
}
