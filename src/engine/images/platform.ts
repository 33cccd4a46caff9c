/** Whether an image of the store is for the platform that somebody asks for. Pure. */
import { invalidParameter, notFound } from '../../errors.ts';
import { hostArchitecture } from './context.ts';
import type { ImageRecord } from './port.ts';
import { familiar, tryParse, withDefaultTag } from './reference.ts';
import { parsePlatform, showPlatform } from './registry.ts';

/** Variants are not compared: images rarely name theirs. Throws Docker's NotFound. */
export function checkPlatform(ref: string, { os, architecture }: ImageRecord, platform: string): void {
  const wanted = parsePlatform(platform, hostArchitecture());
  if (wanted === undefined) throw invalidParameter(`"${platform}" is an invalid platform specifier`);
  if ((os || wanted.os) === wanted.os && (architecture || wanted.architecture) === wanted.architecture) return;
  const reference = tryParse(ref);
  const name = reference === undefined ? ref : familiar(withDefaultTag(reference));
  throw notFound(
    `image with reference ${name} was found but its platform (${os}/${architecture}) does not match the specified platform (${showPlatform(wanted)})`,
  );
}
