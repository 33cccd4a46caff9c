/** resolv.conf(5) of a container. Pure. */
import { parseAddress } from '../ipam/address.ts';

export interface ResolvConf {
  nameservers: readonly string[];
  search: readonly string[];
  options: readonly string[];
}

/** What a container or the daemon asks for; an empty list leaves the host's. */
export type ResolvOverrides = ResolvConf;

export const HOST_RESOLV_CONF = '/etc/resolv.conf';
/** Where systemd-resolved writes the servers that it asks itself. */
const RESOLVED_CONF = '/run/systemd/resolve/resolv.conf';
const RESOLVED_STUB = '127.0.0.53';
/** dockerd's choice when the host names no server that a container can reach. */
const PUBLIC_SERVERS = { 4: ['8.8.8.8', '8.8.4.4'], 6: ['2001:4860:4860::8888', '2001:4860:4860::8844'] } as const;

export function parseResolvConf(text: string): ResolvConf {
  const conf = { nameservers: [] as string[], search: [] as string[], options: [] as string[] };
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && words[0] !== undefined) conf.nameservers.push(words[0]);
    // The last of several counts; `domain` is the old word for a list of one.
    else if (keyword === 'search' || keyword === 'domain') conf.search = words;
    else if (keyword === 'options') conf.options.push(...words);
  }
  return conf;
}

/** Where the embedded resolver answers in every container of a user-defined network. */
const RESOLVER = '127.0.0.11';

/**
 * 'own': the container has a network of its own, so servers on the host's loopback are out of its reach, and IPv6 ones without
 * IPv6. 'resolver': the embedded resolver stands between; 'resolver-only': it asks nobody, as all networks are internal.
 */
export type Reach = 'own' | 'own-ipv6' | 'resolver' | 'resolver-only' | 'host' | 'none';

/** The host's configuration, from systemd-resolved's own file when /etc/resolv.conf names only its stub. */
export function hostResolvConf(read: (path: string) => string | undefined): { path: string; text: string } {
  const text = read(HOST_RESOLV_CONF) ?? '';
  const { nameservers } = parseResolvConf(text);
  if (nameservers.length === 1 && nameservers[0] === RESOLVED_STUB) {
    const behind = read(RESOLVED_CONF);
    if (behind !== undefined) return { path: RESOLVED_CONF, text: behind };
  }
  return { path: HOST_RESOLV_CONF, text };
}

/** The text of the container's file. */
export function containerResolvConf(
  host: { path: string; text: string },
  overrides: ResolvOverrides,
  network: Reach,
): string {
  const overridden = Object.entries(overrides).flatMap(([name, list]) => (list.length > 0 ? [name] : []));
  if (overridden.length === 0 && (network === 'host' || network === 'none')) return host.text;
  const base = parseResolvConf(host.text);
  const search = pick(overrides.search, base.search);
  const options = pick(overrides.options, base.options);
  const asked = overrides.nameservers.length > 0 ? overrides.nameservers : serversFor(base.nameservers, network);
  const resolver = network === 'resolver' || network === 'resolver-only';
  const asks = network === 'resolver' ? serverNote(overrides, base) : 'nobody (all networks are internal)';
  const behind = resolver ? `# Names that no container has are asked of: ${asks}\n` : '';
  return render({
    nameservers: resolver ? [RESOLVER] : asked,
    // '.' is how a user says: no search list at all.
    search: search.length === 1 && search[0] === '.' ? [] : search,
    options: resolver ? withNdots(options) : options,
    note: `# Based on host file: '${host.path}'\n${behind}# Overrides: [${overridden.join(' ')}]\n`,
  });
}

/** A container's name has no dot: ask for it as it is first, then with the search list (resolv.conf(5)). */
const withNdots = (options: readonly string[]): readonly string[] =>
  options.some((option) => option.startsWith('ndots:')) ? options : [...options, 'ndots:0'];

const serverNote = (overrides: ResolvOverrides, base: ResolvConf): string =>
  overrides.nameservers.length > 0
    ? overrides.nameservers.join(' ')
    : `${base.nameservers.join(' ') || 'nobody'} (the host's, as they change)`;

const pick = (wanted: readonly string[], otherwise: readonly string[]): readonly string[] =>
  wanted.length > 0 ? wanted : otherwise;

function serversFor(servers: readonly string[], network: string): readonly string[] {
  if (network === 'host' || network === 'none') return servers;
  const ipv6 = network === 'own-ipv6';
  const usable = servers.filter((server) => {
    // A zone ('fe80::1%eth0') names a link of the host.
    const address = parseAddress(server);
    if (!address) return false;
    return address.family === 4 ? address.value >> 24n !== 127n : ipv6 && address.value !== 1n;
  });
  if (usable.length > 0) return usable;
  return ipv6 ? [...PUBLIC_SERVERS[4], ...PUBLIC_SERVERS[6]] : PUBLIC_SERVERS[4];
}

function render({ nameservers, search, options, note }: ResolvConf & { note: string }): string {
  const lines = nameservers.map((server) => `nameserver ${server}`);
  if (search.length > 0) lines.push(`search ${search.join(' ')}`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}`);
  return (
    '# Generated by Berth.\n# Berth leaves this file alone while the container runs; it may be edited.\n\n' +
    `${lines.join('\n')}\n\n${note}`
  );
}
