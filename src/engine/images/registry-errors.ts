/** What skopeo says about registries, in Docker's words. Pure. */
import { BerthError, forbidden, notFound, system } from '../../errors.ts';
import { familiar, familiarRepository } from './reference.ts';
import type { Reference } from './reference.ts';

/** The part of a long chain of causes that a user can act on. */
function cause(text: string): string {
  const known = [
    /toomanyrequests: .*/s,
    /(?:denied|unauthorized|name unknown|manifest unknown|blob unknown): .*/s,
    /(?:Get|Head|Post|Put|Patch) "?https?:\/\/.*/s,
    /received unexpected HTTP status: .*/s,
  ];
  for (const pattern of known) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return found.replace(/\s+/g, ' ').trim();
  }
  return text.replace(/^Error [^:]*: /, '').trim();
}

const NO_SPACE = /no space left on device|disk quota exceeded/;

export function pullError(text: string, reference: Reference): BerthError {
  const why = cause(text);
  const name = familiarRepository(reference);
  if (NO_SPACE.test(text)) return system(`no space left on device while pulling ${familiar(reference)}`, text);
  if (why.startsWith('toomanyrequests')) return system(why, text);
  if (/manifest unknown|manifest_unknown/i.test(why)) {
    return notFound(`manifest for ${familiar(reference)} not found: manifest unknown: manifest unknown`, text);
  }
  if (/name unknown/i.test(why)) {
    return notFound(`repository ${name} not found: ${why}`, text);
  }
  if (/\bdenied: |unauthorized: |requested access to the resource is denied|invalid username\/password/.test(text)) {
    return notFound(
      `pull access denied for ${name}, repository does not exist or may require 'docker login': ${why}`,
      text,
    );
  }
  if (/no image found in (?:manifest list|image index) for/.test(text)) {
    return notFound(`no matching manifest for ${platformIn(text)} in the manifest list entries`, text);
  }
  if (/404 \(Not Found\)|StatusCode: 404/.test(text)) {
    return notFound(`manifest for ${familiar(reference)} not found: manifest unknown: manifest unknown`, text);
  }
  return system(why, text);
}

function platformIn(text: string): string {
  const [, arch, variant, os] =
    /architecture "?([^",\s]+)"?(?:, variant "?([^",\s]*)"?)?, OS "?([^",\s]+)/i.exec(text) ?? [];
  return arch === undefined ? 'this platform' : [os, arch, variant].filter(Boolean).join('/');
}

export function pushError(text: string, reference: Reference): BerthError {
  const why = cause(text);
  if (NO_SPACE.test(text)) return system(`no space left on device while pushing ${familiar(reference)}`, text);
  if (/unauthorized: |invalid username\/password/.test(text)) return forbidden(why, text);
  if (/\bdenied: /.test(text)) return forbidden(why, text);
  return system(why, text);
}
