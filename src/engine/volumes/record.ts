/** What the store keeps of a volume (kind 'volume', by name). Its files are in `<data-root>/volumes/NAME/_data`. */
export interface VolumeRecord {
  name: string;
  /** RFC 3339. */
  created: string;
  labels: Record<string, string>;
  /** Of the local driver: type, device, o. Empty for a plain directory. */
  options: Record<string, string>;
  /** Its files are on their way out: a daemon that begins finishes that. */
  removing?: true;
}

/** What a container or `volume create` asks for; a volume of that name that is there already is taken as it is. */
export interface VolumeWish {
  name: string;
  /** '' for the local one. */
  driver: string;
  options: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
}

/** Marks a volume that no one named. */
export const ANONYMOUS = 'com.docker.volume.anonymous';

/** The only driver. */
export const LOCAL = 'local';
