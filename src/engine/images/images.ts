/** The image store behind the port: verbs over the store that Podman, Buildah and skopeo share. */
import { invalidParameter, messageOf } from '../../errors.ts';
import type { Json } from '../../model/json.ts';
import { BUSYBOX, makeBusybox } from './busybox.ts';
import { commitLayer } from './commit.ts';
import { hostArchitecture, isNotFound, lookup, nameImage } from './context.ts';
import type { ImageContext, ImagesOptions } from './context.ts';
import { StoreEditor } from './edit.ts';
import { distribution } from './distribution.ts';
import { listFilter, namesFilter, pruneFilter } from './filters.ts';
import { importArchive } from './import.ts';
import { Layout } from './layout.ts';
import type { ImageEntry, Snapshot } from './layout.ts';
import { load } from './load.ts';
import { find } from './lookup.ts';
import type { Found } from './lookup.ts';
import type { Images } from './port.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { checkPlatform } from './platform.ts';
import { familiar, normalized, parseNameAndTag, tryParse, withDefaultTag } from './reference.ts';
import { parsePlatform } from './registry.ts';
import { planRemoval } from './removal.ts';
import type { ImageUser } from './removal.ts';
import { save } from './save.ts';
import { usageOf } from './usage.ts';
import { createdAt, historyOf, inspection, listItem } from './views.ts';
import type { ImageView } from './views.ts';

export type { ImagesOptions } from './context.ts';

function viewOf(layout: Layout, snapshot: Snapshot, entry: ImageEntry): ImageView {
  return { id: layout.idOf(entry), entry, config: layout.config(entry), layers: layout.chain(snapshot, entry.layer) };
}

const candidateOf = (view: ImageView) => ({
  created: createdAt(view.config, view.entry),
  names: view.entry.names ?? [],
  labels: view.config.config?.Labels ?? {},
});

const meansBusybox = (ref: string): boolean => {
  const reference = tryParse(ref);
  return reference !== undefined && normalized(withDefaultTag(reference)) === BUSYBOX;
};

/** Whether `platform` is this machine's, or left open. */
function isOurs(platform: string): boolean {
  const machine = hostArchitecture();
  const wanted = parsePlatform(platform || 'linux', machine);
  return wanted?.os === 'linux' && wanted.architecture === machine;
}

export function createImages(options: ImagesOptions): Images {
  const layout = new Layout(options.root);
  const editor = new StoreEditor(layout, options.tmpDir, options.log);
  const context: ImageContext = { ...options, layout, editor };
  /** Docker's Metadata.LastTagTime, since this daemon started: the shared store has no place for it. */
  const tagged = new Map<string, string>();
  let recovered: Promise<void> | undefined;
  let making: Promise<void> | undefined;

  /** Before the first change: what a kill left unfinished. A failure is tried again at the next use. */
  const ready = (): Promise<void> => {
    recovered ??= editor.recover().catch((error: unknown) => {
      recovered = undefined;
      throw error;
    });
    return recovered;
  };

  const makeBuiltIn = (): Promise<void> => {
    making ??= ready()
      .then(() => makeBusybox(context))
      .finally(() => (making = undefined));
    return making;
  };

  /** Finds an image, making the built-in one where it is asked for and missing. */
  const findOrMake = async (ref: string): Promise<Found> => {
    try {
      return lookup(context, ref);
    } catch (error) {
      if (!isNotFound(error) || !meansBusybox(ref)) throw error;
      await makeBuiltIn();
      return lookup(context, ref);
    }
  };

  /** Whether the built-in image was to be pulled, and the store has none of that name. */
  const isMissingBuiltIn = ({ name, tag, platform }: Parameters<Images['pull']>[0]): boolean =>
    isOurs(platform) &&
    normalized(withDefaultTag(parseNameAndTag(name, tag))) === BUSYBOX &&
    !layout.snapshot().imageByName.has(BUSYBOX);

  const usersOf = (imageId: string): ImageUser[] => [
    ...options
      .use()
      .usersOf(imageId)
      .map((user) => ({ ...user, foreign: false })),
    ...layout
      .containers()
      .filter((container) => `sha256:${container.image}` === imageId)
      .map(({ id, names }) => ({ id, name: names?.[0] ?? id, running: false, foreign: true })),
  ];

  const views = (): ImageView[] => {
    const snapshot = layout.snapshot();
    return snapshot.images.map((entry) => viewOf(layout, snapshot, entry));
  };

  /** Removes as `rmi` does, decided and carried out under one lock. */
  const removeOne = async (
    ref: string,
    force: boolean,
    stillMeant: (view: ImageView) => boolean = () => true,
  ): Promise<{ lines: Json[]; bytes: number }> => {
    const done = await editor.edit(async (edit) => {
      const found = find(edit.snapshot, ref);
      const id = layout.idOf(found.image);
      if (!stillMeant(viewOf(layout, edit.snapshot, found.image))) return undefined;
      const plan = planRemoval(found, ref, id, usersOf(id), force);
      if (plan.removeImage) return { id, plan, ...(await editor.removeImage(edit, found.image)) };
      const left = (found.image.names ?? []).filter((name) => !plan.names.includes(name));
      const images = edit.snapshot.images.map((image) =>
        image.id === found.image.id ? { ...image, names: left } : image,
      );
      await edit.writeImages(images);
      return { id, plan, layers: [], bytes: 0 };
    });
    if (done === undefined) return { lines: [], bytes: 0 };
    const { id, plan, layers, bytes } = done;
    for (const name of plan.untagged) options.publish('image', 'untag', id, { name });
    const lines: Json[] = plan.untagged.map((Untagged) => ({ Untagged }));
    if (plan.removeImage) {
      options.publish('image', 'delete', id, { name: id });
      lines.push({ Deleted: id }, ...layers.map((layer) => ({ Deleted: `sha256:${layer.id}` })));
      tagged.delete(id);
    }
    return { lines, bytes };
  };

  return {
    async resolve(ref, platform) {
      const found = await findOrMake(ref);
      const record = layout.record(layout.snapshot(), found.image);
      if (platform !== undefined) checkPlatform(ref, record, platform);
      return record;
    },

    async pull(request, progress, signal) {
      await ready();
      try {
        await pull(context, request, progress, signal);
      } catch (error) {
        // Compose and other clients pull before they create: without a registry they get what `run` would make.
        if (signal.aborted || !isMissingBuiltIn(request)) throw error;
        progress({ status: messageOf(error) });
        await makeBuiltIn();
        progress({ status: "Status: Made busybox:latest from this machine's busybox" });
      }
    },

    async push(request, progress, signal) {
      await ready();
      await push(context, request, progress, signal);
    },

    async distribution(name, auth, signal) {
      await ready();
      return distribution(context, name, auth, signal);
    },

    async list({ filters }) {
      const timeOf = (ref: string): number => {
        const { image } = lookup(context, ref);
        return createdAt(layout.config(image), image);
      };
      const wanted = listFilter(filters, Date.now(), timeOf);
      const chosen = views().filter((view) => wanted(candidateOf(view)));
      chosen.sort((a, b) => candidateOf(b).created - candidateOf(a).created);
      const named = namesFilter(filters);
      return chosen.map(({ entry, ...view }) =>
        listItem({ ...view, entry: { ...entry, names: (entry.names ?? []).filter(named) } }),
      );
    },

    async inspect(ref) {
      const view = viewOf(layout, layout.snapshot(), lookup(context, ref).image);
      return inspection(view, options.root, tagged.get(view.id));
    },

    async history(ref) {
      return historyOf(viewOf(layout, layout.snapshot(), lookup(context, ref).image));
    },

    async tag(ref, repository, tag) {
      const reference = withDefaultTag(parseNameAndTag(repository, tag));
      if (reference.digest !== undefined) throw invalidParameter('refusing to create a tag with a digest reference');
      await ready();
      const id = layout.idOf((await findOrMake(ref)).image);
      await nameImage(context, id, [normalized(reference)]);
      tagged.set(id, new Date().toISOString());
      options.publish('image', 'tag', id, { name: familiar(reference) });
    },

    async remove(ref, { force }) {
      await ready();
      return (await removeOne(ref, force)).lines;
    },

    async prune(filters) {
      await ready();
      const wanted = pruneFilter(filters, Date.now());
      const deleted: Json[] = [];
      let reclaimed = 0;
      const unused = (view: ImageView): boolean => wanted(candidateOf(view)) && usersOf(view.id).length === 0;
      for (const view of views().filter(unused)) {
        try {
          const { lines, bytes } = await removeOne(view.id, true, unused);
          deleted.push(...lines);
          reclaimed += bytes;
        } catch (error) {
          if (!isNotFound(error)) options.log.warn('an image was not pruned', { id: view.id, error: String(error) });
        }
      }
      options.publish('image', 'prune', '', { reclaimed: String(reclaimed) });
      return { ImagesDeleted: deleted, SpaceReclaimed: reclaimed };
    },

    async load(archive, progress, signal) {
      await ready();
      await load(context, archive, progress, signal);
    },

    async save(refs, signal) {
      await ready();
      for (const ref of refs) if (meansBusybox(ref)) await findOrMake(ref);
      return save(context, refs, signal);
    },

    async importArchive(archive, request, progress, signal) {
      await ready();
      return importArchive(context, archive, request, progress, signal);
    },

    async commit(request, signal) {
      await ready();
      const done = await commitLayer(context, request, signal);
      if (done.name !== '') tagged.set(done.id, new Date().toISOString());
      return done;
    },

    usage: async () => usageOf(views()),

    count: async () => layout.snapshot().images.length,
  };
}
