/** Pulls through skopeo: asks for the manifest first (early errors, sizes for the bars), then copies into the store. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidParameter, notFound } from '../../errors.ts';
import { openFilesBelow } from '../../linux/open-files.ts';
import { hostArchitecture, stored } from './context.ts';
import type { ImageContext } from './context.ts';
import { digestsOf } from './lookup.ts';
import { sha256 } from './oci.ts';
import type { Progress, RegistryAuth } from './port.ts';
import { PullProgress } from './progress.ts';
import { familiar, familiarRepository, normalized, parseNameAndTag, withDefaultTag } from './reference.ts';
import type { Reference } from './reference.ts';
import { choose, parsePlatform, showPlatform } from './registry.ts';
import type { ManifestLayer, Platform, Source } from './registry.ts';
import { pullError } from './registry-errors.ts';
import { fromFirst, inspectConfig, inspectRaw, readManifest, suffixOf, type Access } from './remote.ts';
import { skopeo, SkopeoError } from './skopeo.ts';

export interface PullOptions {
  name: string;
  tag: string;
  allTags?: boolean;
  auth: RegistryAuth | undefined;
  platform: string;
}

/** Between two looks at the growing files, in ms. */
const LOOK_AGAIN = 150;

interface Transfer extends Access {
  /** undefined for the machine's own. */
  platform: Platform | undefined;
  progress: Progress;
}

/** What a registry offers under a name. */
interface Offer {
  source: Source;
  authFile: string;
  /** Of the top manifest; undefined for Docker's schema 1. */
  digest: string | undefined;
  /** Of the manifest for the platform. */
  instanceDigest: string;
  layers: ManifestLayer[];
}

export async function pull(
  context: ImageContext,
  options: PullOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const named = parseNameAndTag(options.name, options.tag);
  const platform = options.platform === '' ? undefined : parsePlatform(options.platform, hostArchitecture());
  if (options.platform !== '' && platform === undefined) {
    throw invalidParameter(`"${options.platform}" is an invalid platform specifier`);
  }
  await using scratch = await context.editor.scratch();
  const transfer: Transfer = { context, scratch: scratch.path, auth: options.auth, platform, signal, progress };
  const every = options.allTags === true && named.tag === undefined && named.digest === undefined;
  const references = every ? await allTags(transfer, named) : [withDefaultTag(named)];
  for (const reference of references) await pullOne(transfer, reference);
}

async function allTags(transfer: Transfer, named: Reference): Promise<Reference[]> {
  const { scratch, signal } = transfer;
  const output = await fromFirst(transfer, named, (source, authFile) =>
    skopeo(['list-tags', '--authfile', authFile, `--tls-verify=${source.tlsVerify}`, source.url], { scratch, signal }),
  );
  const tags = (JSON.parse(output.toString()) as { Tags?: string[] }).Tags ?? [];
  return tags.map((tag) => parseNameAndTag(normalized(named), tag));
}

async function offerOf(transfer: Transfer, reference: Reference): Promise<Offer> {
  const suffix = suffixOf(reference);
  return fromFirst(transfer, reference, async (source, authFile) => {
    const raw = await inspectRaw(transfer, source, authFile, suffix);
    const top = readManifest(raw, reference);
    const digest = top.old ? undefined : sha256(raw);
    if (top.manifests.length === 0) {
      await checkPlatform(transfer, reference, source, authFile, suffix);
      return { source, authFile, digest, instanceDigest: sha256(raw), layers: top.layers };
    }
    const wanted = transfer.platform ?? { os: 'linux', architecture: hostArchitecture(), variant: '' };
    const chosen = choose(top, wanted);
    if (chosen === undefined) {
      throw notFound(`no matching manifest for ${showPlatform(wanted)} in the manifest list entries`);
    }
    const instance = readManifest(await inspectRaw(transfer, source, authFile, `@${chosen.digest}`), reference);
    return { source, authFile, digest, instanceDigest: chosen.digest, layers: instance.layers };
  });
}

/** A manifest that is no list has one platform; when the user asked for another, Docker refuses. */
async function checkPlatform(
  transfer: Transfer,
  reference: Reference,
  source: Source,
  authFile: string,
  suffix: string,
): Promise<void> {
  const wanted = transfer.platform;
  if (wanted === undefined) return;
  const config = await inspectConfig(transfer, source, authFile, suffix);
  if (config.os === wanted.os && config.architecture === wanted.architecture) return;
  const has = [config.os, config.architecture].filter(Boolean).join('/');
  throw notFound(
    `image with reference ${familiar(reference)} was found but its platform (${has}) does not match the specified platform (${showPlatform(wanted)})`,
  );
}

async function pullOne(transfer: Transfer, reference: Reference): Promise<void> {
  const { context, progress } = transfer;
  const { layout } = context;
  const offer = await offerOf(transfer, reference);
  // Not before: what the registry does not have is told by the status of the answer, which the first message settles.
  progress({ status: `Pulling from ${reference.path}`, id: reference.digest ?? reference.tag });
  const name = normalized(reference.digest === undefined ? reference : { ...reference, tag: undefined });
  const have = layout.snapshot().imageByName.get(name);
  const upToDate = have !== undefined && digestsOf(have).includes(offer.instanceDigest);
  if (!upToDate) await copy(transfer, reference, name, offer);
  progress({ status: `Digest: ${offer.digest ?? offer.instanceDigest}` });
  progress({
    status: `Status: ${upToDate ? 'Image is up to date' : 'Downloaded newer image'} for ${familiar(reference)}`,
  });
  context.publish('image', 'pull', familiar(reference), { name: familiarRepository(reference) });
}

async function copy(transfer: Transfer, reference: Reference, name: string, offer: Offer): Promise<void> {
  const { context, scratch, signal } = transfer;
  const shown = new PullProgress(offer.layers, layersIn(context), transfer.progress);
  // The digest that was seen, not the tag again: it may have moved since.
  const suffix = offer.digest === undefined ? `:${reference.tag ?? 'latest'}` : `@${offer.digest}`;
  const platform = transfer.platform === undefined ? undefined : showPlatform(transfer.platform);
  let pid: number | undefined;
  const watching = setInterval(() => void look(context, scratch, pid, shown), LOOK_AGAIN);
  try {
    await context.editor.writing(
      offer.layers.map((layer) => layer.digest),
      () =>
        skopeo(
          [
            'copy',
            '--src-authfile',
            offer.authFile,
            `--src-tls-verify=${offer.source.tlsVerify}`,
            offer.source.url + suffix,
            stored(context, name),
          ],
          {
            scratch,
            signal,
            ...(platform === undefined ? {} : { platform }),
            onLine: (line) => shown.line(line),
            onStart: (started) => (pid = started),
          },
        ),
    );
  } catch (error) {
    throw error instanceof SkopeoError ? pullError(error.message, reference) : error;
  } finally {
    clearInterval(watching);
  }
  shown.finish();
}

/** Compressed digests of the layers that are whole in the store. */
function layersIn(context: ImageContext): Set<string> {
  const whole = [...context.layout.snapshot().layers.values()].filter((layer) => layer.flags?.incomplete !== true);
  return new Set(whole.flatMap((layer) => layer['compressed-diff-digest'] ?? []));
}

/** One look at skopeo's temporary files: <scratch>/storage<random>/<number>. */
async function look(
  context: ImageContext,
  scratch: string,
  pid: number | undefined,
  shown: PullProgress,
): Promise<void> {
  try {
    const name = (await readdir(scratch)).find((entry) => /^storage\d+$/.test(entry));
    if (name !== undefined) {
      const directory = join(scratch, name);
      const numbers = (await readdir(directory)).filter((entry) => /^\d+$/.test(entry));
      const paths = numbers.toSorted((a, b) => Number(a) - Number(b)).map((number) => join(directory, number));
      shown.files(await Promise.all(paths.map(async (path) => (await stat(path)).size)));
      for (const { path, position, reading } of pid === undefined ? [] : await openFilesBelow(pid, directory)) {
        if (reading) shown.unpacking(paths.indexOf(path), position);
      }
    }
    shown.unpacked(layersIn(context));
  } catch {
    // Files come and go under this look; the next one sees more.
  }
}
