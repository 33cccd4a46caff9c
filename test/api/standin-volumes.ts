/** Volumes for tests of the API: a list of names, and what was asked. */
import type { VolumeRequest, Volumes } from '../../src/engine/volumes/port.ts';
import { conflict, notFound } from '../../src/errors.ts';
import type { Filters, Json } from '../../src/model/json.ts';

export class StandinVolumes implements Volumes {
  readonly calls: unknown[] = [];
  readonly #made = new Map<string, Json>();

  async create(request: VolumeRequest): Promise<Json> {
    this.calls.push(request);
    const name = request.name || 'made-up';
    const volume = {
      Name: name,
      Driver: 'local',
      Scope: 'local',
      Mountpoint: `/v/${name}`,
      Labels: null,
      Options: null,
    };
    this.#made.set(name, volume);
    return Promise.resolve(volume);
  }

  async list(filters: Filters): Promise<{ Volumes: Json[]; Warnings: string[] | null }> {
    this.calls.push(filters);
    return Promise.resolve({ Volumes: [...this.#made.values()], Warnings: null });
  }

  async inspect(name: string): Promise<Json> {
    const volume = this.#made.get(name);
    if (volume === undefined) throw notFound(`get ${name}: no such volume`);
    return Promise.resolve(volume);
  }

  async remove(name: string, { force }: { force: boolean }): Promise<void> {
    this.calls.push(`remove ${name} ${force}`);
    if (name === 'used') throw conflict('remove used: volume is in use - [c]');
    if (!this.#made.delete(name) && !force) throw notFound(`get ${name}: no such volume`);
    return Promise.resolve();
  }

  async prune(filters: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
    this.calls.push(filters);
    return Promise.resolve({ VolumesDeleted: [], SpaceReclaimed: 0 });
  }

  async usage(): Promise<Json[]> {
    return Promise.resolve(
      [...this.#made.values()].map((volume) => ({ ...volume, UsageData: { RefCount: 0, Size: 3 } })),
    );
  }
}
