/** `GET /distribution/{name}/json`: what a registry has under a name, without fetching it. */
import type { Json } from '../../model/json.ts';
import type { ImageContext } from './context.ts';
import { sha256 } from './oci.ts';
import type { RegistryAuth } from './port.ts';
import { parseNameAndTag, withDefaultTag } from './reference.ts';
import { fromFirst, inspectConfig, inspectRaw, readManifest, suffixOf, type Access } from './remote.ts';

const OCI = 'application/vnd.oci.image';

const platform = (os = '', architecture = '', variant = ''): Json => ({
  architecture,
  os,
  ...(variant === '' ? {} : { variant }),
});

/** The API's DistributionInspect. */
export async function distribution(
  context: ImageContext,
  name: string,
  auth: RegistryAuth | undefined,
  signal: AbortSignal,
): Promise<Json> {
  const reference = withDefaultTag(parseNameAndTag(name, ''));
  await using scratch = await context.editor.scratch();
  const access: Access = { context, scratch: scratch.path, auth, signal };
  return fromFirst(access, reference, async (source, authFile) => {
    const suffix = suffixOf(reference);
    const raw = await inspectRaw(access, source, authFile, suffix);
    const { manifests, mediaType } = readManifest(raw, reference);
    const list = manifests.length > 0;
    const own = list ? undefined : await inspectConfig(access, source, authFile, suffix);
    return {
      Descriptor: {
        mediaType: mediaType ?? `${OCI}.${list ? 'index' : 'manifest'}.v1+json`,
        digest: sha256(raw),
        size: Buffer.byteLength(raw),
      },
      Platforms: list
        ? manifests.map(({ os, architecture, variant }) => platform(os, architecture, variant))
        : [platform(own?.os, own?.architecture, own?.variant)],
    };
  });
}
