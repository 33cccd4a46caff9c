/** What a container changed as a layer of an image (OCI image-spec layer.md): a tar with marks for what is gone. */
import { posix } from 'node:path';
import { changes, LAYERS } from './changes.ts';
import type { Output } from './channel.ts';
import { codeOf } from './bytes.ts';
import { Packer } from './pack.ts';

/** '<directory>/.wh.<name>': the name is gone. */
const GONE = '.wh.';
/** In a directory: nothing of the one below is in it. */
const OPAQUE = '.wh..wh..opq';

/** An archive without entries when nothing changed. */
export function writeLayer(output: Output, own: readonly string[]): void {
  const packer = new Packer(output);
  for (const { kind, path, stat, opaque } of changes(LAYERS, own, false)) {
    const name = path.slice(1);
    if (kind === 'deleted' || stat === undefined) {
      const directory = posix.dirname(name);
      packer.addMark(`${directory === '.' ? '' : `${directory}/`}${GONE}${posix.basename(name)}`);
      continue;
    }
    try {
      packer.add(name, LAYERS.upper + path, stat);
    } catch (error) {
      // Gone since it was seen, where the container runs on.
      if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(codeOf(error))) throw error;
      continue;
    }
    if (opaque) packer.addMark(`${name}/${OPAQUE}`);
  }
  packer.end();
}
