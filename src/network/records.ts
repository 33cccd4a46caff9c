/** What the store keeps of networks (kinds `network`, `endpoint`, `sandbox`), key = id. */
import type { NetworkDriver, SubnetConfig } from '../drivers/driver.ts';
import { askedParent } from '../drivers/parent-link.ts';
import { contains, parseInterface, parsePrefix } from '../ipam/address.ts';
import type { HeldPort } from './attendant.ts';
import type { Lease } from './leases.ts';
import type { EndpointSettings, PortMap } from '../model/container.ts';

export interface NetworkRecord {
  /** 64 hex digits. */
  id: string;
  name: string;
  driver: NetworkDriver;
  /** RFC 3339. */
  created: string;
  ipv4: boolean;
  ipv6: boolean;
  internal: boolean;
  attachable: boolean;
  /** Only settings for other networks: nothing is made for it. */
  configOnly: boolean;
  /** Name of the network that its settings came from; ''. */
  configFrom: string;
  ipam: {
    /** 'default', 'null' or 'dhcp'. */
    driver: string;
    /** As given; null where none were. */
    options: Record<string, string> | null;
  };
  subnets: SubnetConfig[];
  /** Docker's own; as `network inspect` shows them. */
  options: Record<string, string>;
  labels: Record<string, string>;
  /** MAC of the bridge; '' where there is none. */
  mac: string;
  /** Name of the bridge, given or made up; '' where there is none. */
  bridge: string;
  /** The bridge is the administrator's (`--bridge`). */
  foreignBridge: boolean;
  /** Of a macvlan or ipvlan network: the VLAN link that it stands on was not there. */
  madeParent?: true;
  /** Of an overlay network: VXLAN network identifier, unique in the cluster. */
  vni?: number;
}

export interface SandboxRecord {
  id: string;
  containerId: string;
  containerName: string;
  /** 'joined': another container's namespace and files; 'host': the host's. */
  kind: 'own' | 'host' | 'joined';
  /** Path of the namespace; '' for the host's. Of a joined one: the other's. */
  namespacePath: string;
  /** Whose sandbox it shares; '' unless joined. */
  owner: string;
  hostnamePath: string;
  hostsPath: string;
  resolvConfPath: string;
  /** What the files and the resolver were made from, so that connect and disconnect can make them again. */
  request: SandboxSettings;
  /** What is published: container port → where. Empty for 'joined' and 'host'. */
  ports: PortBinding[];
}

/** The lasting part of a SandboxRequest. */
export interface SandboxSettings {
  hostname: string;
  domainname: string;
  dns: readonly string[];
  dnsSearch: readonly string[];
  dnsOptions: readonly string[];
  extraHosts: readonly string[];
  /** Links of the default bridge (HostConfig.Links), resolved. */
  links: readonly ContainerLink[];
  exposed: readonly string[];
  portBindings: PortMap;
  publishAll: boolean;
  /** It may change its own interfaces (CAP_NET_ADMIN): what it does inside is not put right. */
  netAdmin: boolean;
}

export interface ContainerLink {
  containerId: string;
  /** Without leading slash. */
  name: string;
  alias: string;
}

/** One published port: where it is held on the host, and which endpoint it leads to. */
export interface PortBinding extends HeldPort {
  /** The endpoint's network. */
  networkId: string;
}

export interface EndpointRecord {
  id: string;
  sandboxId: string;
  networkId: string;
  /** With prefix; none on host and none. */
  addresses: string[];
  mac: string;
  /** Name of the veth end on the host; '' where there is none. */
  hostName: string;
  /** Name inside: 'eth0'; '' where there is none. */
  interfaceName: string;
  /** What was asked for, for `inspect`. */
  settings: EndpointSettings;
  /** From the LAN's DHCP server, with the address that is among `addresses`; absent while there is none. */
  lease?: Lease;
}

/** Nothing leads out of it: because it shall not, or because it stands on a link that leads nowhere. */
export const isInternal = ({ internal, driver, options }: NetworkRecord): boolean =>
  internal || ((driver === 'macvlan' || driver === 'ipvlan') && askedParent(options) === '');

/**
 * Where an endpoint with this address (with prefix) sends what leaves its network; '' for nowhere. '0.0.0.0' and '::': its link itself
 * leads there.
 */
export function gatewayOf(network: NetworkRecord, family: 4 | 6, address: string): string {
  if (isInternal(network)) return '';
  const subnets = network.subnets.filter(({ subnet }) => subnet.includes(':') === (family === 6));
  const own = subnets.length > 1 ? parseInterface(address)?.address : undefined;
  const home = subnets.find(({ subnet }) => {
    const prefix = own && parsePrefix(subnet);
    return !own || (prefix && contains(prefix, own));
  });
  return home?.routeVia ?? '';
}
