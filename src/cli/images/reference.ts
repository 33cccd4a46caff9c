/** Names of images, as far as a client has to understand them. Pure. */

export interface Reference {
  /** 'docker.io/library/busybox', 'localhost:5000/x' */
  repository: string;
  /** 'latest' when the reference names neither tag nor digest. */
  tag: string;
  /** 'sha256:…' */
  digest: string;
}

/** Docker Hub's name in references, and the one its credentials are kept under. */
export const HUB = 'docker.io';
export const HUB_INDEX = 'https://index.docker.io/v1/';

function split(text: string): Reference {
  const at = text.indexOf('@');
  const [name, digest] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  const colon = name.lastIndexOf(':');
  const tagged = colon > name.lastIndexOf('/');
  return { repository: tagged ? name.slice(0, colon) : name, tag: tagged ? name.slice(colon + 1) : '', digest };
}

/** 'busybox' → 'busybox:latest'; with a tag or a digest as it is. */
export function familiarReference(text: string): string {
  const { tag, digest } = split(text);
  return tag === '' && digest === '' ? `${text}:latest` : text;
}

/** What `POST /images/create` takes: the digest stands in the place of the tag. */
export function pullReference(text: string): { fromImage: string; tag: string } {
  const { repository, tag, digest } = split(text);
  return { fromImage: repository, tag: digest || tag || 'latest' };
}

export const hasTag = (text: string): boolean => {
  const { tag, digest } = split(text);
  return tag !== '' || digest !== '';
};

export const splitReference = split;

/** 'localhost:5000', 'quay.io'; HUB when the name begins with no host. */
export function registryOf(text: string): string {
  const { repository } = split(text);
  const slash = repository.indexOf('/');
  const first = slash < 0 ? '' : repository.slice(0, slash);
  return /[.:]/.test(first) || first === 'localhost' ? first : HUB;
}

/** With host and namespace, as docker prints it after a pull: 'docker.io/library/busybox:latest'. */
export function canonicalReference(text: string, withTag = true): string {
  const full = withTag ? familiarReference(text) : text;
  if (registryOf(text) !== HUB || full.startsWith(`${HUB}/`)) return full;
  return `${HUB}/${split(text).repository.includes('/') ? '' : 'library/'}${full}`;
}
