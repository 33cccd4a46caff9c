/** The mounts of a container, in an order in which no later one hides an earlier one. Pure. */
import type { OciMount } from './oci.ts';
import type { MountRecord } from '../record.ts';

export interface RunMount extends MountRecord {
  /** Of the host's mount that the source lies on: 'ro', 'nosuid', 'nodev', 'noexec'. crun (1.8.1) takes them off a bind that is not told them. */
  hostFlags?: readonly string[];
  /** The source is a file: nothing is mounted below it, and crun (1.8.1) cannot open it as a directory for `rro`. */
  file?: boolean;
}

export interface MountInput {
  privileged: boolean;
  readonlyRootfs: boolean;
  /** Bytes; undefined when /dev/shm is another's (bind) or the host's. */
  shm: { size: number } | { path: string } | undefined;
  hostIpc: boolean;
  files: { hostname: string; hosts: string; resolvConf: string };
  /** Host path of the init program. */
  init: string | undefined;
  mounts: readonly RunMount[];
  /** Destination → options, Docker's `--tmpfs`. */
  tmpfs: Readonly<Record<string, string>>;
}

const NOTHING = ['nosuid', 'noexec', 'nodev'];
export const INIT_PATH = '/sbin/docker-init';

function tmpfsOptions(text: string): string[] {
  const given = text === '' ? [] : text.split(',');
  const names = new Set(given.map((option) => option.split('=', 1)[0]));
  const opposites: Record<string, string> = { noexec: 'exec', nosuid: 'suid', nodev: 'dev' };
  const defaults = ['noexec', 'nosuid', 'nodev'].filter((option) => !names.has(opposites[option] ?? ''));
  return [...new Set([...defaults, ...given])];
}

function bindOptions({
  Type,
  recursive,
  RW,
  readOnlyTop,
  Propagation,
  Mode,
  hostFlags = [],
  file,
}: RunMount): string[] {
  const extra = Mode.split(',').filter((option) => ['noexec', 'nosuid', 'nodev'].includes(option));
  // As dockerd since 25: read-only with all that is mounted below (mount_setattr(2), Linux 5.12). Below a volume there is nothing.
  const readOnly = RW ? [] : [Type === 'bind' && recursive && !readOnlyTop && !file ? 'rro' : 'ro'];
  const flags = new Set([...readOnly, ...extra, ...hostFlags.filter((flag) => RW || flag !== 'ro')]);
  const propagation = Propagation || 'rprivate';
  // crun (1.8.1) takes the 'r' of a propagation for that of 'rbind'.
  return recursive ? ['rbind', ...flags, propagation] : ['bind', ...flags, propagation.replace(/^r/, '')];
}

const depth = (path: string): number => path.split('/').filter((part) => part !== '').length;

export function mountsOf(input: MountInput): OciMount[] {
  const system: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: NOTHING },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: [...NOTHING, input.privileged ? 'rw' : 'ro'],
    },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [input.privileged ? 'rw' : 'ro', ...NOTHING],
    },
    // Shows the queues of the IPC namespace of whoever mounts it: with the host's namespace, the host's, although the
    // host itself may have it mounted nowhere.
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: NOTHING },
  ];
  const shm = input.hostIpc ? { path: '/dev/shm' } : input.shm;
  if (shm !== undefined) {
    system.push(
      'path' in shm
        ? { destination: '/dev/shm', type: 'bind', source: shm.path, options: ['rbind', 'rprivate', ...NOTHING] }
        : {
            destination: '/dev/shm',
            type: 'tmpfs',
            source: 'shm',
            options: [...NOTHING, 'mode=1777', `size=${shm.size}`],
          },
    );
  }
  const bind = (destination: string, source: string, readOnly: boolean): OciMount => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind', 'rprivate', ...(readOnly ? ['ro'] : [])],
  });
  const own: OciMount[] = [
    bind('/etc/resolv.conf', input.files.resolvConf, input.readonlyRootfs),
    bind('/etc/hostname', input.files.hostname, input.readonlyRootfs),
    bind('/etc/hosts', input.files.hosts, input.readonlyRootfs),
    ...Object.entries(input.tmpfs).map(([destination, options]): OciMount => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: tmpfsOptions(options),
    })),
    ...input.mounts.map((mount): OciMount =>
      mount.Type === 'tmpfs'
        ? { destination: mount.Destination, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(mount.Mode) }
        : { destination: mount.Destination, type: 'bind', source: mount.Source, options: bindOptions(mount) },
    ),
  ];
  if (input.init !== undefined) own.push(bind(INIT_PATH, input.init, true));
  // A user's mount takes the place of Berth's own at the same path.
  const taken = new Set([...input.mounts.map(({ Destination }) => Destination), ...Object.keys(input.tmpfs)]);
  const user = (mount: OciMount): boolean => taken.has(mount.destination);
  const kept = own.filter(
    (mount, index) =>
      !user(mount) || own.findLastIndex(({ destination }) => destination === mount.destination) === index,
  );
  return [
    ...system.filter((mount) => !user(mount)),
    ...kept.toSorted((a, b) => depth(a.destination) - depth(b.destination)),
  ];
}
