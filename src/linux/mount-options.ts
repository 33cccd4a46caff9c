/** The options of mount(8) as text, for mount(2): 'ro,noexec,size=1m' → flags, and what is left for the file system. */
import { getSystemErrorMessage } from 'node:util';
import {
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_SLAVE,
  SysError,
  mountAsync,
} from './libc.ts';

/** linux/mount.h */
const MS_SYNCHRONOUS = 0x10;
const MS_REMOUNT = 0x20;
const MS_MANDLOCK = 0x40;
const MS_DIRSYNC = 0x80;
const MS_NOATIME = 0x400;
const MS_NODIRATIME = 0x800;
const MS_UNBINDABLE = 0x2_0000;
const MS_SHARED = 0x10_0000;
const MS_RELATIME = 0x20_0000;
const MS_STRICTATIME = 0x100_0000;

/** Each word with its bits; the word for the opposite takes them away. */
const FLAGS: Readonly<Record<string, readonly [bits: number, clear?: true]>> = {
  defaults: [0],
  ro: [MS_RDONLY],
  rw: [MS_RDONLY, true],
  suid: [MS_NOSUID, true],
  nosuid: [MS_NOSUID],
  dev: [MS_NODEV, true],
  nodev: [MS_NODEV],
  exec: [MS_NOEXEC, true],
  noexec: [MS_NOEXEC],
  sync: [MS_SYNCHRONOUS],
  async: [MS_SYNCHRONOUS, true],
  dirsync: [MS_DIRSYNC],
  remount: [MS_REMOUNT],
  mand: [MS_MANDLOCK],
  nomand: [MS_MANDLOCK, true],
  atime: [MS_NOATIME, true],
  noatime: [MS_NOATIME],
  diratime: [MS_NODIRATIME, true],
  nodiratime: [MS_NODIRATIME],
  relatime: [MS_RELATIME],
  norelatime: [MS_RELATIME, true],
  strictatime: [MS_STRICTATIME],
  nostrictatime: [MS_STRICTATIME, true],
  bind: [MS_BIND],
  rbind: [MS_BIND | MS_REC],
};

const PROPAGATIONS: Readonly<Record<string, number>> = {
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  unbindable: MS_UNBINDABLE,
  runbindable: MS_UNBINDABLE | MS_REC,
};

export interface MountOptions {
  flags: number;
  /** Set by a second call; 0 for none. */
  propagation: number;
  /** For the file system, in the order given. */
  data: string;
}

export function parseMountOptions(text: string): MountOptions {
  let [flags, propagation] = [0, 0];
  const data: string[] = [];
  for (const word of text.split(',')) {
    const flag = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    if (flag !== undefined) flags = flag[1] ? flags & ~flag[0] : flags | flag[0];
    else if (Object.hasOwn(PROPAGATIONS, word)) propagation |= PROPAGATIONS[word] ?? 0;
    else if (word !== '') data.push(word);
  }
  return { flags, propagation, data: data.join(',') };
}

/**
 * Mounts `device` at `target`, on threads of the pool. Throws an Error that says what was tried: 'mount tmpfs:/x, data: size=a:
 * invalid argument'.
 */
export async function mountAs(device: string, target: string, type: string, options: string): Promise<void> {
  const { flags, propagation, data } = parseMountOptions(options);
  const call = async (source: string | null, kind: string | null, bits: number, extra: string): Promise<void> => {
    try {
      await mountAsync(source, target, kind, bits, extra);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      const what = [
        `mount ${source === null ? target : `${source}:${target}`}`,
        ...(bits === 0 ? [] : [`flags: 0x${bits.toString(16)}`]),
        ...(extra === '' ? [] : [`data: ${extra}`]),
      ];
      throw new Error(`${what.join(', ')}: ${getSystemErrorMessage(-error.errno)}`, { cause: error });
    }
  };
  await call(device, type, flags, data);
  if (propagation !== 0) await call(null, null, propagation, '');
  // A bind takes no notice of 'ro' until it is mounted again.
  if ((flags & MS_BIND) !== 0 && (flags & MS_RDONLY) !== 0) await call(null, null, flags | MS_REMOUNT, '');
}
