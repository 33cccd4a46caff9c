/** Volumes: what the API asks of them. Answers are in the API's shapes (v1.52); errors are BerthErrors with Docker's text. */
import type { Filters, Json } from '../../model/json.ts';

export interface VolumeRequest {
  /** '' for a made-up one of 64 hexadecimal digits. */
  name: string;
  /** '' and 'local' are the only one there is. */
  driver: string;
  driverOpts: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
}

export interface Volumes {
  /** One that is there already is taken as it is, as in dockerd. NotFound for another driver, InvalidParameter for options and names. */
  create(request: VolumeRequest): Promise<Json>;
  /** Filters: dangling, driver, label, name. */
  list(filters: Filters): Promise<{ Volumes: Json[]; Warnings: string[] | null }>;
  /** NotFound: 'get NAME: no such volume'. */
  inspect(name: string): Promise<Json>;
  /** Conflict while a container, running or not, has it. With `force` it succeeds when there is none. */
  remove(name: string, options: { force: boolean }): Promise<void>;
  /** Without filter all=true only those that no one named. */
  prune(filters: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }>;
  /** Those that are directories of this host, with UsageData: bytes on disk and the number of containers that have it. */
  usage(): Promise<Json[]>;
}
