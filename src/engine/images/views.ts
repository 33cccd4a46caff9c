/** Images as the API shows them (`/images/json`, `/images/{name}/json`, `/images/{name}/history`). Pure. */
import type { Json } from '../../model/json.ts';
import type { ImageConfig, ImageEntry, LayerEntry } from './layout.ts';
import { digestsOf } from './lookup.ts';
import { familiar, familiarRepository, isDigest, tryParse } from './reference.ts';

/** What the views need of one image. */
export interface ImageView {
  /** 'sha256:…' */
  id: string;
  entry: ImageEntry;
  config: ImageConfig;
  /** Topmost first. */
  layers: readonly LayerEntry[];
}

const NEVER = '0001-01-01T00:00:00Z';

export function repoTags(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const reference = tryParse(name);
    return reference === undefined || reference.digest !== undefined ? [] : [familiar(reference)];
  });
}

export function repoDigests(entry: ImageEntry): string[] {
  const found = (entry.names ?? []).flatMap((name) => {
    const reference = tryParse(name);
    if (reference === undefined) return [];
    const digests = reference.digest === undefined ? digestsOf(entry) : [reference.digest];
    return digests.map((digest) => `${familiarRepository(reference)}@${digest}`);
  });
  return [...new Set(found)];
}

/** Bytes of all its layers. */
export const sizeOf = (view: ImageView): number =>
  view.layers.reduce((sum, layer) => sum + (layer['diff-size'] ?? 0), 0);

/** ms since 1970; 0 when the image does not say. */
export function createdAt(config: ImageConfig, entry: ImageEntry): number {
  const time = Date.parse(config.created ?? entry.created ?? '');
  return Number.isNaN(time) ? 0 : time;
}

/** Configurations come from anywhere. */
const parentOf = ({ parent }: ImageConfig): string => (typeof parent === 'string' && isDigest(parent) ? parent : '');

export function listItem(view: ImageView): Json {
  const { entry, config } = view;
  return {
    Id: view.id,
    ParentId: parentOf(config),
    RepoTags: repoTags(entry.names ?? []),
    RepoDigests: repoDigests(entry),
    Created: Math.floor(createdAt(config, entry) / 1000),
    Size: sizeOf(view),
    SharedSize: -1,
    Labels: config.config?.Labels ?? null,
    Containers: -1,
  };
}

export function inspection(view: ImageView, root: string, lastTagTime: string | undefined): Json {
  const { entry, config, layers } = view;
  const defaults = config.config ?? {};
  const directory = (layer: LayerEntry, part: string): string => `${root}/overlay/${layer.id}/${part}`;
  const [top, ...below] = layers;
  const data: Record<string, string> = {};
  if (below.length > 0) data['LowerDir'] = below.map((layer) => directory(layer, 'diff')).join(':');
  if (top !== undefined) {
    data['MergedDir'] = directory(top, 'merged');
    data['UpperDir'] = directory(top, 'diff');
    data['WorkDir'] = directory(top, 'work');
  }
  return {
    Id: view.id,
    RepoTags: repoTags(entry.names ?? []),
    RepoDigests: repoDigests(entry),
    Parent: parentOf(config),
    Comment: config.comment ?? config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? entry.created ?? NEVER,
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Config: {
      ...defaults,
      User: defaults.User ?? '',
      Env: defaults.Env ?? null,
      Cmd: defaults.Cmd ?? null,
      Entrypoint: defaults.Entrypoint ?? null,
      Volumes: defaults.Volumes ?? null,
      WorkingDir: defaults.WorkingDir ?? '',
      OnBuild: defaults.OnBuild ?? null,
      Labels: defaults.Labels ?? null,
    },
    Architecture: config.architecture ?? '',
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os ?? 'linux',
    Size: sizeOf(view),
    GraphDriver: { Name: 'overlay2', Data: data },
    RootFS: { Type: 'layers', Layers: config.rootfs?.diff_ids ?? [] },
    Metadata: { LastTagTime: lastTagTime ?? NEVER },
  };
}

/** Newest first. An image without a history (import by other tools) has one line for each layer. */
export function historyOf(view: ImageView): Json[] {
  const fromBase = view.layers.toReversed();
  const steps = view.config.history ?? fromBase.map(() => ({ created: view.config.created }));
  let next = 0;
  const lines = steps.map((step): Json => {
    const layer = 'empty_layer' in step && step.empty_layer === true ? undefined : fromBase[next++];
    const time = Date.parse(step.created ?? '');
    return {
      Id: '<missing>',
      Created: Number.isNaN(time) ? 0 : Math.floor(time / 1000),
      CreatedBy: ('created_by' in step && step.created_by) || '',
      Tags: null,
      Size: layer?.['diff-size'] ?? 0,
      Comment: ('comment' in step && step.comment) || '',
    };
  });
  lines.reverse();
  const [newest] = lines;
  const tags = repoTags(view.entry.names ?? []);
  if (newest !== undefined) Object.assign(newest, { Id: view.id, Tags: tags.length === 0 ? null : tags });
  return lines;
}
