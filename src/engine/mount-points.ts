/** Binds, --mount, image volumes: from what was asked to MountRecords. Pure but for `exists` and `newName`. */
import { invalidParameter, notImplemented } from '../errors.ts';
import type { ContainerConfig, HostConfig } from '../model/container.ts';
import type { MountRecord } from './record.ts';

export interface MountEnvironment {
  exists(path: string): boolean;
  /** Name of a new anonymous volume. */
  newName(): string;
  /** Directory of a volume's files. */
  volumePath(name: string): string;
}

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
const FLAGS = new Set([
  'ro',
  'rw',
  'z',
  'Z',
  'nocopy',
  'noexec',
  'nosuid',
  'nodev',
  'consistent',
  'cached',
  'delegated',
]);
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** Without trailing slash, '.' and '..' taken away; pure text. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function volume(
  environment: MountEnvironment,
  name: string,
  destination: string,
  mode: string,
  rw: boolean,
  copyUp = true,
  anonymous = false,
): MountRecord {
  return {
    Type: 'volume',
    Name: name,
    Source: environment.volumePath(name),
    Destination: destination,
    Driver: 'local',
    Mode: mode,
    RW: rw,
    Propagation: '',
    recursive: true,
    copyUp,
    anonymous,
  };
}

/** 'source:destination[:options]'. A source that is not there is made by the caller. */
export function parseBind(text: string, environment: MountEnvironment): MountRecord {
  const invalid = (): never => {
    throw invalidParameter(`invalid volume specification: '${text}'`);
  };
  const [source = '', destination = '', options = '', ...more] = text.split(':');
  if (more.length > 0 || source === '' || destination === '') invalid();
  if (!destination.startsWith('/')) {
    throw invalidParameter(
      `invalid volume specification: '${text}': invalid mount config for type "volume": invalid mount path: '${destination}' mount path must be absolute`,
    );
  }
  const target = cleanPath(destination);
  if (target === '/') {
    throw invalidParameter(
      `invalid volume specification: '${text}': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    );
  }
  const list = options === '' ? [] : options.split(',');
  const propagation = list.filter((option) => PROPAGATIONS.includes(option));
  if (list.some((option) => !FLAGS.has(option) && !PROPAGATIONS.includes(option)) || propagation.length > 1) {
    throw invalidParameter(`invalid mode: ${options}`);
  }
  if (list.includes('ro') && list.includes('rw')) throw invalidParameter(`invalid mode: ${options}`);
  const rw = !list.includes('ro');
  if (!source.startsWith('/')) {
    if (!VOLUME_NAME.test(source)) {
      throw invalidParameter(
        `create ${source}: ${JSON.stringify(source)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
      );
    }
    return volume(environment, source, target, options || 'z', rw, !list.includes('nocopy'));
  }
  return {
    Type: 'bind',
    Source: cleanPath(source),
    Destination: target,
    Mode: options,
    RW: rw,
    Propagation: propagation[0] ?? 'rprivate',
    recursive: true,
    copyUp: false,
    anonymous: false,
  };
}

/** Files of /proc that programs such as lxcfs lay their own over; runc takes the same ones (checkProcMount). */
const PROC_FILES = new Set(
  'cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo net/dev sys/kernel/ns_last_pid'
    .split(' ')
    .map((name) => `/proc/${name}`),
);

/** A mount over /proc would take the masked paths away. */
function refuseProc(target: string): void {
  if (target !== '/proc' && !target.startsWith('/proc/')) return;
  if (PROC_FILES.has(target)) return;
  throw invalidParameter(`invalid mount path: ${JSON.stringify(target)} cannot be mounted because it is inside /proc`);
}

export function mountPoints(
  config: ContainerConfig,
  host: HostConfig,
  environment: MountEnvironment,
): { mounts: MountRecord[]; create: string[] } {
  const result = new Map<string, MountRecord>();
  const create: string[] = [];
  const add = (record: MountRecord): void => {
    refuseProc(record.Destination);
    if (result.has(record.Destination)) throw invalidParameter(`Duplicate mount point: ${record.Destination}`);
    result.set(record.Destination, record);
  };
  if ((host.VolumesFrom ?? []).length > 0) {
    throw notImplemented('--volumes-from comes with a later version of berth: name the volumes with -v');
  }
  for (const text of host.Binds ?? []) {
    const record = parseBind(text, environment);
    add(record);
    if (record.Type === 'bind' && !environment.exists(record.Source)) create.push(record.Source);
  }
  for (const mount of host.Mounts ?? []) {
    const wrong = (what: string): never => {
      throw invalidParameter(`invalid mount config for type "${mount.Type}": ${what}`);
    };
    if (mount.Target === '') wrong('field Target must not be empty');
    if (!mount.Target.startsWith('/')) wrong(`invalid mount path: '${mount.Target}' mount path must be absolute`);
    const target = cleanPath(mount.Target);
    if (target === '/') wrong("invalid specification: destination can't be '/'");
    if (mount.Type === 'bind') {
      if (mount.Source === '') wrong('field Source must not be empty');
      if (!mount.Source.startsWith('/')) wrong(`invalid mount path: '${mount.Source}' mount path must be absolute`);
      if (!environment.exists(mount.Source)) {
        if (mount.BindOptions?.CreateMountpoint) create.push(cleanPath(mount.Source));
        else wrong(`bind source path does not exist: ${mount.Source}`);
      }
      const propagation = mount.BindOptions?.Propagation || 'rprivate';
      if (!PROPAGATIONS.includes(propagation)) wrong(`invalid propagation mode: ${propagation}`);
      add({
        Type: 'bind',
        Source: cleanPath(mount.Source),
        Destination: target,
        Mode: '',
        RW: !mount.ReadOnly,
        Propagation: propagation,
        recursive: !mount.BindOptions?.NonRecursive,
        copyUp: false,
        anonymous: false,
      });
    } else if (mount.Type === 'tmpfs') {
      if (mount.Source !== '') wrong('field Source must not be specified');
      const { SizeBytes = 0, Mode } = mount.TmpfsOptions ?? {};
      const options = [
        ...(mount.ReadOnly ? ['ro'] : []),
        ...(SizeBytes > 0 ? [`size=${SizeBytes}`] : []),
        ...(Mode === undefined ? [] : [`mode=${Mode.toString(8)}`]),
      ];
      add({
        Type: 'tmpfs',
        Source: '',
        Destination: target,
        Mode: options.join(','),
        RW: !mount.ReadOnly,
        Propagation: '',
        recursive: false,
        copyUp: false,
        anonymous: false,
      });
    } else {
      if (mount.Source !== '' && !VOLUME_NAME.test(mount.Source)) wrong(`invalid volume name: ${mount.Source}`);
      const name = mount.Source || environment.newName();
      add(volume(environment, name, target, 'z', !mount.ReadOnly, true, mount.Source === ''));
    }
  }
  for (const [destination] of Object.entries(host.Tmpfs ?? {})) {
    const target = cleanPath(destination);
    if (!destination.startsWith('/'))
      throw invalidParameter(`invalid mount path: '${destination}' mount path must be absolute`);
    if (target === '/') throw invalidParameter("invalid specification: destination can't be '/'");
    refuseProc(target);
    if (result.has(target)) throw invalidParameter(`Duplicate mount point: ${target}`);
  }
  const tmpfs = new Set(Object.keys(host.Tmpfs ?? {}).map(cleanPath));
  for (const destination of Object.keys(config.Volumes ?? {})) {
    if (!destination.startsWith('/')) throw invalidParameter(`invalid volume specification: '${destination}'`);
    const target = cleanPath(destination);
    if (target === '/') throw invalidParameter("invalid volume specification: destination can't be '/'");
    if (!result.has(target) && !tmpfs.has(target))
      add(volume(environment, environment.newName(), target, '', true, true, true));
  }
  return { mounts: [...result.values()], create };
}
