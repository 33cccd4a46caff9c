/** Decides what `rmi` does, as Docker does: which names go, whether the image goes, or why not. Pure. */
import { conflict } from '../../errors.ts';
import type { ImageEntry } from './layout.ts';
import type { Found } from './lookup.ts';
import { familiar, repositoryOf, tryParse } from './reference.ts';
import { repoDigests } from './views.ts';

export interface ImageUser {
  id: string;
  name: string;
  running: boolean;
  /** Made by Podman or Buildah: Berth cannot tell whether it runs. */
  foreign: boolean;
}

export interface RemovalPlan {
  /** Stored names that go. */
  names: string[];
  /** Lines of the answer for them. */
  untagged: string[];
  removeImage: boolean;
}

const short = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

/** At most one tag, and every name in one repository. */
function isSingle(names: readonly string[]): boolean {
  const references = names.flatMap((name) => tryParse(name) ?? []);
  const tags = references.filter((reference) => reference.digest === undefined);
  return tags.length <= 1 && new Set(references.map(repositoryOf)).size <= 1;
}

function refuse(id: string, force: 'cannot' | 'must', why: string): Error {
  return conflict(`conflict: unable to delete ${short(id)} (${force} be forced) - ${why}`);
}

function checkUse(id: string, users: readonly ImageUser[], force: boolean): void {
  const running = users.find((user) => user.running && !user.foreign);
  if (running !== undefined) {
    throw refuse(id, 'cannot', `image is being used by running container ${short(running.id)}`);
  }
  const foreign = users.find((user) => user.foreign);
  if (foreign !== undefined) {
    throw refuse(id, 'cannot', `image is being used by container ${short(foreign.id)} of Podman or Buildah`);
  }
  const stopped = users[0];
  if (!force && stopped !== undefined) {
    throw refuse(id, 'must', `image is being used by stopped container ${short(stopped.id)}`);
  }
}

/** `given` is what the user typed. Throws Conflict. */
export function planRemoval(
  found: Found,
  given: string,
  id: string,
  users: readonly ImageUser[],
  force: boolean,
): RemovalPlan {
  const names = found.image.names ?? [];
  const lines = (going: readonly string[]): string[] => [
    ...going.flatMap((name) => {
      const reference = tryParse(name);
      return reference === undefined || reference.digest !== undefined ? [] : [familiar(reference)];
    }),
    ...repoDigests({ ...found.image, names: [...going] }),
  ];
  if (found.by.id) {
    if (names.length > 0 && !isSingle(names) && !force) {
      throw refuse(id, 'must', 'image is referenced in multiple repositories');
    }
    checkUse(id, users, force);
    return { names, untagged: lines(names), removeImage: true };
  }
  const { reference } = found.by;
  if (!force && isSingle(names) && users[0] !== undefined) {
    throw conflict(
      `conflict: unable to remove repository reference "${given}" (must force) - container ${short(users[0].id)} is using its referenced image ${short(id)}`,
    );
  }
  const going = namesToGo(found.image, found.by.name, reference);
  const left = names.filter((name) => !going.includes(name));
  if (left.length > 0) return { names: going, untagged: going.flatMap((name) => nameLine(name)), removeImage: false };
  // Forced while a container uses it: the name goes, the image stays.
  const removeImage = users.every((user) => !user.running && !user.foreign);
  return { names: going, untagged: lines(going), removeImage };
}

function nameLine(name: string): string[] {
  const reference = tryParse(name);
  return reference === undefined ? [name] : [familiar(reference)];
}

/** The name itself, and with a repository's last tag also its digests; by digest: every name of the repository. */
function namesToGo(image: ImageEntry, stored: string, reference: { domain: string; path: string }): string[] {
  const names = image.names ?? [];
  const same = names.filter((name) => {
    const other = tryParse(name);
    return other !== undefined && other.domain === reference.domain && other.path === reference.path;
  });
  if (stored === '') return same;
  const rest = same.filter((name) => name !== stored);
  const tagLeft = rest.some((name) => tryParse(name)?.digest === undefined);
  const isTag = tryParse(stored)?.digest === undefined;
  return isTag && !tagLeft ? same : [stored];
}

/** The images after `name` (normalized) was given to `id`: it leaves the one that had it. */
export function moveName(images: readonly ImageEntry[], id: string, name: string): ImageEntry[] {
  return images.map((image) => {
    const names = image.names ?? [];
    if (image.id === id) {
      if (names.includes(name)) return image;
      const history = image['names-history'] ?? [];
      return {
        ...image,
        names: [name, ...names],
        'names-history': history.includes(name) ? history : [...history, name],
      };
    }
    return names.includes(name) ? { ...image, names: names.filter((other) => other !== name) } : image;
  });
}
