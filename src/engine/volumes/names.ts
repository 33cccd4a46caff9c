/** Names of volumes and of their driver, with dockerd's rules and texts. Pure. */
import { invalidParameter, notFound } from '../../errors.ts';
import { LOCAL } from './record.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** What a file system takes as one name. */
const LONGEST = 255;

/** Throws InvalidParameter. A name becomes a directory's: nothing that it may be made of leads elsewhere. */
export function checkVolumeName(name: string): void {
  if (name.length === 1) {
    throw invalidParameter(
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  }
  if (!NAME.test(name)) {
    throw invalidParameter(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  if (name.length > LONGEST) throw invalidParameter(`create ${name}: file name too long`);
}

export const isVolumeName = (name: string): boolean => NAME.test(name) && name.length <= LONGEST;

/** Throws NotFound for every driver but the local one. */
export function checkDriver(name: string, driver: string): void {
  if (driver === '' || driver === LOCAL) return;
  throw notFound(
    `create ${name}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`,
  );
}
