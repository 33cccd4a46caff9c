/** `cp LOCAL CONTAINER:PATH`. */
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { isGoDevice, isGoDirectory, isGoLink } from '../../tar/file-mode.ts';
import type { Context } from '../command.ts';
import { localSource, packed } from './local-source.ts';
import { keepEnd, splitEntry } from './paths.ts';
import { archivePath, statIn } from './path-stat.ts';
import { planCopy, type Side } from './plan.ts';
import type { CopyProgress } from './progress.ts';

export interface ToContainer {
  container: string;
  /** Local, or '-'. */
  source: string;
  /** In the container. */
  destination: string;
  followLink: boolean;
  copyUIDGID: boolean;
}

export async function copyToContainer(
  context: Context,
  request: ToContainer,
  progress: (header: string) => CopyProgress | undefined,
): Promise<void> {
  const { client, stdin } = context;
  const { container, source, destination } = request;
  const target = await destinationIn(context, container, destination);
  const send = async (path: string, stream: Readable): Promise<void> => {
    await client.stream('PUT', archivePath(container), {
      query: { path, noOverwriteDirNonDir: 'true', copyUIDGID: request.copyUIDGID ? 'true' : undefined },
      stream,
    });
  };
  if (source === '-') {
    if (!target.isDirectory) throw new Error(`destination "${container}:${destination}" must be a directory`);
    return send(target.path, stdin);
  }
  const side = await localSource(keepEnd(posix.resolve(source), source), request.followLink);
  const { directory, rebase } = planCopy(side, target);
  const shown = progress('Copying to container - ');
  try {
    const archive = packed(side, rebase);
    await send(directory, Readable.from(shown?.watch(archive) ?? archive, { objectMode: false }));
  } catch (error) {
    shown?.stop();
    throw error;
  }
  shown?.end(`${container}:${target.path}`);
}

/** A link there is followed. What cannot be told of may still come to be: the daemon will say. */
async function destinationIn({ client }: Context, container: string, destination: string): Promise<Side> {
  let path = destination;
  let stat = await statIn(client, container, path);
  if (stat !== undefined && isGoLink(stat.mode)) {
    path = posix.resolve('/', splitEntry(path).directory, stat.linkTarget);
    stat = await statIn(client, container, path);
  }
  if (stat === undefined) return { path, exists: false, isDirectory: false, rename: '' };
  if (isGoDevice(stat.mode)) {
    throw new Error(`destination "${container}:${destination}" must be a directory or a regular file: got a device`);
  }
  return { path, exists: true, isDirectory: isGoDirectory(stat.mode), rename: '' };
}
