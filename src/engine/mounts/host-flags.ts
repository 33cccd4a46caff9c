/** What the host does not allow on a mount is not allowed in a container that has a part of it either. */
import { stat } from 'node:fs/promises';
import { release } from 'node:os';
import { SysError } from '../../linux/libc.ts';
import { mountFlagsAt } from '../../linux/mounts.ts';
import type { MountRecord } from '../record.ts';
import type { RunMount } from '../spec/mounts.ts';

export async function withHostFlags(mounts: readonly MountRecord[]): Promise<RunMount[]> {
  return Promise.all(
    mounts.map(async (mount) =>
      mount.Type === 'tmpfs'
        ? mount
        : {
            ...mount,
            hostFlags: await flagsAt(mount.Source),
            file: await isFile(mount.Source),
            ...(isRecursive(release()) ? {} : { readOnlyTop: true as const }),
          },
    ),
  );
}

/** Whether a kernel makes a mount read-only with all below it (mount_setattr(2)): since 5.12. Where it cannot, dockerd does not either. */
export function isRecursive(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 12);
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
