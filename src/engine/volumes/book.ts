/**
 * The volumes of this daemon: which there are, who has them, which are mounted. What is decided at once is synchronous, so that
 * nothing comes between a look and the change that follows from it; what takes time is done under the volume's lock.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { conflict, messageOf, notFound, system } from '../../errors.ts';
import { mountAs } from '../../linux/mount-options.ts';
import { hasMountsIn, unmount } from '../../linux/mounts.ts';
import type { Context } from '../context.ts';
import { Lock } from '../lock.ts';
import { checkDriver, checkVolumeName } from './names.ts';
import { checkOptions, isMounted, mountPlan, withoutPassword } from './options.ts';
import { LOCAL, type VolumeRecord, type VolumeWish } from './record.ts';

/** Directories whose volume is removed already: what is left of them goes at the next start. No volume's name begins so. */
export const REMOVED = '.removed-';

export interface Volume {
  readonly record: VolumeRecord;
  readonly lock: Lock;
  /** Containers that run with it. */
  readonly users: Set<string>;
  /** Its options are mounted. */
  mounted: boolean;
}

type Deps = Pick<Context, 'store' | 'paths' | 'publish' | 'log' | 'registry'>;

export class VolumeBook {
  readonly #deps: Deps;
  readonly #volumes = new Map<string, Volume>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  all(): Volume[] {
    return [...this.#volumes.values()];
  }

  get(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }

  /** Throws NotFound. */
  find(name: string): Volume {
    const volume = this.#volumes.get(name);
    if (volume === undefined) throw notFound(`get ${name}: no such volume`);
    return volume;
  }

  /** A volume's files. */
  pathOf(name: string): string {
    return `${this.#deps.paths.volumes}/${name}/_data`;
  }

  /** Volume → the containers that have it, whether they run or not. */
  references(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const { id, record } of this.#deps.registry.all()) {
      const names = new Set(record.mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : [])));
      for (const name of names) {
        const list = found.get(name);
        if (list === undefined) found.set(name, [id]);
        else list.push(id);
      }
    }
    return found;
  }

  referencesOf(name: string): string[] {
    return this.references().get(name) ?? [];
  }

  /** Known from now on; nothing is written. */
  add(record: VolumeRecord): Volume {
    const volume: Volume = { record, lock: new Lock(), users: new Set(), mounted: false };
    this.#volumes.set(record.name, volume);
    return volume;
  }

  /** Whether all of it may be made; changes nothing. Throws InvalidParameter, NotFound. */
  check({ name, driver, options }: VolumeWish): void {
    checkDriver(name, driver);
    if (this.#volumes.has(name)) return;
    checkVolumeName(name);
    checkOptions(name, options);
  }

  /**
   * The volume of that name, made when there is none. The record comes first: a directory without one is a stranger's, and a record
   * without a directory gets one when the daemon begins.
   */
  ensure(wish: VolumeWish): { volume: Volume; made: boolean } {
    this.check(wish);
    const { store, publish } = this.#deps;
    const { name, labels, options } = wish;
    const known = this.#volumes.get(name);
    if (known !== undefined) return { volume: known, made: false };
    const created = `${new Date().toISOString().slice(0, 19)}Z`;
    const volume = this.add({ name, created, labels: { ...labels }, options: { ...options } });
    try {
      store.put('volume', name, volume.record);
      this.makeDirectory(name);
    } catch (error) {
      this.#volumes.delete(name);
      store.delete('volume', name);
      throw error;
    }
    publish('volume', 'create', name, { driver: LOCAL });
    return { volume, made: true };
  }

  makeDirectory(name: string): void {
    makeIfMissing(`${this.#deps.paths.volumes}/${name}`, 0o701);
    makeIfMissing(this.pathOf(name), 0o755);
  }

  /** Throws Conflict when a container other than `except` has it. */
  async remove(volume: Volume, except?: string): Promise<void> {
    const { name } = volume.record;
    const refuseUsed = (): void => {
      const refs = this.referencesOf(name).filter((id) => id !== except);
      if (refs.length > 0) throw conflict(`remove ${name}: volume is in use - [${refs.join(', ')}]`);
    };
    refuseUsed();
    const rest = await volume.lock.run(async () => {
      if (this.#volumes.get(name) !== volume) return undefined;
      // What is mounted there is not the volume's to delete.
      if (isMounted(volume.record.options)) await unmount(this.pathOf(name));
      volume.mounted = false;
      if (await hasMountsIn(`${this.#deps.paths.volumes}/${name}`)) {
        throw conflict(`remove ${name}: something is mounted in it: unmount that first (findmnt shows it)`);
      }
      refuseUsed();
      return this.discard(volume.record);
    });
    if (rest !== undefined) await this.deleteFiles(rest);
  }

  /**
   * Takes the volume away; returns the directory that is left to delete. The mark in the record makes it certain that a crash between
   * any two steps ends in the removal.
   */
  discard(record: VolumeRecord): string {
    const { store, paths, publish } = this.#deps;
    const rest = `${paths.volumes}/${REMOVED}${randomBytes(8).toString('hex')}`;
    store.put('volume', record.name, { ...record, removing: true } satisfies VolumeRecord);
    try {
      renameSync(`${paths.volumes}/${record.name}`, rest);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
        store.put('volume', record.name, record);
        throw system(`remove ${record.name}: ${messageOf(error)}`, error);
      }
    }
    store.delete('volume', record.name);
    this.#volumes.delete(record.name);
    publish('volume', 'destroy', record.name, { driver: LOCAL });
    return rest;
  }

  async deleteFiles(directory: string): Promise<void> {
    try {
      // What is mounted in it is an administrator's.
      if (await hasMountsIn(directory)) throw new Error('something is mounted in it');
      await rm(directory, { recursive: true, force: true });
    } catch (error) {
      this.#deps.log.warn('files of a removed volume are left', { directory, error: messageOf(error) });
    }
  }

  /** A container runs with it from now on; what its options say is mounted for the first. */
  async use(volume: Volume, container: string): Promise<void> {
    const { name, options } = volume.record;
    await volume.lock.run(async () => {
      this.makeDirectory(name);
      if (isMounted(options) && !volume.mounted) await this.#mount(volume);
      volume.users.add(container);
    });
  }

  async #mount(volume: Volume): Promise<void> {
    const { name, options } = volume.record;
    const path = this.pathOf(name);
    try {
      const plan = await mountPlan(options, async (host) => (await lookup(host)).address);
      if (plan.device === '') throw new Error('missing device in volume options');
      await mountAs(plan.device, path, plan.type, plan.options).catch((error: unknown) => {
        throw new Error(`failed to mount local volume: ${messageOf(error)}`, { cause: error });
      });
    } catch (error) {
      throw system(withoutPassword(`error while mounting volume '${path}': ${messageOf(error)}`, options), error);
    }
    volume.mounted = true;
  }

  /** With its last user what is mounted goes. */
  async leave(volume: Volume, container: string): Promise<void> {
    await volume.lock.run(async () => {
      volume.users.delete(container);
      if (volume.users.size > 0 || !volume.mounted) return;
      await unmount(this.pathOf(volume.record.name));
      volume.mounted = false;
    });
  }
}

/** Nobody looks at what is there: a share whose server does not answer may be mounted at it. */
function makeIfMissing(directory: string, mode: number): void {
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
