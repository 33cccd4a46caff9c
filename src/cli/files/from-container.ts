/** `cp CONTAINER:PATH LOCAL`. */
import { stat as statOf } from 'node:fs/promises';
import { posix } from 'node:path';
import { isGoDirectory, isGoLink } from '../../tar/file-mode.ts';
import { byteString } from '../../tar/header.ts';
import type { Context } from '../command.ts';
import { harmless } from '../format/text.ts';
import { outputOf } from '../streams/output.ts';
import { writeOutput } from '../images/archive.ts';
import { localDestination, LocalUnpacker } from './local-destination.ts';
import { keepEnd, renamed, splitEntry } from './paths.ts';
import { archivePath, decodeStat, statIn, type PathStat } from './path-stat.ts';
import { planCopy, rebased, type Plan } from './plan.ts';
import type { CopyProgress } from './progress.ts';

export interface FromContainer {
  container: string;
  /** In the container. */
  source: string;
  /** Local, or '-'. */
  destination: string;
  followLink: boolean;
}

export async function copyFromContainer(
  context: Context,
  { container, source, destination, followLink }: FromContainer,
  progress: (header: string) => CopyProgress | undefined,
): Promise<void> {
  const { client, stdout, stderr } = context;
  const target = destination === '-' ? '-' : keepEnd(posix.resolve(destination), destination);
  if (target !== '-') await checkOutput(target);
  const followed = followLink ? await followedSource(context, container, source) : { path: source, rename: '' };
  let stat: PathStat | undefined;
  const archive = await client.stream('GET', archivePath(container), {
    query: { path: followed.path },
    onHead: (fields) => (stat = decodeStat(fields)),
  });
  if (target === '-') return writeOutput(archive, '', stdout);
  const shown = progress('Copying from container - ');
  try {
    const side = { ...followed, exists: true, isDirectory: isGoDirectory(stat?.mode ?? 0) };
    const plan = planCopy(side, await localDestination(target));
    const skipped = await unpack(shown?.watch(archive) ?? archive, plan, followed);
    shown?.end(target);
    const words = skipped.map((path) => `${harmless(path)} is a device or a pipe: it was not copied\n`);
    await outputOf(stderr).write(words.join(''));
  } catch (error) {
    shown?.stop();
    archive.destroy();
    throw error;
  }
}

/** The last link is followed by name: what comes is called as the link is. */
async function followedSource(
  { client }: Context,
  container: string,
  source: string,
): Promise<{ path: string; rename: string }> {
  const stat = await statIn(client, container, source);
  if (stat === undefined || !isGoLink(stat.mode)) return { path: source, rename: '' };
  return renamed(source, posix.resolve('/', splitEntry(source).directory, stat.linkTarget));
}

/** Both the source's own new name and the place's are given to entries, one after the other as docker does. */
async function unpack(
  archive: AsyncIterable<Buffer>,
  { directory, rebase }: Plan,
  { path, rename }: { path: string; rename: string },
): Promise<readonly string[]> {
  const own = rename === '' ? undefined : bytesOf({ from: splitEntry(path).name, to: rename });
  const place = rebase === undefined ? undefined : bytesOf(rebase);
  const naming = (name: string): string => {
    const first = own === undefined ? name : rebased(name, own);
    return place === undefined ? first : rebased(first, place);
  };
  const unpacker = new LocalUnpacker(byteString(directory), naming);
  try {
    for await (const chunk of archive) await unpacker.push(chunk);
    await unpacker.end();
    return unpacker.skipped;
  } finally {
    await unpacker.close();
  }
}

const bytesOf = ({ from, to }: { from: string; to: string }): { from: string; to: string } => ({
  from: byteString(from),
  to: byteString(to),
});

async function checkOutput(path: string): Promise<void> {
  const directory = posix.dirname(posix.normalize(path));
  if ((await statOf(directory).catch(() => undefined)) === undefined) {
    throw new Error(`invalid output path: directory ${JSON.stringify(directory)} does not exist`);
  }
  const there = await statOf(path).catch(() => undefined);
  if (there !== undefined && !there.isDirectory() && !there.isFile()) {
    const what = there.isBlockDevice() || there.isCharacterDevice() ? 'got a device' : 'got an irregular file';
    throw new Error(`invalid output path: ${JSON.stringify(path)} must be a directory or a regular file: ${what}`);
  }
}
