/** OCI image layouts (image-spec image-layout.md) that Berth writes for skopeo to read. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageConfig } from './layout.ts';

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';
export const LAYOUT_FILE = '{"imageLayoutVersion":"1.0.0"}';

export interface Descriptor {
  mediaType: string;
  /** 'sha256:…' */
  digest: string;
  /** Bytes. */
  size: number;
  annotations?: Record<string, string>;
}

export const sha256 = (data: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(data).digest('hex')}`;

export const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** A manifest over layers that are not compressed, so that a layer's digest is its diff ID. */
export function manifestOf(
  config: { digest: string; size: number },
  layers: { digest: string; size: number }[],
): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.size },
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size })),
  });
}

export const indexOf = (manifests: readonly Descriptor[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests });

export async function startLayout(directory: string): Promise<void> {
  await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'oci-layout'), LAYOUT_FILE);
}

/** Finishes a layout whose layers are in place already. Returns the image ID. */
export async function finishLayout(
  directory: string,
  config: ImageConfig,
  layers: { digest: string; size: number }[],
): Promise<string> {
  const put = async (text: string): Promise<{ digest: string; size: number }> => {
    const digest = sha256(text);
    await writeFile(join(directory, blobPath(digest)), text);
    return { digest, size: Buffer.byteLength(text) };
  };
  const configBlob = await put(JSON.stringify(config));
  const manifest = await put(manifestOf(configBlob, layers));
  await writeFile(join(directory, 'index.json'), indexOf([{ mediaType: MANIFEST_TYPE, ...manifest }]));
  return configBlob.digest;
}
