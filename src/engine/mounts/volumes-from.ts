/** HostConfig.VolumesFrom, `--volumes-from CONTAINER[:ro]`: the mounts of another container, at the same places. Pure but for its environment. */
import { invalidParameter } from '../../errors.ts';
import type { MountRecord } from '../record.ts';
import type { MountEnvironment } from './environment.ts';
import { parseMode } from './modes.ts';

export function mountsFrom(text: string, environment: MountEnvironment): MountRecord[] {
  if (text === '') throw invalidParameter('volumes-from specification cannot be an empty string');
  const colon = text.indexOf(':');
  const [ref, words] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  const mode = parseMode(words);
  // How a mount spreads, and what fills it, is the other container's matter.
  if (mode === undefined || mode.propagation !== undefined || mode.nocopy) {
    throw invalidParameter(`invalid mode: ${words}`);
  }
  return environment.mountsOf(ref).map((mount) => ({
    ...mount,
    Mode: mount.Type === 'tmpfs' ? mount.Mode : '',
    RW: mount.RW && mode.rw,
    copyUp: false,
  }));
}
