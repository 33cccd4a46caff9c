/**
 * `docker login`: do these credentials open that registry? Asks as the distribution specification's clients do:
 * GET /v2/, and where its challenge (RFC 9110, WWW-Authenticate) says so, a token of the authorization server.
 * Credentials go nowhere else, and over plain HTTP only to registries that may be insecure.
 */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { RegistryAuth } from '../engine/images/port.ts';
import { forbidden, invalidParameter, messageOf, system, unauthorized } from '../errors.ts';
import type { Json } from '../model/json.ts';

export interface LoginResult {
  Status: string;
  IdentityToken: string;
}

/** Bytes of an answer that are read: a token has a few kilobytes. */
const LARGEST_ANSWER = 1 << 20;
/** Milliseconds for each answer of a registry. */
const TIMEOUT = 15_000;
const DOCKER_HUB = 'registry-1.docker.io';

interface Answer {
  status: number;
  challenge: string;
  body: string;
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];

/** 'https://index.docker.io/v1/' and nothing mean Docker Hub; otherwise host[:port], whatever stands around it. */
export function registryHost(address: string): string {
  const host = address.replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/s, '');
  if (host === '' || host === 'docker.io' || host === 'index.docker.io') return DOCKER_HUB;
  if (!/^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host)) {
    throw invalidParameter(`invalid registry address: ${JSON.stringify(address)}`);
  }
  return host;
}

/** `config` is RegistryConfig of `GET /info`. */
export function mayBeInsecure(host: string, config: Json): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (name === 'localhost') return true;
  const index = isObject(config['IndexConfigs']) ? (config['IndexConfigs'][host] ?? config['IndexConfigs'][name]) : {};
  if (isObject(index) && index['Secure'] === false) return true;
  const family = isIP(name);
  if (family === 0) return false;
  const blocks = new BlockList();
  for (const cidr of strings(config['InsecureRegistryCIDRs'])) {
    const [base = '', length = ''] = cidr.split('/');
    const kind = isIP(base);
    if (kind !== 0 && Number(length) <= (kind === 4 ? 32 : 128)) {
      blocks.addSubnet(base, Number(length), kind === 4 ? 'ipv4' : 'ipv6');
    }
  }
  return blocks.check(name, family === 4 ? 'ipv4' : 'ipv6');
}

/** 'Bearer realm="https://…",service="…"' → the scheme in lower case and its parameters. */
export function parseChallenge(header: string): { scheme: string; parameters: Map<string, string> } {
  const [, scheme = '', rest = ''] = /^\s*([\w-]+)\s*(.*)$/s.exec(header) ?? [];
  const found = rest.matchAll(/([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g);
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare = ''] of found) {
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare);
  }
  return { scheme: scheme.toLowerCase(), parameters };
}

/** Loaded at the first login: a daemon that never does one need not. */
async function get(
  url: URL,
  insecure: boolean,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const headers = authorization === undefined ? {} : { authorization };
  const { request } = url.protocol === 'http:' ? await import('node:http') : await import('node:https');
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { headers, agent: false as const, rejectUnauthorized: !insecure };
    const sent = request(url, { ...options, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]) }, resolve);
    sent.on('error', reject);
    sent.end();
  });
  return {
    status: response.statusCode ?? 0,
    challenge: response.headers['www-authenticate'] ?? '',
    body: await bodyOf(url, response),
  };
}

async function bodyOf({ host }: URL, response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop closes the connection.
    if (size > LARGEST_ANSWER) throw system(`${host} answered with more than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function identityToken(body: string): string {
  try {
    const token: unknown = JSON.parse(body);
    const refresh = isObject(token) ? token['refresh_token'] : undefined;
    return typeof refresh === 'string' ? refresh : '';
  } catch {
    return '';
  }
}

async function ping(host: string, insecure: boolean, signal: AbortSignal): Promise<{ base: URL; answer: Answer }> {
  const bases = insecure ? [`https://${host}/v2/`, `http://${host}/v2/`] : [`https://${host}/v2/`];
  let failure: unknown;
  for (const base of bases.map((url) => new URL(url))) {
    try {
      return { base, answer: await get(base, insecure, undefined, signal) };
    } catch (error) {
      failure = error;
    }
  }
  throw system(`Get "https://${host}/v2/": ${messageOf(failure)}`, failure);
}

export async function loginToRegistry(
  { username = '', password = '', serveraddress = '' }: RegistryAuth,
  registryConfig: Json,
  signal: AbortSignal,
): Promise<LoginResult> {
  const host = registryHost(serveraddress);
  const insecure = mayBeInsecure(host, registryConfig);
  const { base, answer } = await ping(host, insecure, signal);
  const succeeded = { Status: 'Login Succeeded', IdentityToken: '' };
  if (answer.status !== 401) return judge(base, answer, succeeded);
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const { scheme, parameters } = parseChallenge(answer.challenge);
  if (scheme === 'basic') {
    const { status } = await get(base, insecure, basic, signal);
    if (status === 200) return succeeded;
    const failed = `login attempt to ${base.href} failed with status: ${status} ${STATUS_CODES[status] ?? ''}`.trim();
    throw status === 401 || status === 403 ? unauthorized(failed) : system(failed);
  }
  const realm = parameters.get('realm') ?? '';
  if (scheme !== 'bearer' || !URL.canParse(realm)) {
    throw system(`Get "${base.href}": the registry asks for an unknown kind of credentials`);
  }
  const token = new URL(realm);
  if (token.protocol !== 'https:' && !(insecure && token.protocol === 'http:')) {
    throw forbidden(`the registry ${host} wants the credentials sent unencrypted to ${token.host}`);
  }
  token.searchParams.set('service', parameters.get('service') ?? '');
  token.searchParams.set('account', username);
  token.searchParams.set('client_id', 'berth');
  token.searchParams.set('offline_token', 'true');
  const granted = await get(token, insecure, basic, signal).catch((error: unknown) => {
    throw system(`Get "${token.origin}${token.pathname}": ${messageOf(error)}`, error);
  });
  return judge(base, granted, { ...succeeded, IdentityToken: identityToken(granted.body) });
}

function judge(base: URL, { status }: Answer, succeeded: LoginResult): LoginResult {
  if (status === 200) return succeeded;
  if (status === 401 || status === 403) {
    throw unauthorized(`Get "${base.href}": unauthorized: incorrect username or password`);
  }
  throw system(`Get "${base.href}": the registry answered with status ${status}`);
}
