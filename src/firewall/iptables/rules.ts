/**
 * Berth's rules for iptables-restore(8) --noflush, in chains of its own. Pure. The same behaviour as nftables/definitions.ts, by
 * rules instead of sets: what a packet costs grows with the number of networks and ports.
 */
import type { HostRule, NetworkRules, PortRule } from '../../drivers/plan.ts';
import type { BridgeFilter } from '../../linux/bridge-filter.ts';
import { hidesSource } from '../compat.ts';
import type { FirewallSettings, FirewallState } from '../firewall.ts';
import { leftToProxy } from '../hairpin.ts';
import { hex, linkName, parseMark } from '../names.ts';
import type { Mark } from '../names.ts';
import { familyOf } from '../state.ts';

/** An administrator's own rules, by the name that dockerd gives it. Made when missing, never emptied. */
export const USER_CHAIN = 'DOCKER-USER';

export interface ChainNames {
  raw: string;
  translate: string;
  postrouting: string;
  forward: string;
  published: string;
  input: string;
  toHosts: string;
  fromBridges: string;
}

/** At most 28 characters (XT_EXTENSION_MAXNAMELEN less the zero). */
export function chainNames(instance: string): ChainNames {
  const base = instance
    .toUpperCase()
    .replaceAll(/[^A-Z0-9-]/g, '-')
    .slice(0, 17);
  return {
    raw: `${base}-RAW`,
    translate: `${base}-DNAT`,
    postrouting: `${base}-POSTROUT`,
    forward: `${base}-FORWARD`,
    published: `${base}-PUBLISHED`,
    input: `${base}-INPUT`,
    toHosts: `${base}-TO-HOSTS`,
    fromBridges: `${base}-BRIDGES`,
  };
}

export interface Jump {
  table: 'raw' | 'nat' | 'filter';
  from: string;
  /** What stands behind `-A FROM`. */
  rule: string;
}

/** How the kernel's chains lead into Berth's, in the order in which they stand at the head of their chain. */
export function jumps(chains: ChainNames, family: 4 | 6): Jump[] {
  const local = `-m addrtype --dst-type LOCAL -j ${chains.translate}`;
  return [
    ...(family === 4 ? [{ table: 'raw' as const, from: 'PREROUTING', rule: `-j ${chains.raw}` }] : []),
    { table: 'nat', from: 'PREROUTING', rule: local },
    // [::1] cannot be translated; a proxy carries it.
    { table: 'nat', from: 'OUTPUT', rule: family === 4 ? local : `! -d ::1/128 ${local}` },
    { table: 'nat', from: 'POSTROUTING', rule: `-j ${chains.postrouting}` },
    { table: 'filter', from: 'INPUT', rule: `-p udp -j ${chains.input}` },
    { table: 'filter', from: 'FORWARD', rule: `-j ${USER_CHAIN}` },
    { table: 'filter', from: 'FORWARD', rule: `-j ${chains.forward}` },
  ];
}

export interface RuleOptions extends FirewallSettings {
  bridged: BridgeFilter;
}

export interface TableRules {
  table: Jump['table'];
  chains: readonly { name: string; rules: readonly string[] }[];
}

export function tableRules(state: FirewallState, settings: RuleOptions, family: 4 | 6): TableRules[] {
  const chains = chainNames(settings.instance);
  const networks = state.networks.filter((network) => network.family === family);
  const ports = state.ports.filter(({ address }) => familyOf(address) === family);
  const hosts = (state.hosts ?? []).filter(({ address }) => familyOf(address) === family);
  const byBridge = new Map(networks.map((network) => [network.bridge, network]));
  const proxied = (port: PortRule): string[] => {
    const who = leftToProxy(port, byBridge.get(port.bridge), settings.bridged);
    if (who === 'nobody') return [];
    const source = who === 'bridge' ? `-i ${linkName(port.bridge)}` : `-s ${port.address}`;
    return [`${source} -p ${port.protocol} -m ${port.protocol} --dport ${port.hostPort} -j RETURN`];
  };
  const loopback = ['! -i lo -d 127.0.0.0/8 -j DROP', '! -i lo -s 127.0.0.0/8 -j DROP'];
  return [
    ...(family === 4 ? [{ table: 'raw' as const, chains: [{ name: chains.raw, rules: loopback }] }] : []),
    {
      table: 'nat',
      chains: [
        { name: chains.translate, rules: [...ports.flatMap(proxied), ...ports.flatMap(translation)] },
        { name: chains.postrouting, rules: networks.flatMap(postrouting) },
      ],
    },
    {
      table: 'filter',
      chains: [
        {
          name: chains.forward,
          rules: [...tunnelPorts(hosts, chains.toHosts), ...forward(networks, chains, settings)],
        },
        { name: chains.published, rules: [...new Set(ports.map(published)), '-j DROP'] },
        { name: chains.input, rules: input(hosts, chains) },
        { name: chains.toHosts, rules: hosts.map((host) => `-d ${ofHost(host)} -j ${chains.fromBridges}`) },
        { name: chains.fromBridges, rules: networks.map(({ bridge }) => `-i ${linkName(bridge)} -j DROP`) },
      ],
    },
  ];
}

const ofHost = ({ address, port }: HostRule): string => `${address} -p udp -m udp --dport ${port}`;

/** To `target` goes what is for a UDP port of tunnels. */
const tunnelPorts = (hosts: readonly HostRule[], target: string): string[] =>
  [...new Set(hosts.map(({ port }) => port))].map((port) => `-p udp -m udp --dport ${port} -j ${target}`);

/** What comes for a tunnel comes from its hosts, and from no container, which may write any sender's address. */
const input = (hosts: readonly HostRule[], chains: ChainNames): string[] => [
  ...tunnelPorts(hosts, chains.fromBridges),
  ...hosts.map((host) => `-s ${ofHost(host)} -j RETURN`),
  ...tunnelPorts(hosts, 'DROP'),
];

function translation({ protocol, hostAddress, hostPort, address, port }: PortRule): string[] {
  const family = familyOf(address);
  if (hostPort === 0 || hostAddress === '::1' || familyOf(hostAddress) !== family) return [];
  const to = hostAddress === '0.0.0.0' || hostAddress === '::' ? '' : `-d ${hostAddress} `;
  // A link-local client means nothing behind another link.
  const from = family === 6 ? '! -s fe80::/10 ' : '';
  const target = family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  return [`${from}${to}-p ${protocol} -m ${protocol} --dport ${hostPort} -j DNAT --to-destination ${target}`];
}

const published = ({ protocol, address, port }: PortRule): string =>
  `-d ${address} -p ${protocol} -m ${protocol} --dport ${port} -j ACCEPT`;

const isClosed = ({ internal, mode }: NetworkRules): boolean => internal || mode === 'isolated';

function postrouting(network: NetworkRules): string[] {
  const { subnets, family, sourceAddress, mode } = network;
  const bridge = linkName(network.bridge);
  if (isClosed(network)) return [];
  const hairpin = subnets.map((subnet) => `-s ${subnet} -o ${bridge} -m conntrack --ctstate DNAT -j MASQUERADE`);
  const source = sourceAddress === '' ? 'MASQUERADE' : `SNAT --to-source ${sourceAddress}`;
  return [
    ...(hidesSource(network) ? subnets.map((subnet) => `-s ${subnet} ! -o ${bridge} -j ${source}`) : []),
    ...(mode === 'routed' ? [] : hairpin),
    ...(family === 4 ? [`-s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`] : []),
  ];
}

/** By stages, as in the nftables table: each stage stands for all networks before the next begins. */
function forward(networks: readonly NetworkRules[], chains: ChainNames, settings: FirewallSettings): string[] {
  const mark = parseMark(settings.acceptMark);
  const open = networks.filter((network) => !isClosed(network));
  return [
    ...networks.flatMap(({ bridge }) =>
      ['-i', '-o'].map((side) => `${side} ${linkName(bridge)} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`),
    ),
    ...networks.flatMap(({ bridge, interContainer }) =>
      interContainer
        ? [`-i ${bridge} -o ${bridge} -j ACCEPT`]
        : [
            `-i ${bridge} -o ${bridge} -m conntrack --ctstate DNAT -g ${chains.published}`,
            `-i ${bridge} -o ${bridge} -j DROP`,
          ],
    ),
    ...networks.filter(isClosed).map(({ bridge }) => `-i ${bridge} -j DROP`),
    ...networks.flatMap((network) => entering(network, mark, chains.published, settings.directRouting)),
    ...open.map(({ bridge }) => `-i ${bridge} -j ACCEPT`),
  ];
}

function entering(network: NetworkRules, mark: Mark | undefined, opened: string, directRouting: boolean): string[] {
  const { bridge, mode, family, trustedInterfaces } = network;
  if (isClosed(network)) return [`-o ${bridge} -j DROP`];
  if (mode === 'nat-unprotected') return [`-o ${bridge} -j ACCEPT`];
  const marked =
    mark === undefined ? [] : [`-o ${bridge} -m mark --mark ${hex(mark.value)}/${hex(mark.mask)} -j ACCEPT`];
  if (mode === 'routed') {
    return [...marked, `-o ${bridge} -p ${family === 4 ? 'icmp' : 'ipv6-icmp'} -j ACCEPT`, `-o ${bridge} -g ${opened}`];
  }
  if (directRouting) return [...marked, `-o ${bridge} -g ${opened}`];
  return [
    ...marked,
    `-o ${bridge} -m conntrack --ctstate DNAT -g ${opened}`,
    ...trustedInterfaces.map((name) => `-i ${linkName(name)} -o ${bridge} -g ${opened}`),
    `-o ${bridge} -j DROP`,
  ];
}
