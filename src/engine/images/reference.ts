/**
 * Names of images, as Docker's grammar has them (distribution/reference): [domain/]path[:tag][@digest]. Pure.
 * Normalized: 'docker.io/library/busybox:latest'. Familiar: 'busybox:latest'.
 */
import { invalidParameter } from '../../errors.ts';

export interface Reference {
  /** 'docker.io', 'localhost:5000'. */
  domain: string;
  /** 'library/busybox'. */
  path: string;
  tag: string | undefined;
  /** 'sha256:…' */
  digest: string | undefined;
}

const DEFAULT_DOMAIN = 'docker.io';
const LONGEST_NAME = 255;
const DOMAIN =
  /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]+)?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;
const HEX_ID = /^[0-9a-f]{64}$/;

export const isDigest = (text: string): boolean => DIGEST.test(text);
export const isTag = (text: string): boolean => TAG.test(text);

const malformed = (): Error => invalidParameter('invalid reference format');

/** 'a/b:c' → ['a/b', 'c']; the colon of a port is no tag's. */
function splitTag(text: string): [string, string | undefined] {
  const colon = text.lastIndexOf(':');
  return colon > text.lastIndexOf('/') && colon >= 0
    ? [text.slice(0, colon), text.slice(colon + 1)]
    : [text, undefined];
}

function splitDomain(name: string): [domain: string, path: string] {
  const slash = name.indexOf('/');
  const first = name.slice(0, slash);
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  let [domain, path] = isDomain ? [first, name.slice(slash + 1)] : [DEFAULT_DOMAIN, name];
  if (domain === 'index.docker.io') domain = DEFAULT_DOMAIN;
  if (domain === DEFAULT_DOMAIN && !path.includes('/')) path = `library/${path}`;
  return [domain, path];
}

/** Throws InvalidParameter with Docker's text. */
export function parseReference(text: string): Reference {
  if (text === '') throw malformed();
  if (HEX_ID.test(text)) {
    throw invalidParameter(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  // The domain goes first: 'host:5000/x' has a colon before its slash.
  const [name, tag] = splitTag(named);
  const [domain, path] = splitDomain(name);
  if (path.toLowerCase() !== path && path.split('/').every((part) => COMPONENT.test(part.toLowerCase()))) {
    throw invalidParameter(`invalid reference format: repository name (${path}) must be lowercase`);
  }
  if (!DOMAIN.test(domain) || !path.split('/').every((part) => COMPONENT.test(part))) throw malformed();
  if (tag !== undefined && !TAG.test(tag)) throw malformed();
  if (digest !== undefined && !DIGEST.test(digest)) throw malformed();
  if (domain.length + 1 + path.length > LONGEST_NAME) {
    throw invalidParameter(`repository name must not be more than ${LONGEST_NAME} characters`);
  }
  return { domain, path, tag, digest };
}

/** Without tag and digest: 'docker.io/library/busybox'. */
export const repositoryOf = (reference: Reference): string => `${reference.domain}/${reference.path}`;

export function familiarRepository(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return repositoryOf(reference);
  const short = /^library\/([^/]+)$/.exec(reference.path)?.[1];
  return short ?? reference.path;
}

const suffix = (reference: Reference): string =>
  (reference.tag === undefined ? '' : `:${reference.tag}`) +
  (reference.digest === undefined ? '' : `@${reference.digest}`);

export const normalized = (reference: Reference): string => repositoryOf(reference) + suffix(reference);
export const familiar = (reference: Reference): string => familiarRepository(reference) + suffix(reference);

/** With ':latest' where it names neither tag nor digest. */
export const withDefaultTag = (reference: Reference): Reference =>
  reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;

/** The API's two parameters: `tag` may be a tag or a digest, and replaces what `name` says; '' leaves it. */
export function parseNameAndTag(name: string, tag: string): Reference {
  const reference = parseReference(name);
  if (tag === '') return reference;
  if (tag.includes(':')) {
    if (!isDigest(tag)) throw malformed();
    return { ...reference, digest: tag };
  }
  if (!isTag(tag)) throw malformed();
  return { ...reference, tag };
}

/** A stored name that other programs may have written; undefined when it is none of Docker's. */
export function tryParse(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}
