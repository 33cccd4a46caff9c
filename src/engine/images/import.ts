/** `import`: a root file system in a tar becomes an image of one layer. */
import { createHash } from 'node:crypto';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { storeArchive, TarFile } from './archive.ts';
import { applyChanges } from './changes.ts';
import { copyIn, hostArchitecture, nameImage } from './context.ts';
import type { ImageContext } from './context.ts';
import type { ImageConfig } from './layout.ts';
import { blobPath, finishLayout, startLayout } from './oci.ts';
import type { Progress } from './port.ts';
import { familiar, normalized, parseNameAndTag, withDefaultTag } from './reference.ts';

export interface ImportOptions {
  repository: string;
  tag: string;
  changes: string[];
  message: string;
}

export async function importArchive(
  context: ImageContext,
  input: Readable,
  options: ImportOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const reference =
    options.repository === '' ? undefined : withDefaultTag(parseNameAndTag(options.repository, options.tag));
  const defaults = applyChanges({}, options.changes);
  await using scratch = await context.editor.scratch();
  const path = join(scratch.path, 'layer.tar');
  const hash = createHash('sha256');
  await storeArchive(input, path, signal, (chunk) => hash.update(chunk));
  // Reads every header: what is no tar is refused before anything enters the store.
  await (await TarFile.open(path))[Symbol.asyncDispose]();
  const digest = `sha256:${hash.digest('hex')}`;
  const directory = join(scratch.path, 'oci');
  await startLayout(directory);
  await rename(path, join(directory, blobPath(digest)));
  const { size } = await stat(join(directory, blobPath(digest)));
  const created = new Date().toISOString();
  const config: ImageConfig = {
    created,
    architecture: hostArchitecture(),
    os: 'linux',
    config: defaults,
    rootfs: { type: 'layers', diff_ids: [digest] },
    history: [{ created, comment: options.message || 'Imported from -' }],
  };
  const id = await finishLayout(directory, config, [{ digest, size }]);
  await copyIn(context, `oci:${directory}`, id, [digest], {
    scratch: scratch.path,
    signal,
    what: 'cannot import the archive',
  });
  if (reference !== undefined) await nameImage(context, id, [normalized(reference)]);
  progress({ status: id });
  context.publish('image', 'import', id, { name: reference === undefined ? id : familiar(reference) });
  return id;
}
