/** What the host does not allow on a mount is not allowed in a container that has a part of it either. */
import { stat } from 'node:fs/promises';
import { SysError } from '../../linux/libc.ts';
import { mountFlagsAt } from '../../linux/mounts.ts';
import type { MountRecord } from '../record.ts';
import type { RunMount } from '../spec/mounts.ts';

export async function withHostFlags(mounts: readonly MountRecord[]): Promise<RunMount[]> {
  return Promise.all(
    mounts.map(async (mount) =>
      mount.Type === 'tmpfs'
        ? mount
        : { ...mount, hostFlags: await flagsAt(mount.Source), file: await isFile(mount.Source) },
    ),
  );
}

/** Of a source that is not there the runtime tells. */
const isFile = async (source: string): Promise<boolean> =>
  stat(source).then(
    (found) => !found.isDirectory(),
    () => false,
  );

/** None for a source that is not there: the runtime says so. */
async function flagsAt(source: string): Promise<string[]> {
  try {
    return await mountFlagsAt(source);
  } catch (error) {
    if (error instanceof SysError) return [];
    throw error;
  }
}
