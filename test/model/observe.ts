/** What is: as the API tells it, and as the kernel does, asked with ip, nft, ss and dig. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { instanceName } from '../../src/network/instance.ts';

export interface SeenNetwork {
  id: string;
  subnets: string[];
  internal: boolean;
  ipv6: boolean;
  /** Container → addresses, of those that run. */
  containers: Record<string, string[]>;
}

export interface SeenEndpoint {
  ip: string;
  asked: string;
  /** With prefixes. */
  addresses: string[];
  mac: string;
  aliases: string[];
}

export interface SeenContainer {
  id: string;
  state: string;
  pid: number;
  sandboxKey: string;
  endpoints: Record<string, SeenEndpoint>;
  /** 'tcp/7001 80' of what it shall publish, and 'tcp/0.0.0.0:7001 80' of what it does. */
  wanted: string[];
  published: string[];
}

export interface Seen {
  networks: Record<string, SeenNetwork>;
  containers: Record<string, SeenContainer>;
}

type PortMap = Record<string, { HostIp: string; HostPort: string }[] | null>;
interface Inspected {
  Id: string;
  Name: string;
  State: { Status: string; Pid: number };
  HostConfig: { PortBindings: PortMap };
  NetworkSettings: {
    SandboxKey: string;
    Ports: PortMap;
    Networks: Record<
      string,
      {
        IPAMConfig: { IPv4Address?: string } | null;
        Aliases: string[] | null;
        IPAddress: string;
        IPPrefixLen: number;
        GlobalIPv6Address: string;
        GlobalIPv6PrefixLen: number;
        MacAddress: string;
      }
    >;
  };
}
interface InspectedNetwork {
  Id: string;
  Name: string;
  Internal: boolean;
  EnableIPv6: boolean;
  IPAM: { Config: { Subnet: string }[] | null };
  Containers: Record<string, { Name: string; IPv4Address: string; IPv6Address: string }>;
}

const bindings = (ports: PortMap, text: (entry: { HostIp: string; HostPort: string }) => string): string[] =>
  Object.entries(ports)
    .flatMap(([key, entries]) => {
      const [port = '', protocol = ''] = key.split('/');
      return (entries ?? []).map((entry) => `${protocol}/${text(entry)} ${port}`);
    })
    .toSorted();

export async function observe(daemon: Daemon): Promise<Seen> {
  const get = async <T>(path: string): Promise<T> => {
    const { status, body } = await daemon.api<T>('GET', path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  const networks: Record<string, SeenNetwork> = {};
  for (const { Id } of await get<{ Id: string }[]>('/networks')) {
    const one = await get<InspectedNetwork>(`/networks/${Id}`);
    if (one.Name === 'host') continue;
    networks[one.Name] = {
      id: Id,
      subnets: (one.IPAM.Config ?? []).map(({ Subnet }) => Subnet),
      internal: one.Internal || one.Name === 'none',
      ipv6: one.EnableIPv6,
      containers: Object.fromEntries(
        Object.values(one.Containers).map((each) => [each.Name, [each.IPv4Address, each.IPv6Address].filter(Boolean)]),
      ),
    };
  }
  const containers: Record<string, SeenContainer> = {};
  for (const { Id } of await get<{ Id: string }[]>('/containers/json?all=1')) {
    const one = await get<Inspected>(`/containers/${Id}/json`);
    const { SandboxKey, Ports, Networks } = one.NetworkSettings;
    containers[one.Name.slice(1)] = {
      id: Id,
      state: one.State.Status,
      pid: one.State.Pid,
      sandboxKey: SandboxKey,
      endpoints: Object.fromEntries(
        Object.entries(Networks).map(([name, each]) => [
          name,
          {
            ip: each.IPAddress,
            asked: each.IPAMConfig?.IPv4Address ?? '',
            addresses: [
              ...(each.IPAddress ? [`${each.IPAddress}/${each.IPPrefixLen}`] : []),
              ...(each.GlobalIPv6Address ? [`${each.GlobalIPv6Address}/${each.GlobalIPv6PrefixLen}`] : []),
            ],
            mac: each.MacAddress,
            aliases: each.Aliases ?? [],
          },
        ]),
      ),
      wanted: bindings(one.HostConfig.PortBindings, ({ HostPort }) => HostPort),
      published: bindings(Ports, ({ HostIp, HostPort }) => `${HostIp}:${HostPort}`),
    };
  }
  return { networks, containers };
}

export interface Kernel {
  bridges: string[];
  /** Of each veth, the bridge it is in. */
  masters: string[];
  /** Files of namespaces. */
  namespaces: string[];
  /** Elements of the map of published ports, 'tcp/7001 10.8.0.2:80', and of the set of opened ones '10.8.0.2 tcp/80'. */
  translated: string[];
  opened: string[];
  /** 'tcp/0.0.0.0:7001'. */
  held: string[];
}

interface NftSet {
  map?: { name: string; elem?: unknown[] };
  set?: { name: string; elem?: unknown[] };
}

export async function observeKernel(host: Host, daemon: Daemon): Promise<Kernel> {
  const table = instanceName(daemon.execRoot);
  const mark = '=====';
  const output = await host.run(
    'sh',
    '-c',
    `ip -j link show type bridge; echo ${mark}; ip -j link show type veth; echo ${mark}; ls ${daemon.execRoot}/netns;
     echo ${mark}; nft -j list table inet ${table}; echo ${mark}; ss -Hlntu`,
  );
  const [bridges = '', veths = '', namespaces = '', rules = '', sockets = ''] = output.split(`${mark}\n`);
  const links = (text: string): { ifname: string; master?: string }[] =>
    JSON.parse(text || '[]') as { ifname: string; master?: string }[];
  const sets = (JSON.parse(rules) as { nftables: NftSet[] }).nftables;
  const elements = (name: string): unknown[] =>
    sets.flatMap(({ map, set }) =>
      map?.name === name ? (map.elem ?? []) : set?.name === name ? (set.elem ?? []) : [],
    );
  return {
    bridges: links(bridges).map(({ ifname }) => ifname),
    masters: links(veths).map(({ master = '' }) => master),
    namespaces: namespaces.split('\n').filter((name) => name !== '' && name !== 'default'),
    translated: elements('any-address4').map((element) => {
      const [{ concat: key }, { concat: to }] = element as [{ concat: string[] }, { concat: string[] }];
      return `${key[0]}/${key[1]} ${to[0]}:${to[1]}`;
    }),
    opened: elements('open4').map((element) => {
      const { concat } = element as { concat: string[] };
      return `${concat[0]} ${concat[1]}/${concat[2]}`;
    }),
    held: sockets
      .split('\n')
      .map((line) => line.split(/\s+/))
      .flatMap(([protocol = '', , , , local = '']) =>
        /:70\d\d$/.test(local) ? [`${protocol}/${local.replace('*', '[::]')}`] : [],
      ),
  };
}

/** 'eth0 02:42:… 10.8.0.2/24' of everything but lo in a container's namespace, and its default routes. */
export async function observeInside(host: Host, pid: number): Promise<{ links: string[]; routes: string[] }> {
  const text = await host.run(
    'nsenter',
    `--net=/proc/${pid}/ns/net`,
    'sh',
    '-c',
    'ip -j addr; echo =====; ip route show default; ip -6 route show default',
  );
  const [links = '[]', routes = ''] = text.split('=====\n');
  const parsed = JSON.parse(links) as {
    ifname: string;
    address: string;
    addr_info: { local: string; prefixlen: number; scope: string }[];
  }[];
  return {
    links: parsed
      .filter(({ ifname }) => ifname !== 'lo')
      .map(({ address, addr_info }) =>
        [
          address,
          ...addr_info
            .filter(({ scope }) => scope === 'global')
            .map((one) => `${one.local}/${one.prefixlen}`)
            .toSorted(),
        ].join(' '),
      )
      .toSorted(),
    routes: routes.split('\n').filter(Boolean),
  };
}

const OPTIONS = ['+noall', '+question', '+answer', '+time=2', '+tries=2'];

/** What the resolver in a container's namespace answers for each of the names. */
export async function observeNames(host: Host, pid: number, names: readonly string[]): Promise<Map<string, string[]>> {
  const answers = new Map<string, string[]>();
  const queries = names.flatMap((name) => [name, 'A']);
  const { stdout } = await host.exec([
    'nsenter',
    `--net=/proc/${pid}/ns/net`,
    'dig',
    '@127.0.0.11',
    ...OPTIONS,
    ...queries,
  ]);
  for (const line of stdout.split('\n')) {
    const question = /^;(\S+)\.\s+IN\s+A$/.exec(line)?.[1];
    if (question !== undefined) answers.set(question, []);
    const [, owner = '', address = ''] = /^(\S+)\.\s+\d+\s+IN\s+A\s+(\S+)$/.exec(line) ?? [];
    if (owner !== '') answers.set(owner, [...(answers.get(owner) ?? []), address]);
  }
  return answers;
}

/** Until `look` finds nothing wrong, for at most two seconds: the kernel ends namespaces some 30 ms after their last process. */
export async function settled(look: () => Promise<string[]>): Promise<string[]> {
  const end = performance.now() + 2000;
  for (;;) {
    const wrong = await look();
    if (wrong.length === 0 || performance.now() > end) return wrong;
    await sleep(50);
  }
}
