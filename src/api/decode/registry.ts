/** Credentials for registries: the X-Registry-Auth header and the body of `POST /auth`. They are never logged. */
import { invalidParameter } from '../../errors.ts';
import type { RegistryAuth } from '../../engine/images/port.ts';
import { object, optional, string } from './kit.ts';

export const registryAuth = object<RegistryAuth>('registry.AuthConfig', {
  username: optional(string),
  password: optional(string),
  identitytoken: optional(string),
  serveraddress: optional(string),
});

/** The header is base64url of a JSON object; absent, empty and '{}' mean no credentials. */
export function authHeader(header: string | string[] | undefined): RegistryAuth | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(header, 'base64url').toString());
  } catch {
    // The cause is left out on purpose: it would quote the credentials.
    throw invalidParameter('invalid X-Registry-Auth header: must be a valid base64url-encoded JSON object');
  }
  const auth = registryAuth(value, 'AuthConfig');
  const named = auth.username !== undefined || auth.password !== undefined || auth.identitytoken !== undefined;
  return named ? auth : undefined;
}
