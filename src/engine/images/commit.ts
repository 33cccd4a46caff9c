/** `commit`: an image on top of one that the store has: its layers, one more, another configuration. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { unavailable } from '../../errors.ts';
import { endOfArchive } from '../../tar/header.ts';
import { diffIdsOf } from './config.ts';
import { copyIn, hostArchitecture, nameImage, type ImageContext } from './context.ts';
import { diskError } from './edit.ts';
import type { ImageConfig } from './layout.ts';
import { blobPath, finishLayout, startLayout } from './oci.ts';
import type { CommitOptions } from './port.ts';
import { familiar, normalized, parseNameAndTag, withDefaultTag } from './reference.ts';

interface Blob {
  digest: string;
  size: number;
}

/** Resolves with the ID and the familiar name, '' without one. */
export async function commitLayer(
  context: ImageContext,
  options: CommitOptions,
  signal: AbortSignal,
): Promise<{ id: string; name: string }> {
  const { repository, tag } = options;
  const reference = repository === '' ? undefined : withDefaultTag(parseNameAndTag(repository, tag));
  const base = baseOf(context, options.base);
  await using scratch = await context.editor.scratch();
  const directory = join(scratch.path, 'oci');
  await startLayout(directory);
  const path = join(scratch.path, 'layer.tar');
  const layer = await storeLayer(await options.layer(), path, signal);
  const isEmpty = layer.size === endOfArchive().length;
  if (!isEmpty) await rename(path, join(directory, blobPath(layer.digest)));
  const added = isEmpty ? [] : [layer];
  const config = configOf(base.config, options, added);
  // The layers that the store has are named only: skopeo looks for them there before it asks for their bytes.
  const id = await finishLayout(directory, config, [...base.layers, ...added]);
  await copyIn(
    context,
    `oci:${directory}`,
    id,
    added.map(({ digest }) => digest),
    { scratch: scratch.path, signal, what: 'cannot commit the container' },
  );
  context.publish('image', 'create', id, { name: id });
  if (reference === undefined) return { id, name: '' };
  await nameImage(context, id, [normalized(reference)]);
  const name = familiar(reference);
  context.publish('image', 'tag', id, { name });
  return { id, name };
}

function baseOf({ layout }: ImageContext, id: string): { config: ImageConfig; layers: Blob[] } {
  const snapshot = layout.snapshot();
  const image = snapshot.imageById.get(id.replace(/^sha256:/, ''));
  if (image === undefined) throw unavailable(`the container's image ${id} is gone from the image store: pull it again`);
  const config = layout.config(image);
  const chain = layout.chain(snapshot, image.layer).toReversed();
  const layers = diffIdsOf(config, "the container's image").map((digest, i) => ({
    digest,
    size: chain[i]?.['diff-size'] ?? 0,
  }));
  return { config, layers };
}

async function storeLayer(layer: AsyncIterable<Buffer>, path: string, signal: AbortSignal): Promise<Blob> {
  const hash = createHash('sha256');
  let size = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of layer) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  try {
    await pipeline(Readable.from(counted()), createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw diskError(error, path);
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

function configOf(base: ImageConfig, options: CommitOptions, added: readonly Blob[]): ImageConfig {
  const created = new Date().toISOString();
  const { author, comment, createdBy } = options;
  return {
    created,
    parent: options.base,
    ...(author === '' ? {} : { author }),
    ...(comment === '' ? {} : { comment }),
    architecture: base.architecture ?? hostArchitecture(),
    ...(base.variant === undefined ? {} : { variant: base.variant }),
    os: base.os ?? 'linux',
    config: options.config,
    rootfs: { type: 'layers', diff_ids: [...(base.rootfs?.diff_ids ?? []), ...added.map(({ digest }) => digest)] },
    history: [
      ...historyOf(base),
      {
        created,
        ...(author === '' ? {} : { author }),
        created_by: createdBy,
        ...(comment === '' ? {} : { comment }),
        ...(added.length === 0 ? { empty_layer: true } : {}),
      },
    ],
  };
}

/** An image without a history would give its first line to the layer that is added: each layer gets one. */
function historyOf({ history, rootfs, created }: ImageConfig): NonNullable<ImageConfig['history']> {
  if (history !== undefined) return history;
  return (rootfs?.diff_ids ?? []).map(() => (created === undefined ? {} : { created }));
}
