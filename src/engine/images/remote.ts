/** What a registry says about an image, asked through skopeo. */
import { system } from '../../errors.ts';
import type { ImageContext } from './context.ts';
import type { ImageConfig } from './layout.ts';
import type { RegistryAuth } from './port.ts';
import { familiar } from './reference.ts';
import type { Reference } from './reference.ts';
import { parseManifest, sourcesOf } from './registry.ts';
import type { ParsedManifest, Source } from './registry.ts';
import { pullError } from './registry-errors.ts';
import { skopeo, SkopeoError, writeAuthFile } from './skopeo.ts';

/** Who asks, and where the temporary files go. */
export interface Access {
  context: ImageContext;
  scratch: string;
  auth: RegistryAuth | undefined;
  signal: AbortSignal;
}

/** ':tag' or '@digest'. */
export const suffixOf = ({ digest, tag }: Reference): string =>
  digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`;

/** Tries the mirrors, then the registry; the registry's own error is the one that counts. Mirrors get no credentials. */
export async function fromFirst<T>(
  access: Access,
  reference: Reference,
  ask: (source: Source, authFile: string) => Promise<T>,
): Promise<T> {
  const { context, scratch, signal } = access;
  let last: unknown;
  for (const source of sourcesOf(reference, context.registryMirrors, context.insecureRegistries)) {
    try {
      return await ask(source, await writeAuthFile(scratch, reference.domain, source.mirror ? undefined : access.auth));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SkopeoError)) throw error;
      last = pullError(error.message, reference);
      if (source.mirror) context.log.warn('a registry mirror failed', { mirror: source.url, error: error.message });
    }
  }
  throw last;
}

const inspect = async (
  { scratch, signal }: Access,
  { tlsVerify, url }: Source,
  authFile: string,
  what: readonly string[],
  suffix: string,
): Promise<string> => {
  const flags = ['--raw', '--authfile', authFile, `--tls-verify=${tlsVerify}`];
  return (await skopeo(['inspect', ...what, ...flags, url + suffix], { scratch, signal })).toString();
};

/** The bytes of a manifest or list; its digest is that of these. */
export const inspectRaw = (access: Access, source: Source, authFile: string, suffix: string): Promise<string> =>
  inspect(access, source, authFile, [], suffix);

/** Of an image that is no list. */
export async function inspectConfig(
  access: Access,
  source: Source,
  authFile: string,
  suffix: string,
): Promise<ImageConfig> {
  return JSON.parse(await inspect(access, source, authFile, ['--config'], suffix)) as ImageConfig;
}

export function readManifest(raw: string, reference: Reference): ParsedManifest {
  try {
    return parseManifest(raw);
  } catch (error) {
    throw system(`the registry sent an unreadable manifest for ${familiar(reference)}`, error);
  }
}
