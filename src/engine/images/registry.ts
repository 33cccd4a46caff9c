/** Where an image is fetched from, how skopeo is to reach it, and which of a list's manifests is meant. Pure. */
import { BlockList, isIP } from 'node:net';
import { isDigest, type Reference } from './reference.ts';

export interface Source {
  /** 'docker://host/path', without tag and digest. */
  url: string;
  tlsVerify: boolean;
  /** Mirrors get no credentials. */
  mirror: boolean;
}

const hostOf = (domain: string): string => domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/** 127.0.0.0/8, ::1 and localhost are insecure for Docker as well: nobody can listen in on the way. */
export function isInsecure(domain: string, insecure: readonly string[]): boolean {
  const host = hostOf(domain);
  const blocks = new BlockList();
  blocks.addSubnet('127.0.0.0', 8, 'ipv4');
  blocks.addAddress('::1', 'ipv6');
  for (const entry of insecure) {
    const [, base, length] = /^([0-9a-fA-F:.]+)\/(\d+)$/.exec(entry) ?? [];
    const family = base === undefined ? 0 : isIP(base);
    if (base !== undefined && family !== 0 && Number(length) <= (family === 4 ? 32 : 128)) {
      blocks.addSubnet(base, Number(length), family === 4 ? 'ipv4' : 'ipv6');
    }
  }
  const family = isIP(host);
  if (family !== 0 && blocks.check(host, family === 4 ? 'ipv4' : 'ipv6')) return true;
  return host === 'localhost' || insecure.includes(domain) || insecure.includes(host);
}

/** In the order in which to try them; the registry itself is the last. */
export function sourcesOf(reference: Reference, mirrors: readonly string[], insecure: readonly string[]): Source[] {
  const own: Source = {
    url: `docker://${reference.domain}/${reference.path}`,
    tlsVerify: !isInsecure(reference.domain, insecure),
    mirror: false,
  };
  if (reference.domain !== 'docker.io') return [own];
  const before = mirrors.flatMap((base): Source[] => {
    const [, scheme, rest] = /^(https?):\/\/([^\s?#]+?)\/*$/.exec(base) ?? [];
    if (rest === undefined) return [];
    const tlsVerify = scheme === 'https' && !isInsecure(rest.split('/')[0] ?? '', insecure);
    return [{ url: `docker://${rest}/${reference.path}`, tlsVerify, mirror: true }];
  });
  return [...before, own];
}

export interface ManifestLayer {
  digest: string;
  size: number;
}

export interface ParsedManifest {
  /** Empty for a list. */
  layers: ManifestLayer[];
  configDigest: string | undefined;
  /** What a list offers. */
  manifests: { digest: string; os: string; architecture: string; variant: string }[];
  /** Docker's schema 1, of before 2016: its digest is not that of its bytes. */
  old: boolean;
  /** What it says it is; OCI's may leave that out. */
  mediaType: string | undefined;
}

type Loose = Record<string, unknown>;
const object = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {});
const array = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Reads a manifest or list that a registry sent; what is not as it should be is left out. Throws SyntaxError. */
export function parseManifest(raw: string): ParsedManifest {
  const top = object(JSON.parse(raw));
  return {
    old: top['schemaVersion'] === 1,
    mediaType: text(top['mediaType']) || undefined,
    configDigest: text(object(top['config'])['digest']) || undefined,
    layers: array(top['layers']).flatMap((item) => {
      const { digest, size } = object(item);
      // Clients print them: what is none must not reach a terminal. skopeo refuses such an image.
      return isDigest(text(digest))
        ? [{ digest: text(digest), size: Number.isSafeInteger(size) ? Math.max(Number(size), 0) : 0 }]
        : [];
    }),
    manifests: array(top['manifests']).map((item) => {
      const platform = object(object(item)['platform']);
      return {
        digest: text(object(item)['digest']),
        os: text(platform['os']),
        architecture: text(platform['architecture']),
        variant: text(platform['variant']),
      };
    }),
  };
}

export interface Platform {
  os: string;
  architecture: string;
  variant: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  i386: '386',
};

/** 'linux/arm64/v8', 'arm64' or 'linux'; undefined when it is no platform. */
export function parsePlatform(given: string, hostArchitecture: string): Platform | undefined {
  const parts = given.toLowerCase().split('/');
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) return undefined;
  const knownOs = ['linux', 'windows', 'darwin', 'freebsd'];
  const [os, architecture] =
    parts.length > 1
      ? [parts[0]!, parts[1]!]
      : knownOs.includes(parts[0]!)
        ? [parts[0]!, hostArchitecture]
        : ['linux', parts[0]!];
  return { os, architecture: ARCHITECTURES[architecture] ?? architecture, variant: parts[2] ?? '' };
}

export const showPlatform = (platform: Platform): string =>
  [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');

/** The manifest of a list for a platform: the same variant first, then any. */
export function choose(manifest: ParsedManifest, wanted: Platform): { digest: string } | undefined {
  const fitting = manifest.manifests.filter((m) => m.os === wanted.os && m.architecture === wanted.architecture);
  return fitting.find((m) => m.variant === wanted.variant) ?? fitting[0];
}
