/** The flags about the cluster, checked one by one and against each other. Pure; what they name is looked for at the start. */
import { isIP } from 'node:net';
import { isHostName } from '../cluster/managed/host-name.ts';
import { isInterfaceName } from '../drivers/names.ts';
import { invalidParameter } from '../errors.ts';
import type { Options } from './config.ts';
import type { ClusterStoreSettings, DaemonClusterSettings } from './settings.ts';

const ETCD_PORT = 2379;
const PREFIX = '/berth';
/** etcd's own limits: a lease shorter than its election is none, and one longer keeps what is long dead. */
const LEASE = { least: 5, most: 3600 };
const PORT = { least: 1, most: 65535 };
const TIMEOUT = { least: 1, most: 300 };

/** Of --cluster-store-opt: the first four are Docker's. */
const OPTIONS = ['kv.cacertfile', 'kv.certfile', 'kv.keyfile', 'kv.path', 'user', 'passwordfile'];

export function clusterSettings(options: Options): DaemonClusterSettings {
  const vxlanPort = within('cluster-vxlan-port', options.int('cluster-vxlan-port'), PORT);
  const wireguardPort = within('cluster-wireguard-port', options.int('cluster-wireguard-port'), PORT);
  if (wireguardPort === vxlanPort) {
    throw invalidParameter(`invalid --cluster-wireguard-port: ${wireguardPort} is the --cluster-vxlan-port`);
  }
  return {
    store: storeSettings(options.string('cluster-store'), storeOptions(options.list('cluster-store-opt'))),
    advertise: advertise(options.string('cluster-advertise')),
    name: hostName(options.string('cluster-name')),
    vxlanPort,
    wireguardPort,
    lease: within('cluster-lease', options.int('cluster-lease'), LEASE),
    timeout: within('cluster-timeout', options.int('cluster-timeout'), TIMEOUT),
  };
}

function within(flag: string, value: number, { least, most }: { least: number; most: number }): number {
  if (value < least || value > most) {
    throw invalidParameter(`invalid --${flag}: ${value} is not between ${least} and ${most}`);
  }
  return value;
}

function storeOptions(list: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const text of list) {
    // Not repeated in the message: it may hold a password.
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (name === 'password') {
      throw invalidParameter(
        'invalid --cluster-store-opt password: everyone on the host can read a command line; ' +
          'write the password into a file of your own and give its path as passwordfile=PATH',
      );
    }
    if (!OPTIONS.includes(name)) {
      throw invalidParameter(`invalid --cluster-store-opt: there are ${OPTIONS.join(', ')}, each followed by =VALUE`);
    }
    given.set(name, value);
  }
  return given;
}

function storeSettings(url: string, given: ReadonlyMap<string, string>): ClusterStoreSettings | undefined {
  if (url === '') {
    if (given.size > 0)
      throw invalidParameter('--cluster-store-opt says how to reach a --cluster-store, and there is none');
    return undefined;
  }
  const [ca, certificate, key] = ['kv.cacertfile', 'kv.certfile', 'kv.keyfile'].map((name) => path(name, given)) as [
    string,
    string,
    string,
  ];
  if ((certificate === '') !== (key === '')) {
    throw invalidParameter('--cluster-store-opt: kv.certfile and kv.keyfile belong together');
  }
  const user = given.get('user') ?? '';
  const passwordFile = path('passwordfile', given);
  if ((user === '') !== (passwordFile === '')) {
    throw invalidParameter('--cluster-store-opt: user and passwordfile belong together');
  }
  const { secure, hosts, prefix } = storeUrl(url);
  const scheme = secure || ca !== '' || certificate !== '' ? 'https' : 'http';
  return {
    endpoints: hosts.map((host) => `${scheme}://${host}`),
    prefix: keyPrefix(given.get('kv.path') ?? prefix),
    ca,
    certificate,
    key,
    user,
    passwordFile,
  };
}

/** 'etcd://A,B:2379,[::1]:2379/PATH' */
function storeUrl(url: string): { secure: boolean; hosts: string[]; prefix: string } {
  const refuse = (reason: string): never => {
    throw invalidParameter(`invalid --cluster-store "${url}": ${reason}`);
  };
  const [, scheme = '', authority = '', prefix = ''] = /^([a-z]+):\/\/([^/]*)(\/.*)?$/i.exec(url) ?? [];
  // What is no URL at all is not repeated, either: the message goes into the log.
  if ((scheme === '' ? url : authority).includes('@')) {
    throw invalidParameter(
      'invalid --cluster-store: it holds a user or password; use --cluster-store-opt user=NAME and passwordfile=PATH',
    );
  }
  if (scheme !== 'etcd' && scheme !== 'etcds') refuse('expected etcd://HOST[:PORT][,HOST[:PORT]...] or etcds://…');
  const hosts = authority.split(',').map((text) => {
    const [, host = '', port = `${ETCD_PORT}`] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
    const bracketed = host.startsWith('[');
    const wrongAddress = bracketed && isIP(host.slice(1, -1)) !== 6;
    if (host === '' || wrongAddress || Number(port) === 0 || Number(port) > 65535)
      refuse(`"${text}" is no HOST[:PORT]`);
    return `${host}:${Number(port)}`;
  });
  return { secure: scheme === 'etcds', hosts: [...new Set(hosts)], prefix };
}

function keyPrefix(text: string): string {
  const trimmed = text.replace(/^\/+|\/+$/g, '');
  if (trimmed === '') return PREFIX;
  if (/[\s\p{Cc}]/u.test(trimmed))
    throw invalidParameter(`invalid --cluster-store-opt kv.path: ${JSON.stringify(text)}`);
  return `/${trimmed}`;
}

function path(name: string, given: ReadonlyMap<string, string>): string {
  const text = given.get(name) ?? '';
  if (text !== '' && (!text.startsWith('/') || text.includes('\0'))) {
    throw invalidParameter(`--cluster-store-opt ${name} must be an absolute path: "${text}"`);
  }
  return text;
}

/** Docker's old flag had a port behind the address, or the interface; it has no meaning here. */
function advertise(text: string): string {
  if (text === '' || isIP(text) !== 0) return text;
  const host = text.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 0 && !isInterfaceName(host)) {
    throw invalidParameter(`invalid --cluster-advertise "${text}": expected an address or the name of an interface`);
  }
  return host;
}

function hostName(text: string): string {
  if (text !== '' && !isHostName(text)) {
    throw invalidParameter(`invalid --cluster-name "${text}": letters, digits, '.', '_' and '-', at most 63`);
  }
  return text;
}
