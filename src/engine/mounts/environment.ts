/** What the making of mounts has to know of the host, and what each kind of request becomes. */
import type { MountRecord } from '../record.ts';
import { checkVolumeName } from '../volumes/names.ts';
import { ANONYMOUS, LOCAL, type VolumeWish } from '../volumes/record.ts';

export interface MountEnvironment {
  exists(path: string): boolean;
  /** Name of a new anonymous volume. */
  newName(): string;
  /** Directory of a volume's files. */
  volumePath(name: string): string;
  /** Of another container; throws NotFound. */
  mountsOf(ref: string): readonly MountRecord[];
}

/** A mount, with the volume that it needs. */
export interface Planned {
  mount: MountRecord;
  volume?: VolumeWish;
}

interface VolumeMount {
  /** '' for an anonymous one. */
  name: string;
  destination: string;
  mode: string;
  rw: boolean;
  nocopy?: boolean | undefined;
  subpath?: string | undefined;
  driver?: string | undefined;
  options?: Readonly<Record<string, string>> | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
}

export function planVolume(environment: MountEnvironment, wanted: VolumeMount): Planned {
  const { destination, mode, rw, nocopy = false, subpath, driver = '', options = {}, labels = {} } = wanted;
  const anonymous = wanted.name === '';
  const name = anonymous ? environment.newName() : wanted.name;
  checkVolumeName(name);
  return {
    mount: {
      Type: 'volume',
      Name: name,
      Source: environment.volumePath(name),
      Destination: destination,
      Driver: LOCAL,
      Mode: mode,
      RW: rw,
      Propagation: '',
      recursive: true,
      copyUp: !nocopy,
      anonymous,
      ...(subpath === undefined || subpath === '' ? {} : { subpath }),
    },
    volume: { name, driver, options, labels: anonymous ? { ...labels, [ANONYMOUS]: '' } : labels },
  };
}
