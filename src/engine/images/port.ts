/** Images: what the API and the container lifecycle ask of the image store. Errors are BerthErrors with Docker's text. */
import type { Readable } from 'node:stream';
import type { Healthcheck } from '../../model/container.ts';
import type { Filters, Json } from '../../model/json.ts';

/** What an image says about the containers made from it (OCI image-spec config.md, `config`). */
export interface ImageDefaults {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: Record<string, object> | null;
  WorkingDir?: string;
  Labels?: Record<string, string> | null;
  StopSignal?: string;
  Healthcheck?: Healthcheck;
  Shell?: string[];
}

export interface ImageRecord {
  /** 'sha256:…', the digest of the configuration. */
  id: string;
  /** Normalized names, 'docker.io/library/busybox:latest'. */
  names: string[];
  defaults: ImageDefaults;
  os: string;
  architecture: string;
  /** Directories for overlay's lowerdir, topmost first. */
  lowerDirs: string[];
}

/** One line of the API's progress stream: {"status":…,"id":…,"progressDetail":{"current":…,"total":…}}. */
export type Progress = (line: Json) => void;

export interface RegistryAuth {
  username?: string;
  password?: string;
  identitytoken?: string;
  serveraddress?: string;
}

export interface Images {
  /**
   * `ref` is an ID, a prefix of one, a name, name:tag or name@digest. `busybox` is made on the spot from the machine's
   * own busybox when the store has none. NotFound: 'No such image: …', also when it is for another `platform`
   * ('os/architecture[/variant]'): clients then pull it.
   */
  resolve(ref: string, platform?: string): Promise<ImageRecord>;
  /** `tag` '' with `allTags` false means latest. */
  pull(
    options: { name: string; tag: string; allTags?: boolean; auth: RegistryAuth | undefined; platform: string },
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void>;
  /** `tag` '' means every tag of the repository. */
  push(
    options: { name: string; tag: string; auth: RegistryAuth | undefined },
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void>;
  /** The API's DistributionInspect: what a registry has under `name` (with tag or digest). */
  distribution(name: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<Json>;
  list(options: { all: boolean; digests: boolean; filters: Filters }): Promise<Json[]>;
  inspect(ref: string): Promise<Json>;
  history(ref: string): Promise<Json[]>;
  tag(ref: string, repository: string, tag: string): Promise<void>;
  /** The API's answer: [{Untagged}, {Deleted}]. `inUse` tells which containers use an image ID. */
  remove(ref: string, options: { force: boolean; noPrune: boolean }): Promise<Json[]>;
  prune(filters: Filters): Promise<{ ImagesDeleted: Json[]; SpaceReclaimed: number }>;
  /** Docker and OCI archives, compressed or not. */
  load(archive: Readable, progress: Progress, signal: AbortSignal): Promise<void>;
  save(refs: string[], signal: AbortSignal): Promise<Readable>;
  /** A root file system as one layer; `changes` are Dockerfile instructions (CMD, ENV …). Returns the image ID. */
  importArchive(
    archive: Readable,
    options: { repository: string; tag: string; changes: string[]; message: string },
    progress: Progress,
    signal: AbortSignal,
  ): Promise<string>;
  /** Answers with the ID and with the name as events show it, '' without one. */
  commit(options: CommitOptions, signal: AbortSignal): Promise<{ id: string; name: string }>;
  /** For `GET /system/df`: bytes of all layers, and the list with what images share. */
  usage(): Promise<{ layersSize: number; images: Json[] }>;
  /** For `GET /info`. */
  count(): Promise<number>;
}

/** An image that a container's files and configuration make. */
export interface CommitOptions {
  /** 'sha256:…' of the image that it stands on. */
  base: string;
  /** '' for an image without a name. */
  repository: string;
  tag: string;
  author: string;
  comment: string;
  /** For its line of the history. */
  createdBy: string;
  config: ImageDefaults & { OnBuild?: string[] | null };
  /** The layer as a tar, asked for when everything else is known to be possible. */
  layer: () => Promise<AsyncIterable<Buffer>>;
}

/** Asked by remove and prune, answered by the containers. */
export interface ImageUse {
  /** Containers made from the image. */
  usersOf(imageId: string): { id: string; name: string; running: boolean }[];
}
