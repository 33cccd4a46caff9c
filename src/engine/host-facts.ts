/** What the spec needs to know of the machine: devices, the init program, namespaces of other containers. */
import { accessSync, constants, existsSync, readdirSync, statSync, type Dirent, type Stats } from 'node:fs';
import { conflict, invalidParameter, unavailable } from '../errors.ts';
import type { HostConfig } from '../model/container.ts';
import type { Context } from './context.ts';
import type { HostDevice } from './spec/devices.ts';

const MODE = 0o7777;

/** Files below a directory that somebody names: /dev has some hundreds. All of `/` would take seconds, in which nothing else happens. */
const MOST_FILES = 4096;

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    // Gone meanwhile, or in a directory of a kind that shows no files.
    return undefined;
  }
}

/** makedev(3): 12 bits of major, 20 of minor, in two pieces each; the high pieces are zero below 4096 and 1 million. */
const numbersOf = ({ rdev }: { rdev: number }): { major: number; minor: number } => ({
  major: (rdev >>> 8) & 0xfff,
  minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
});

/** Whose traffic is weighed or limited. */
export function blockDevice(path: string): { major: number; minor: number } {
  const stat = statOf(path);
  if (stat === undefined) throw invalidParameter(`stat ${path}: no such file or directory`);
  if (!stat.isBlockDevice()) throw invalidParameter(`${path}: not a block device`);
  return numbersOf(stat);
}

function deviceOf(stat: Stats, path: string, access: string): HostDevice | undefined {
  const type = stat.isCharacterDevice() ? 'c' : stat.isBlockDevice() ? 'b' : undefined;
  if (type === undefined) return undefined;
  return { path, type, access, ...numbersOf(stat), fileMode: stat.mode & MODE, uid: stat.uid, gid: stat.gid };
}

/** The device, or those below the directory; undefined when there are more than `most` files to look at. */
function devicesBelow(pathOnHost: string, path: string, access: string, most: number): HostDevice[] | undefined {
  const found: HostDevice[] = [];
  const paths: [onHost: string, inside: string][] = [[pathOnHost, path]];
  for (const [onHost, inside] of paths) {
    if (paths.length > most) return undefined;
    const stat = statOf(onHost);
    if (stat?.isDirectory()) {
      for (const entry of entriesOf(onHost)) {
        if (!entry.isSymbolicLink()) paths.push([`${onHost}/${entry.name}`, `${inside}/${entry.name}`]);
      }
      continue;
    }
    const device = stat && deviceOf(stat, inside, access);
    if (device) found.push(device);
  }
  return found;
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** The terminals and memory areas that the runtime makes itself. */
const OWN = /^\/dev\/(pts|shm|mqueue|console|fd|core|ptmx|null|zero|full|random|urandom|tty)(\/|$)/;

export function devicesOf(host: HostConfig): HostDevice[] {
  if (host.Privileged)
    return (devicesBelow('/dev', '/dev', 'rwm', Infinity) ?? []).filter(({ path }) => !OWN.test(path));
  return (host.Devices ?? []).flatMap(({ PathOnHost, PathInContainer, CgroupPermissions }) => {
    const access = CgroupPermissions || 'rwm';
    if (!/^[rwm]{1,3}$/.test(access)) throw invalidParameter(`invalid device mode: ${access}`);
    const devices = devicesBelow(PathOnHost, PathInContainer || PathOnHost, access, MOST_FILES);
    if (devices !== undefined && devices.length > 0) return devices;
    const there = statOf(PathOnHost) !== undefined;
    const why = !there ? 'no such file or directory' : devices ? 'not a device node' : 'too many files are below it';
    const name = JSON.stringify(PathOnHost.slice(0, 4096));
    throw invalidParameter(`error gathering device information while adding custom device ${name}: ${why}`);
  });
}

const executable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Absolute path of a program on PATH. */
export function findProgram(name: string): string | undefined {
  if (name.includes('/')) return executable(name) ? name : undefined;
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/bin', '/usr/sbin', '/usr/local/bin'];
  return directories.map((directory) => `${directory}/${name}`).find(executable);
}

/** A statically linked init: the image may have no library that another needs. */
export function initProgram(context: Context): string {
  const configured = context.settings.initPath;
  const found = [`${configured}-static`, 'tini-static', configured, 'docker-init', 'tini']
    .filter((name) => name !== '' && name !== '-static')
    .map(findProgram)
    .find((path) => path !== undefined);
  if (found !== undefined) return found;
  throw unavailable('--init needs tini on this machine (Debian: apt-get install tini), or --init-path of berthd');
}

/** Of a mode 'container:<id>': the path of that container's namespace. */
export function namespaceOf(context: Context, mode: string, kind: 'pid' | 'ipc'): 'own' | 'host' | { path: string } {
  if (mode === 'host') {
    if (kind === 'ipc' && !existsSync('/dev/shm')) {
      throw unavailable('/dev/shm is not mounted, but must be for --ipc=host');
    }
    return 'host';
  }
  if (!mode.startsWith('container:')) return 'own';
  const other = context.registry.find(mode.slice('container:'.length));
  if (!other.running) {
    throw conflict(`cannot join ${kind.toUpperCase()} of a non running container: ${other.id}`);
  }
  if (kind === 'ipc' && other.record.hostConfig.IpcMode !== 'shareable') {
    throw conflict(
      `cannot join IPC of container ${other.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    );
  }
  return { path: `/proc/${other.record.state.Pid}/ns/${kind}` };
}
