/**
 * Credentials of registries in docker's own file, so that one login serves both clients: `auths` of
 * $DOCKER_CONFIG/config.json (default ~/.docker), which holds them in base64. Credential helpers are not run.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { HUB, HUB_INDEX } from './reference.ts';

export interface Credentials {
  username: string;
  password: string;
  /** Instead of a password. */
  identitytoken?: string;
  serveraddress: string;
}

interface Entry {
  auth?: string;
  identitytoken?: string;
}

interface ConfigFile {
  auths?: Record<string, Entry>;
  [other: string]: unknown;
}

export const configPath = (env: NodeJS.ProcessEnv): string =>
  join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'config.json');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readConfig(path: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isObject(config)) throw new Error(`${path} is not a JSON object`);
  return config;
}

/** The key of a registry in `auths`. */
export const authKey = (registry: string): string => {
  const host = registry.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return ['', HUB, 'index.docker.io', 'registry-1.docker.io'].includes(host) ? HUB_INDEX : host;
};

/** 'https://host/v1/' and 'host' are the same registry. */
const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

export function credentialsFor(registry: string, env: NodeJS.ProcessEnv): Credentials | undefined {
  const key = authKey(registry);
  const { auths } = readConfig(configPath(env));
  if (!isObject(auths)) return undefined;
  const found = Object.entries(auths).find(([name]) => name === key || hostOf(name) === hostOf(key))?.[1];
  if (!isObject(found)) return undefined;
  const { auth, identitytoken } = found;
  const [username = '', ...password] = Buffer.from(typeof auth === 'string' ? auth : '', 'base64')
    .toString()
    .replace(/\0+$/, '')
    .split(':');
  const credentials = { username, password: password.join(':'), serveraddress: key };
  return typeof identitytoken === 'string' && identitytoken !== '' ? { ...credentials, identitytoken } : credentials;
}

/** Empty headers when nothing is known of the registry. */
export function authHeaders(registry: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const credentials = credentialsFor(registry, env);
  if (credentials === undefined) return {};
  return { 'X-Registry-Auth': Buffer.from(JSON.stringify(credentials)).toString('base64url') };
}

/** Written beside and renamed, so that no moment has half a file; readable by its owner alone. */
function writeConfig(path: string, config: ConfigFile): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(config, undefined, '\t')}\n`, { mode: 0o600 });
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
}

export function storeCredentials(
  { username, password, identitytoken, serveraddress }: Credentials,
  env: NodeJS.ProcessEnv,
): string {
  const path = configPath(env);
  const config = readConfig(path);
  const auth = Buffer.from(`${username}:${identitytoken === undefined ? password : ''}`).toString('base64');
  const entry: Entry = identitytoken === undefined ? { auth } : { auth, identitytoken };
  config.auths = { ...(isObject(config.auths) ? config.auths : {}), [authKey(serveraddress)]: entry };
  writeConfig(path, config);
  return path;
}

/** False when there were none. */
export function dropCredentials(registry: string, env: NodeJS.ProcessEnv): boolean {
  const path = configPath(env);
  const config = readConfig(path);
  const auths = isObject(config.auths) ? config.auths : {};
  const host = hostOf(authKey(registry));
  const names = Object.keys(auths).filter((name) => hostOf(name) === host);
  for (const name of names) delete auths[name];
  if (names.length > 0) writeConfig(path, { ...config, auths });
  return names.length > 0;
}
