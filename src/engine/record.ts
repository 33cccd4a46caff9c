/** What the store keeps of a container: enough for `inspect`, for the next start and for a daemon that begins anew. */
import type { ContainerConfig, ContainerState, EndpointSettings, HostConfig } from '../model/container.ts';

/** The API's MountPoint, with what the spec builder needs beside it. */
export interface MountRecord {
  Type: 'bind' | 'volume' | 'tmpfs';
  /** Volumes only. */
  Name?: string;
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
  recursive: boolean;
  /** What is mounted below a read-only bind stays writable. */
  readOnlyTop?: true;
  /** A volume that is still empty takes over what the image has at Destination; false once that was done. */
  copyUp: boolean;
  /** What of the volume is mounted: relative, a directory or a file. */
  subpath?: string;
  /** Removed together with the container (`rm -v`, `--rm`). */
  anonymous: boolean;
}

/** A process told from others that get its number later: clock ticks since boot (proc(5) stat, field 22). */
export interface ProcessRecord {
  pid: number;
  startTime: string;
}

/** A link of the default bridge: the other container's name may change, its ID does not. */
export interface LinkRecord {
  containerId: string;
  alias: string;
}

export interface ContainerRecord {
  id: string;
  /** Without leading slash. */
  name: string;
  /** RFC 3339. */
  created: string;
  path: string;
  args: string[];
  imageId: string;
  /** Directories for overlay, topmost first: fixed when the container is made, images in use are not removed. */
  lowerDirs: string[];
  config: ContainerConfig;
  hostConfig: HostConfig;
  /**
   * The networks it is on, by name, with what was asked for there. Empty for 'container:' modes, and when it was
   * disconnected from all of them.
   */
  networks: Record<string, EndpointSettings>;
  /** Of the default bridge (HostConfig.Links). */
  links?: LinkRecord[];
  state: ContainerState;
  mounts: MountRecord[];
  restartCount: number;
  /** stop or kill was asked for: 'unless-stopped' leaves it alone. */
  stoppedByHand: boolean;
  /** Both only while the container runs. */
  init?: ProcessRecord;
  monitor?: ProcessRecord;
}

export const NEVER = '0001-01-01T00:00:00Z';

/** Now in RFC 3339 with nanoseconds, as Docker writes times; digits below a microsecond are zero. */
export function timestamp(milliseconds = performance.timeOrigin + performance.now()): string {
  const whole = Math.floor(milliseconds / 1000);
  const nanoseconds = Math.round((milliseconds - whole * 1000) * 1000) * 1000;
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${String(Math.min(nanoseconds, 999_999_999)).padStart(9, '0')}Z`;
}
