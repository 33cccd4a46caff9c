/** Finds an image by what a user typed: an ID, a prefix of one, a name, name:tag or name@digest. */
import { invalidParameter, notFound } from '../../errors.ts';
import type { ImageEntry, Snapshot } from './layout.ts';
import { familiar, normalized, parseReference, repositoryOf, tryParse, withDefaultTag } from './reference.ts';
import type { Reference } from './reference.ts';

export interface Found {
  image: ImageEntry;
  /** How it was found; for a name the stored name, tag included ('' when it was found by digest). */
  by: { id: true } | { id: false; name: string; reference: Reference };
}

/** Manifest digests by which the image may be named: its own, and that of the list it was chosen from. */
export function digestsOf(image: ImageEntry): string[] {
  const listed = (image['big-data-names'] ?? [])
    .filter((name) => name.startsWith('manifest-sha'))
    .map((name) => name.slice('manifest-'.length));
  return [...new Set([...(image.digest === undefined ? [] : [image.digest]), ...listed])];
}

function byDigest(snapshot: Snapshot, reference: Reference, digest: string): ImageEntry | undefined {
  const repository = repositoryOf(reference);
  return snapshot.images.find(
    (image) =>
      digestsOf(image).includes(digest) &&
      (image.names ?? []).some((name) => {
        const stored = tryParse(name);
        return stored !== undefined && repositoryOf(stored) === repository;
      }),
  );
}

function byName(snapshot: Snapshot, given: Reference): Found | undefined {
  const reference = withDefaultTag(given);
  if (reference.digest !== undefined) {
    const image = byDigest(snapshot, reference, reference.digest);
    if (image === undefined) return undefined;
    const stored = normalized({ ...reference, tag: undefined });
    return { image, by: { id: false, name: image.names?.includes(stored) ? stored : '', reference } };
  }
  // Buildah and Podman name what they build 'localhost/x': `berth run x` finds that too, after Docker's own meaning.
  const local = reference.domain === 'docker.io' && /^library\/[^/]+$/.test(reference.path);
  const candidates = local
    ? [reference, { ...reference, domain: 'localhost', path: reference.path.slice('library/'.length) }]
    : [reference];
  for (const candidate of candidates) {
    const name = normalized(candidate);
    const image = snapshot.imageByName.get(name);
    if (image !== undefined) return { image, by: { id: false, name, reference: candidate } };
  }
  return undefined;
}

function byPrefix(snapshot: Snapshot, prefix: string): ImageEntry | undefined {
  const exact = snapshot.imageById.get(prefix);
  if (exact !== undefined) return exact;
  const matches = snapshot.images.filter((image) => image.id.startsWith(prefix));
  if (matches.length > 1) throw invalidParameter(`image ID prefix ${prefix} is ambiguous`);
  return matches[0];
}

/** undefined when there is none; InvalidParameter when the text can be no image's. */
export function tryFind(snapshot: Snapshot, text: string): Found | undefined {
  const id = /^(?:sha256:)?([0-9a-f]{64})$/.exec(text)?.[1] ?? /^sha256:([0-9a-f]+)$/.exec(text)?.[1];
  if (id !== undefined) {
    const image = byPrefix(snapshot, id);
    return image && { image, by: { id: true } };
  }
  const named = byName(snapshot, parseReference(text));
  if (named !== undefined) return named;
  if (!/^[0-9a-f]{1,64}$/.test(text)) return undefined;
  const image = byPrefix(snapshot, text);
  return image && { image, by: { id: true } };
}

/** Docker's text: familiar, with the tag that was meant. */
export function noSuchImage(text: string): Error {
  const reference = /^(?:sha256:)?[0-9a-f]{64}$/.test(text) ? undefined : tryParse(text);
  return notFound(`No such image: ${reference === undefined ? text : familiar(withDefaultTag(reference))}`);
}

export function find(snapshot: Snapshot, text: string): Found {
  const found = tryFind(snapshot, text);
  if (found === undefined) throw noSuchImage(text);
  return found;
}
