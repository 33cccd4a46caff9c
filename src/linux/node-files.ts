/** What of a file Node has no call for: device nodes, pipes, extended attributes (mknod(2), xattr(7)). Paths are bytes. */
import { libc, SysError } from './libc.ts';

const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

const terminated = (path: Uint8Array): Buffer => Buffer.concat([path, Buffer.alloc(1)]);

/** As makedev(3). */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
}

/** The number of a device in struct stat, apart. */
export function deviceParts(device: number): { major: number; minor: number } {
  const number = BigInt(device);
  return {
    major: Number(((number >> 32n) & 0xfffff000n) | ((number >> 8n) & 0xfffn)),
    minor: Number(((number >> 12n) & 0xffffff00n) | (number & 0xffn)),
  };
}

export function makeNode(
  path: Uint8Array,
  kind: 'pipe' | 'character' | 'block',
  mode: number,
  device: { major: number; minor: number },
): void {
  const type = { pipe: S_IFIFO, character: S_IFCHR, block: S_IFBLK }[kind];
  libc.mknod(terminated(path), type | mode, kind === 'pipe' ? 0n : deviceNumber(device.major, device.minor));
}

/** XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel. */
const LARGEST = 65_536;
/** One for all: a tree has many files, and the calls are synchronous. */
const room = Buffer.alloc(LARGEST);

const without = (error: unknown): boolean =>
  error instanceof SysError && ['ENODATA', 'EOPNOTSUPP', 'ENOENT', 'ENOTDIR', 'ERANGE', 'EPERM'].includes(error.code);

/** Names of a file's extended attributes; none where the file system has no such thing or the file is gone. */
export function attributeNames(path: Uint8Array): string[] {
  try {
    const size = libc.llistxattr(terminated(path), room, room.length);
    return room.toString('latin1', 0, size).split('\0').slice(0, -1);
  } catch (error) {
    if (without(error)) return [];
    throw error;
  }
}

/** undefined where the file has none of that name. */
export function attribute(path: Uint8Array, name: string): Buffer | undefined {
  try {
    return Buffer.from(room.subarray(0, libc.lgetxattr(terminated(path), name, room, room.length)));
  } catch (error) {
    if (without(error)) return undefined;
    throw error;
  }
}

export function setAttribute(path: Uint8Array, name: string, value: Uint8Array): void {
  // The buffer of an empty view has no address.
  libc.lsetxattr(terminated(path), name, Buffer.concat([value, Buffer.alloc(1)]), value.length, 0);
}
