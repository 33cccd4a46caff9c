/** The seam of a driver: it plans, purely; someone else carries the plan out. */
import type { InterfacePlan, NetworkPlan } from './plan.ts';

/** One subnet of a network. */
export interface SubnetConfig {
  /** CIDR. */
  subnet: string;
  /** CIDR inside `subnet` from which addresses are handed out; '' for all of it. */
  range: string;
  /** The bridge's own address in it, or a router's of the LAN; '' where there is none (isolated, IPAM driver null). */
  gateway: string;
  /**
   * Where containers send what leaves the subnet; `gateway` when nobody says otherwise, '' for no way out. '0.0.0.0' and '::': their
   * link itself leads there.
   */
  routeVia: string;
  /** Addresses without prefix that nobody gets beside those: the host's own. */
  reserved?: readonly string[];
  /** Names for addresses that are not handed out (`--aux-address`). */
  auxiliary: Readonly<Record<string, string>>;
  /** The user named it, so containers may ask for addresses of it (`--ip`). */
  configured: boolean;
}

/** What a driver knows of a network. */
export interface NetworkConfig {
  id: string;
  name: string;
  ipv4: boolean;
  ipv6: boolean;
  internal: boolean;
  subnets: readonly SubnetConfig[];
  /** Docker's own: 'com.docker.network.bridge.enable_icc'… */
  options: Readonly<Record<string, string>>;
  /** Name of the bridge. */
  bridge: string;
  /** Written on what the network makes on the host: whose it is. */
  owner: string;
  /** MAC of the bridge, so that it does not change with its ports. */
  mac: string;
  /** The VLAN link that macvlan and ipvlan networks stand on (`-o parent=eth0.50`) was not there: it is made, and goes with the network. */
  madeParent?: boolean;
  /** The bridge was there before Berth (`--bridge`) and is the administrator's. */
  foreignBridge: boolean;
  /** Settings of the daemon that reach into the plan. */
  ipForward: boolean;
  /** Which families get rules (--iptables, --ip6tables). */
  firewall: { 4: boolean; 6: boolean };
  /** Of an overlay network: its number on the wire, and how this host sends to the others; undefined while it belongs to no cluster. */
  vni?: number;
  underlay?: {
    address: string;
    port: number;
    mtu: number;
    /** How what belongs to encrypted networks is sent: by this link alone, from this address, in so many bytes. */
    secure?: { link: string; address: string; mtu: number };
  };
  /** Nobody else carries what a container sends to its own published port (--userland-proxy=false). */
  hairpin?: boolean;
}

/** What a driver knows of an endpoint. */
export interface EndpointConfig {
  /** With prefix; at most one of each family. */
  addresses: readonly string[];
  /** Asked for beside (`--link-local-ip`), with prefix. */
  linkLocal: readonly string[];
  mac: string;
  hostName: string;
  interfaceName: string;
  /** Per endpoint: 'com.docker.network.endpoint.sysctls'… */
  options: Readonly<Record<string, string>>;
}

/** As the API names them. */
export type NetworkDriver = 'bridge' | 'host' | 'null' | 'macvlan' | 'ipvlan' | 'overlay';

export interface Driver {
  /** As the API names it. */
  readonly type: NetworkDriver;
  /** Whether a sandbox on it has a namespace of its own. */
  readonly ownNamespace: boolean;
  /** Options of a network that is to be made, checked: InvalidParameter in Docker's words. */
  checkOptions(options: Readonly<Record<string, string>>): void;
  planNetwork(network: NetworkConfig): NetworkPlan;
  /** undefined where the driver makes no interface. Endpoint options that are wrong: InvalidParameter. */
  planEndpoint(network: NetworkConfig, endpoint: EndpointConfig): InterfacePlan | undefined;
}
