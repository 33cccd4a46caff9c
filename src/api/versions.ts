/** API versions are '1.N'; only N is compared. */
import { invalidParameter } from '../errors.ts';
import { API_VERSION, MIN_API_VERSION } from './system-port.ts';

const minor = (version: string): number => Number(version.slice(2));
export const NEWEST = minor(API_VERSION);
const OLDEST = minor(MIN_API_VERSION);

const VERSIONED = /^\/v(\d+(?:\.\d+)*)(\/.*)$/;

/** Splits '/v1.47/info' into 47 and '/info'. A path without version gets the newest, as dockerd does it. */
export function splitVersion(path: string): { version: number; path: string } {
  const match = VERSIONED.exec(path);
  if (match === null) return { version: NEWEST, path };
  const [, text = '', rest = ''] = match;
  const [major = 0, second = 0] = text.split('.').map(Number);
  if (major < 1 || (major === 1 && second < OLDEST)) {
    throw invalidParameter(
      `client version ${text} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  }
  if (major > 1 || second > NEWEST) {
    throw invalidParameter(`client version ${text} is too new. Maximum supported API version is ${API_VERSION}`);
  }
  return { version: second, path: rest };
}

/**
 * The version whose fields a client reads. docker-compose 1 asks for the newest that there is and reads fields that have
 * left the API since 1.44: an image's ContainerConfig (or it can recreate nothing), an event's id and status.
 */
export function versionRead(version: number, userAgent = ''): number {
  return userAgent.startsWith('docker-compose/1.') ? Math.min(version, 44) : version;
}
