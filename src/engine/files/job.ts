/**
 * What berthd and berth-files say to each other. A job is one line of JSON on descriptor 3; answers are lines of JSON
 * there, archives go through standard input and output. Paths are byte strings (tar/header.ts).
 */
import type { ErrorKind } from '../../errors.ts';
import type { Bind } from '../../linux/private-view.ts';

/** Where the files are. */
export type View =
  /** A running container: descriptor 4 is its mount namespace. All that is mounted there is seen. */
  | { kind: 'namespace' }
  /** The same without what is mounted there. */
  | { kind: 'root' }
  /** A container that does not run: its overlay, mounted over the directory `at` of the host, for this process only. */
  | {
      kind: 'overlay';
      at: string;
      lowerDirs: readonly string[];
      upperDir: string;
      workDir: string;
      volatile: boolean;
      readOnly: boolean;
      binds: readonly Bind[];
    }
  /** A container's own layer and those below, apart. */
  | { kind: 'layers'; at: string; lowerDirs: readonly string[]; upperDir: string };

/** Paths that are not the container's doing: mount points, and what Berth puts there. */
export type OwnPaths = readonly string[];

export type Task =
  | { kind: 'stat'; path: string }
  /** The file or directory at `path`. */
  | { kind: 'pack'; path: string }
  /** Everything. */
  | { kind: 'export' }
  | {
      kind: 'unpack';
      path: string;
      noOverwriteDirNonDir: boolean;
      /** 'user[:group]' of the container's own files, to whom everything goes; '' keeps what the archive says. */
      owner: string;
      readOnlyRoot: boolean;
      mounts: readonly { destination: string; writable: boolean }[];
    }
  /** What differs from the image, as the API's JSON. */
  | { kind: 'changes'; own: OwnPaths }
  /** The same as a layer for an image (OCI image-spec layer.md). */
  | { kind: 'layer'; own: OwnPaths };

export interface Job {
  view: View;
  task: Task;
}

/** In the API's words: X-Docker-Container-Path-Stat. */
export interface PathStat {
  name: string;
  size: number;
  /** Go's os.FileMode. */
  mode: number;
  /** RFC 3339 with nanoseconds. */
  mtime: string;
  /** Of a symbolic link: where it leads to, resolved inside the container; '' for all else. */
  linkTarget: string;
}

export type Answer =
  /** The job is understood and possible; what it gives follows. */
  | { ready: true; stat?: PathStat }
  | { done: true }
  /** 'Missing': there is nothing at the path that was asked for. */
  | { error: { kind: ErrorKind | 'Missing'; message: string } };

export const CONTROL_FD = 3;
export const NAMESPACE_FD = 4;
