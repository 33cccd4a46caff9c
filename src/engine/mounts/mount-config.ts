/** HostConfig.Mounts, `--mount` of the command line. Pure but for its environment. */
import { invalidParameter } from '../../errors.ts';
import type { Mount } from '../../model/container.ts';
import { type MountEnvironment, type Planned, planVolume } from './environment.ts';
import { PROPAGATIONS } from './modes.ts';
import { cleanPath, isLocal, notAbsolute, targetFault } from './paths.ts';

type Kind = Mount['Type'];

/** The options of the other types. */
const FOREIGN: Readonly<Record<Kind, readonly (keyof Mount)[]>> = {
  bind: ['VolumeOptions', 'TmpfsOptions'],
  volume: ['BindOptions', 'TmpfsOptions'],
  tmpfs: ['BindOptions', 'VolumeOptions'],
};

const FAULTS: Readonly<Record<Kind, (mount: Mount, environment: MountEnvironment) => string | undefined>> = {
  bind({ Source, BindOptions = {} }, environment) {
    const { Propagation = '', CreateMountpoint } = BindOptions;
    if (Source === '') return 'field Source must not be empty';
    if (Propagation !== '' && !PROPAGATIONS.includes(Propagation)) return `invalid propagation mode: ${Propagation}`;
    if (!Source.startsWith('/')) return notAbsolute(Source);
    return environment.exists(Source) || CreateMountpoint ? undefined : `bind source path does not exist: ${Source}`;
  },
  volume({ Source, VolumeOptions: { Subpath = '' } = {} }) {
    if (Subpath === '') return undefined;
    if (Source === '') return 'must not set Subpath when using anonymous volumes';
    return isLocal(Subpath) ? undefined : 'subpath must be a relative path within the volume';
  },
  tmpfs: ({ Source }) => (Source === '' ? undefined : 'field Source must not be specified'),
};

function check(mount: Mount, environment: MountEnvironment): void {
  const extra = FOREIGN[mount.Type].find((field) => mount[field] !== undefined);
  const fault =
    targetFault(mount.Target) ??
    (extra === undefined ? undefined : `field ${extra} must not be specified`) ??
    FAULTS[mount.Type](mount, environment);
  if (fault !== undefined) throw invalidParameter(`invalid mount config for type "${mount.Type}": ${fault}`);
}

/** Throws InvalidParameter. A source that is not there (CreateMountpoint) is made by the caller. */
export function planMount(mount: Mount, environment: MountEnvironment, driver?: string): Planned {
  check(mount, environment);
  const destination = cleanPath(mount.Target);
  const rw = !mount.ReadOnly;
  if (mount.Type === 'volume') {
    const { NoCopy, Labels, Subpath, DriverConfig } = mount.VolumeOptions ?? {};
    return planVolume(environment, {
      name: mount.Source,
      destination,
      mode: 'z',
      rw,
      nocopy: NoCopy,
      subpath: Subpath,
      driver: DriverConfig?.Name ?? driver,
      options: DriverConfig?.Options,
      labels: Labels,
    });
  }
  const common = { Destination: destination, RW: rw, copyUp: false, anonymous: false };
  if (mount.Type === 'tmpfs') {
    return {
      mount: { Type: 'tmpfs', Source: '', Mode: tmpfsMode(mount), Propagation: '', recursive: false, ...common },
    };
  }
  const { Propagation, NonRecursive, ReadOnlyNonRecursive } = mount.BindOptions ?? {};
  return {
    mount: {
      Type: 'bind',
      Source: cleanPath(mount.Source),
      Mode: '',
      Propagation: Propagation || 'rprivate',
      recursive: !NonRecursive,
      ...(ReadOnlyNonRecursive ? { readOnlyTop: true as const } : {}),
      ...common,
    },
  };
}

function tmpfsMode({ ReadOnly, TmpfsOptions: { SizeBytes = 0, Mode } = {} }: Mount): string {
  return [
    ...(ReadOnly ? ['ro'] : []),
    ...(SizeBytes > 0 ? [`size=${SizeBytes}`] : []),
    ...(Mode === undefined ? [] : [`mode=${Mode.toString(8)}`]),
  ].join(',');
}
