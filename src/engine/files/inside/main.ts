/** One job, from its first line to its last answer. Everything is loaded before the process leaves the host's files. */
import { lstatSync, openSync, readFileSync, realpathSync, closeSync, constants, fstatSync } from 'node:fs';
import { posix } from 'node:path';
import { BerthError, invalidParameter, system, type ErrorKind } from '../../../errors.ts';
import {
  endWithParent,
  enterLayers,
  enterNamespace,
  enterOverlay,
  enterRootOf,
  makeBlocking,
} from '../../../linux/private-view.ts';
import { SysError } from '../../../linux/libc.ts';
import { TarError, textOf, toBytes } from '../../../tar/header.ts';
import { lookUpUser } from '../../users.ts';
import { CONTROL_FD, NAMESPACE_FD, type Task, type View } from '../job.ts';
import { codeOf, lookAt, wordsOf, type Stat } from './bytes.ts';
import { changes, LAYERS } from './changes.ts';
import { input, Output, readJob, STDIN, STDOUT, tell } from './channel.ts';
import { writeLayer } from './layer.ts';
import { addContents, addTree, archiveName, Packer } from './pack.ts';
import { absolute, pathStat } from './stat.ts';
import { Unpacker } from './unpack.ts';

/** Exit code of the process. `parent` is berthd's number. */
export function runJob(parent: number): number {
  try {
    endWithParent(parent);
    makeBlocking([STDIN, STDOUT, CONTROL_FD]);
    const { view, task } = readJob();
    enter(view);
    carryOut(task);
    tell({ done: true });
    return 0;
  } catch (error) {
    if (codeOf(error) === 'EPIPE') return 1;
    try {
      tell({ error: publicly(error) });
    } catch {
      // berthd has gone: nobody is left to hear it.
    }
    return 1;
  }
}

function publicly(error: unknown): { kind: ErrorKind | 'Missing'; message: string } {
  if (error instanceof Missing) return { kind: 'Missing', message: error.message };
  if (error instanceof BerthError) return { kind: error.kind, message: error.message };
  if (error instanceof TarError) return { kind: 'InvalidParameter', message: `archive/tar: ${error.message}` };
  if (error instanceof SysError) return { kind: 'System', message: error.message };
  return { kind: 'System', message: wordsOf(error) };
}

class Missing extends Error {}

function enter(view: View): void {
  if (view.kind === 'namespace') enterNamespace(NAMESPACE_FD);
  else if (view.kind === 'root') enterRootOf(NAMESPACE_FD);
  else if (view.kind === 'layers') enterLayers(view.at, view.upperDir, view.lowerDirs);
  else enterOverlay({ ...view, target: view.at }, view.binds);
}

function carryOut(task: Task): void {
  if (task.kind === 'stat') tell({ ready: true, stat: pathStat(absolute(task.path), found(absolute(task.path))) });
  else if (task.kind === 'pack') pack(absolute(task.path));
  else if (task.kind === 'export') exportAll();
  else if (task.kind === 'unpack') unpack(task);
  else if (task.kind === 'changes') listChanges(task.own);
  else {
    tell({ ready: true });
    writeLayer(new Output(), task.own);
  }
}

/** The kernel's own judgement: a path that ends with '/' is a directory's. */
function found(path: string): Stat {
  try {
    return lstatSync(toBytes(path), { bigint: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new Missing(textOf(path));
    throw error;
  }
}

function pack(path: string): void {
  const stat = found(path);
  tell({ ready: true, stat: pathStat(path, stat) });
  const packer = new Packer(new Output());
  addTree(packer, archiveName(path), path, stat);
  packer.end();
}

function exportAll(): void {
  tell({ ready: true });
  const packer = new Packer(new Output());
  addContents(packer, '', '/');
  packer.end();
}

const KINDS = { added: 1, changed: 0, same: 0, deleted: 2 } as const;

function listChanges(own: readonly string[]): void {
  tell({ ready: true });
  const output = new Output();
  let before = '[';
  for (const { kind, path } of changes(LAYERS, own, true)) {
    output.write(Buffer.from(before + JSON.stringify({ Path: textOf(path), Kind: KINDS[kind] })));
    before = ',';
  }
  // What Go makes of an empty list that nobody made.
  output.write(Buffer.from(before === '[' ? 'null\n' : ']\n'));
  output.flush();
}

type Unpack = Extract<Task, { kind: 'unpack' }>;

function unpack(task: Unpack): void {
  const path = absolute(task.path);
  let root;
  try {
    root = realpathSync.native(toBytes(path), { encoding: 'buffer' }).toString('latin1');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new Missing(textOf(path));
    throw error;
  }
  if (!lookAt(root)?.isDirectory()) throw invalidParameter('extraction point is not a directory');
  checkWritable(root, task);
  const owner = task.owner === '' ? undefined : ownerOf(task.owner);
  const unpacker = new Unpacker(root, { noOverwriteDirNonDir: task.noOverwriteDirNonDir, owner });
  tell({ ready: true });
  try {
    for (const chunk of input()) unpacker.push(chunk);
    unpacker.end();
  } finally {
    unpacker.close();
  }
}

/** In a volume it is the volume that counts, elsewhere the container's root. */
function checkWritable(path: string, { mounts, readOnlyRoot }: Unpack): void {
  const depth = (place: string): number => place.split('/').length;
  const [mount] = mounts
    .filter(({ destination }) => path === destination || path.startsWith(`${destination}/`))
    .toSorted((a, b) => depth(b.destination) - depth(a.destination));
  if (mount?.writable === false) throw invalidParameter('mounted volume is marked read-only');
  if (mount === undefined && readOnlyRoot) throw invalidParameter('container rootfs is marked read-only');
}

function ownerOf(user: string): { uid: number; gid: number } {
  const { uid, gid } = lookUpUser(user, [], database('/etc/passwd'), database('/etc/group'));
  return { uid, gid };
}

/** Larger files are no user databases. */
const LARGEST_DATABASE = 4 << 20;

/** The container's own file, which may be anything. */
function database(path: string): string {
  let fd;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) return '';
    if (stat.size > LARGEST_DATABASE) throw system(`${posix.basename(path)} of the container is too large`);
    return readFileSync(fd, 'utf8');
  } catch (error) {
    if (error instanceof BerthError) throw error;
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
