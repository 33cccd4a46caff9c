/**
 * Configurations of images come from anywhere. skopeo takes none into the store whose fields have not the types of OCI's
 * image-spec; what Docker has beside those, and what strings say, is judged here. Pure.
 */
import { invalidParameter } from '../../errors.ts';
import type { Healthcheck } from '../../model/container.ts';
import type { ImageConfig } from './layout.ts';
import { isDigest } from './reference.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const areStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

function isHealthcheck(value: unknown): value is Healthcheck {
  if (!isObject(value)) return false;
  const { Test, ...numbers } = value;
  const times = [numbers['Interval'], numbers['Timeout'], numbers['StartPeriod'], numbers['StartInterval']];
  return (
    (Test === undefined || Test === null || areStrings(Test)) &&
    [...times, numbers['Retries']].every((one) => one === undefined || Number.isSafeInteger(one))
  );
}

/** Docker's own fields are left out where they are not what they should be; an image is no reason to fail. */
export function understood(config: ImageConfig): ImageConfig {
  if (!isObject(config.config)) return config;
  const { Healthcheck: health, Shell, OnBuild, ...oci } = config.config;
  return {
    ...config,
    config: {
      ...oci,
      ...(isHealthcheck(health) && { Healthcheck: health }),
      ...(areStrings(Shell) && { Shell }),
      ...(areStrings(OnBuild) && { OnBuild }),
    },
  };
}

/** Digests of the layers, as they are before compression. They name files: InvalidParameter when one is no digest. */
export function diffIdsOf({ rootfs }: ImageConfig, what: string): string[] {
  const ids: unknown = rootfs?.diff_ids ?? [];
  if (areStrings(ids) && ids.every(isDigest)) return ids;
  throw invalidParameter(`${what}: its configuration names a layer by what is no digest`);
}
