/** Pushes through skopeo, with Docker's lines. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { notFound } from '../../errors.ts';
import { openFilesBelow } from '../../linux/open-files.ts';
import { storedId } from './context.ts';
import type { ImageContext } from './context.ts';
import type { ImageEntry } from './layout.ts';
import type { Progress, RegistryAuth } from './port.ts';
import type { BlobSize } from './progress.ts';
import { PushProgress } from './push-progress.ts';
import { familiar, familiarRepository, normalized, parseNameAndTag, repositoryOf, tryParse } from './reference.ts';
import type { Reference } from './reference.ts';
import { isInsecure } from './registry.ts';
import { pushError } from './registry-errors.ts';
import { skopeo, SkopeoError, writeAuthFile } from './skopeo.ts';

export interface PushOptions {
  name: string;
  /** '' for every tag of the repository that the store has. */
  tag: string;
  auth: RegistryAuth | undefined;
}

export async function push(
  context: ImageContext,
  options: PushOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const named = parseNameAndTag(options.name, options.tag);
  const all = tagsOf(context, named);
  const references = named.tag === undefined ? all : [{ ...named, digest: undefined }];
  progress({ status: `The push refers to repository [${repositoryOf(named)}]` });
  if (all.length === 0) {
    throw notFound(`An image does not exist locally with the tag: ${familiarRepository(named)}`);
  }
  await using scratch = await context.editor.scratch();
  const authFile = await writeAuthFile(scratch.path, named.domain, options.auth);
  for (const reference of references)
    await pushOne(context, reference, { authFile, scratch: scratch.path, signal, progress });
}

function tagsOf(context: ImageContext, named: Reference): Reference[] {
  const names = [...context.layout.snapshot().imageByName.keys()];
  return names
    .flatMap((name) => tryParse(name) ?? [])
    .filter((other) => other.digest === undefined && repositoryOf(other) === repositoryOf(named));
}

/** Uncompressed, the lowest first. */
function layersOf({ layout }: ImageContext, image: ImageEntry): BlobSize[] {
  const sizes = layout
    .chain(layout.snapshot(), image.layer)
    .flatMap((layer) =>
      layer['diff-digest'] === undefined ? [] : ([[layer['diff-digest'], layer['diff-size'] ?? 0]] as const),
    );
  const sizeOf = new Map(sizes);
  const digests = new Set(layout.config(image).rootfs?.diff_ids ?? []);
  return [...digests].map((digest) => ({ digest, size: sizeOf.get(digest) ?? 0 }));
}

/** Between two looks at the files that are being sent, in ms. */
const LOOK_AGAIN = 150;

/** skopeo writes each layer to a file of its own below `scratch`, without a name, and sends it from there. */
async function look(pid: number | undefined, scratch: string, shown: PushProgress): Promise<void> {
  if (pid !== undefined) shown.files(await openFilesBelow(pid, scratch));
}

interface PushRun {
  authFile: string;
  scratch: string;
  signal: AbortSignal;
  progress: Progress;
}

async function pushOne(context: ImageContext, reference: Reference, run: PushRun): Promise<void> {
  const { progress } = run;
  const image = context.layout.snapshot().imageByName.get(normalized(reference));
  if (image === undefined) {
    throw notFound(`tag does not exist: ${familiar(reference)}`);
  }
  const shown = new PushProgress(layersOf(context, image), progress);
  const digestFile = join(run.scratch, 'digest');
  let pid: number | undefined;
  const watching = setInterval(() => void look(pid, run.scratch, shown), LOOK_AGAIN);
  try {
    await skopeo(
      [
        'copy',
        '--digestfile',
        digestFile,
        '--dest-authfile',
        run.authFile,
        `--dest-tls-verify=${!isInsecure(reference.domain, context.insecureRegistries)}`,
        storedId(context, image.id),
        `docker://${normalized(reference)}`,
      ],
      {
        scratch: run.scratch,
        signal: run.signal,
        onLog: (line) => shown.line(line),
        onStart: (started) => (pid = started),
      },
    );
  } catch (error) {
    throw error instanceof SkopeoError ? pushError(error.message, reference) : error;
  } finally {
    clearInterval(watching);
  }
  shown.finish();
  const digest = (await readFile(digestFile, 'utf8')).trim();
  // The stored manifest differs from the pushed one by its layers' sizes and digests; their lengths are about the same.
  const { size } = await stat(context.layout.path('overlay-images', image.id, 'manifest'));
  progress({ status: `${reference.tag ?? 'latest'}: digest: ${digest} size: ${size}` });
  progress({ progressDetail: {}, aux: { Tag: reference.tag, Digest: digest, Size: size } });
  context.publish('image', 'push', familiar(reference), { name: familiarRepository(reference) });
}
