/**
 * The built-in image: docker.io/library/busybox:latest made from this machine's static busybox, so that the first
 * container needs no registry. All times and owners are fixed: its ID depends on the program alone.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unavailable } from '../../errors.ts';
import { copyIn, hostArchitecture, nameImage } from './context.ts';
import type { ImageContext } from './context.ts';
import type { ImageConfig } from './layout.ts';
import { blobPath, finishLayout, startLayout } from './oci.ts';
import { encodeHeader, endOfArchive, padding } from '../../tar/header.ts';
import type { NewEntry } from '../../tar/header.ts';

export const BUSYBOX = 'docker.io/library/busybox:latest';
const PROGRAM = '/bin/busybox';
const INSTALL = "run 'apt-get install busybox-static', or pull a busybox image from a registry";
/** 2026-01-01, of every file and of the image. */
const TIME = 1_767_225_600;
const CREATED = '2026-01-01T00:00:00Z';

const DIRECTORIES: readonly [path: string, mode: number][] = [
  ...[
    'bin',
    'dev',
    'etc',
    'home',
    'lib',
    'proc',
    'sys',
    'usr',
    'usr/bin',
    'usr/sbin',
    'var',
    'var/spool',
    'var/www',
    'sbin',
    'run',
  ].map((path): [string, number] => [path, 0o755]),
  ['root', 0o700],
  ['tmp', 0o1777],
  ['var/spool/mail', 0o755],
  ['var/tmp', 0o1777],
];

/** name, uid, home, shell; the group has the same name and number. */
const USERS: readonly [name: string, id: number, home: string, shell: string][] = [
  ['root', 0, '/root', '/bin/sh'],
  ['daemon', 1, '/usr/sbin', '/bin/false'],
  ['bin', 2, '/bin', '/bin/false'],
  ['sys', 3, '/dev', '/bin/false'],
  ['mail', 8, '/var/spool/mail', '/bin/false'],
  ['www-data', 33, '/var/www', '/bin/false'],
  ['operator', 37, '/var', '/bin/false'],
  ['nobody', 65_534, '/home', '/bin/false'],
];
const MORE_GROUPS: readonly [name: string, id: number][] = [
  ['adm', 4],
  ['tty', 5],
  ['disk', 6],
  ['wheel', 10],
  ['utmp', 43],
  ['video', 44],
  ['users', 100],
];

const lines = (items: readonly string[]): string => `${items.join('\n')}\n`;

function files(): [path: string, mode: number, text: string][] {
  const groups = [...USERS.map(([name, id]): [string, number] => [name, id]), ...MORE_GROUPS];
  return [
    [
      'etc/passwd',
      0o644,
      lines(USERS.map(([name, id, home, shell]) => `${name}:x:${id}:${id}:${name}:${home}:${shell}`)),
    ],
    ['etc/group', 0o644, lines(groups.map(([name, id]) => `${name}:x:${id}:`))],
    ['etc/shadow', 0o600, lines(USERS.map(([name]) => `${name}:*:::::::`))],
    ['etc/nsswitch.conf', 0o644, 'passwd: files\ngroup: files\nhosts: files dns\n'],
  ];
}

/** ELF64 (elf(5)): e_phoff at 32, e_phentsize at 54, e_phnum at 56; a PT_INTERP (3) segment names a dynamic loader. */
export function isStaticElf(program: Buffer): boolean {
  if (program.length < 64 || program.readUInt32BE(0) !== 0x7f454c46 || program[4] !== 2) return false;
  const start = Number(program.readBigUInt64LE(32));
  const size = program.readUInt16LE(54);
  for (let i = 0; i < program.readUInt16LE(56); i++) {
    const at = start + i * size;
    if (at + 4 > program.length || program.readUInt32LE(at) === 3) return false;
  }
  return true;
}

/** The layer as a tar. `applets` are the names that the program answers to. */
export function busyboxLayer(program: Buffer, applets: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  const add = (entry: NewEntry, body: Buffer = Buffer.alloc(0)): void => {
    parts.push(encodeHeader({ ...entry, size: body.length, mtime: TIME }), body, padding(body.length));
  };
  for (const [path, mode] of DIRECTORIES) add({ name: `${path}/`, type: '5', mode });
  add({ name: 'bin/busybox', mode: 0o755 }, program);
  for (const applet of applets) {
    if (applet !== 'busybox' && /^[\w[][\w.+[-]*$/.test(applet)) {
      add({ name: `bin/${applet}`, type: '1', mode: 0o755, linkName: 'bin/busybox' });
    }
  }
  add({ name: 'usr/bin/env', type: '2', mode: 0o777, linkName: '../../bin/env' });
  for (const [path, mode, text] of files()) add({ name: path, mode }, Buffer.from(text));
  parts.push(endOfArchive());
  return Buffer.concat(parts);
}

function configOf(diffId: string): ImageConfig {
  return {
    created: CREATED,
    architecture: hostArchitecture(),
    os: 'linux',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: CREATED, created_by: 'berth: built-in busybox', comment: "made from this machine's busybox" }],
  };
}

export async function makeBusybox(context: ImageContext, programPath = PROGRAM): Promise<void> {
  const program = await readFile(programPath).catch((error: unknown) => {
    throw unavailable(`the built-in busybox image needs ${programPath}: ${INSTALL}`, error);
  });
  if (!isStaticElf(program)) {
    throw unavailable(`the built-in busybox image needs a statically linked ${programPath}: ${INSTALL}`);
  }
  const { stdout } = await promisify(execFile)(programPath, ['--list']);
  const layer = busyboxLayer(program, stdout.split('\n').filter(Boolean));
  const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  await using scratch = await context.editor.scratch();
  const directory = join(scratch.path, 'oci');
  await startLayout(directory);
  await writeFile(join(directory, blobPath(digest)), layer);
  const id = await finishLayout(directory, configOf(digest), [{ digest, size: layer.length }]);
  const run = { scratch: scratch.path, what: 'cannot make the built-in busybox image' };
  await copyIn(context, `oci:${directory}`, id, [digest], run);
  await nameImage(context, id, [BUSYBOX]);
  context.log.info('made the built-in busybox image', { id });
}
