/** The body of `POST /volumes/create`. */
import { nullable, object, record, string } from './kit.ts';

export interface VolumeCreate {
  Name: string;
  Driver: string;
  DriverOpts: Record<string, string>;
  Labels: Record<string, string>;
  /** Of Swarm's volumes only. */
  ClusterVolumeSpec: object | null;
}

export const volumeCreate = object<VolumeCreate>('volume.CreateOptions', {
  Name: string,
  Driver: string,
  DriverOpts: record(string),
  Labels: record(string),
  ClusterVolumeSpec: nullable(object<object>('volume.ClusterVolumeSpec', {})),
});
