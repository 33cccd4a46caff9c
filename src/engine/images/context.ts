/** What the verbs of the image store share. */
import { BerthError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Publish } from '../../model/events.ts';
import type { StoreEditor } from './edit.ts';
import type { Layout } from './layout.ts';
import { find, noSuchImage } from './lookup.ts';
import type { Found } from './lookup.ts';
import type { ImageUse } from './port.ts';
import { familiar, tryParse } from './reference.ts';
import { moveName } from './removal.ts';
import { localFailure, skopeo } from './skopeo.ts';

export interface ImagesOptions {
  /** The store shared with Podman and Buildah (/var/lib/containers/storage) or one's own. */
  root: string;
  runRoot: string;
  /** Hosts, host:port or CIDR, reached without TLS or without checking it. 127.0.0.0/8 and ::1 always are. */
  insecureRegistries: readonly string[];
  /** Base URLs tried before docker.io. */
  registryMirrors: readonly string[];
  /** A directory of this daemon's own, on a disk: archives and the journal go there. */
  tmpDir: string;
  use: () => ImageUse;
  publish: Publish;
  log: Logger;
}

export interface ImageContext extends ImagesOptions {
  layout: Layout;
  editor: StoreEditor;
}

/** How skopeo names something in the store: a normalized name, or '@' and an ID without 'sha256:'. */
export const stored = (context: ImagesOptions, name: string): string =>
  `containers-storage:[overlay@${context.root}+${context.runRoot}]${name}`;

export const storedId = (context: ImagesOptions, id: string): string =>
  stored(context, `@${id.replace(/^sha256:/, '')}`);

/** Copies an image from files of this machine into the store, under its ID only. */
export async function copyIn(
  context: ImageContext,
  source: string,
  id: string,
  diffIds: readonly string[],
  run: { scratch: string; signal?: AbortSignal; what: string },
): Promise<void> {
  try {
    await context.editor.writing(diffIds, () => skopeo(['copy', '--quiet', source, storedId(context, id)], run));
  } catch (error) {
    throw localFailure(error, run.what, context.root);
  }
}

/** Gives an image more names; each leaves the image that had it. */
export async function nameImage(context: ImageContext, id: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const plain = id.replace(/^sha256:/, '');
  await context.editor.edit(async ({ snapshot, writeImages }) => {
    if (!snapshot.imageById.has(plain)) throw noSuchImage(id);
    await writeImages(names.reduce((images, name) => moveName(images, plain, name), snapshot.images));
  });
}

export function lookup(context: ImageContext, ref: string): Found {
  return find(context.layout.snapshot(), ref);
}

/** The name in events: familiar, or the ID when there is none. */
export function eventName(names: readonly string[] | undefined, id: string): string {
  const reference = names?.[0] === undefined ? undefined : tryParse(names[0]);
  return reference === undefined ? id : familiar(reference);
}

export const isNotFound = (error: unknown): boolean => error instanceof BerthError && error.kind === 'NotFound';

/** This machine's in OCI's words. */
export const hostArchitecture = (): string =>
  ({ x64: 'amd64', ia32: '386', arm64: 'arm64', arm: 'arm' })[process.arch as string] ?? process.arch;
