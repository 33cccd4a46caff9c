/** What the API asks of the files of containers. `ref` as in engine/port.ts; every method throws BerthError with Docker's text. */
import type { Readable } from 'node:stream';
import type { ContainerConfig } from '../../model/container.ts';
import type { PathStat } from './job.ts';

export type { PathStat } from './job.ts';

export interface WriteOptions {
  /** Refuse to let a directory take the place of something else, and the other way round. */
  noOverwriteDirNonDir: boolean;
  /** Everything becomes the container's user's. */
  copyUIDGID: boolean;
}

export interface CommitRequest {
  /** '' for an image without a name. */
  repository: string;
  tag: string;
  author: string;
  comment: string;
  /** Let the container's processes stand still meanwhile. */
  pause: boolean;
  /** Dockerfile instructions. */
  changes: string[];
  /** What the image is to say instead of the container's own configuration, where it says anything. */
  config: ContainerConfig | undefined;
}

/** An archive as it is made; an error on the way is thrown by the iteration, and an abort of the signal ends it. */
export type Stream = AsyncIterable<Buffer>;

export interface ContainerFiles {
  stat(ref: string, path: string, signal: AbortSignal): Promise<PathStat>;
  /** A tar of the file or directory at `path`. */
  read(ref: string, path: string, signal: AbortSignal): Promise<{ stat: PathStat; archive: Stream }>;
  /** Unpacks a tar, compressed or not, into the directory at `path`. */
  write(ref: string, path: string, archive: Readable, options: WriteOptions, signal: AbortSignal): Promise<void>;
  /** A tar of the root file system without what is mounted in it. */
  export(ref: string, signal: AbortSignal): Promise<Stream>;
  /** JSON text: [{Path, Kind}], Kind 0 changed, 1 added, 2 deleted. */
  changes(ref: string, signal: AbortSignal): Promise<Stream>;
  /** An image of the container's files. Answers with its ID. */
  commit(ref: string, request: CommitRequest, signal: AbortSignal): Promise<string>;
}
