/**
 * What a driver wants from the kernel, as plain data. A plan says how things shall be, not how to get there; addresses
 * are text ('172.17.0.1/16'), MACs 'aa:bb:cc:dd:ee:ff', MTUs bytes.
 */
export interface Sysctl {
  /** With slashes: 'net/ipv4/ip_forward'. */
  name: string;
  value: string;
}

export interface BridgePlan {
  name: string;
  /** Written on the link (IFLA_IFALIAS): whose bridge it is. '' for a bridge that belongs to the administrator. */
  owner: string;
  mac: string;
  mtu: number;
  /** The bridge's own addresses with prefix. Others that it has stay. */
  addresses: readonly string[];
  sysctls: readonly Sysctl[];
}

export interface RoutePlan {
  /** Destination with prefix; '0.0.0.0/0' and '::/0' are the default routes. */
  to: string;
  via: string;
}

/** One interface of a sandbox: a veth pair whose other end is a port of a bridge. */
export interface InterfacePlan {
  /** Name inside: 'eth0'. */
  name: string;
  mac: string;
  mtu: number;
  /** Name of the end that stays on the host. */
  hostName: string;
  /** Bridge that the host end is a port of. */
  bridge: string;
  /** The bridge passes nothing between isolated ports; works without any firewall. */
  isolated: boolean;
  addresses: readonly string[];
  routes: readonly RoutePlan[];
  /** Set inside, before the interface goes up. */
  sysctls: readonly Sysctl[];
}

/** What a network needs on the host while it exists. */
export interface NetworkPlan {
  bridge: BridgePlan | undefined;
  /** Of the host; left as they are when the network goes, as dockerd leaves them. */
  sysctls: readonly Sysctl[];
  rules: NetworkRules | undefined;
}

/** What a network asks of the firewall. */
export interface NetworkRules {
  bridge: string;
  /** CIDR, both families. */
  subnets: readonly string[];
  /** What leaves by another link gets that link's address as source. */
  masquerade: boolean;
  /** Whether containers of the network may speak to each other. */
  interContainer: boolean;
  /** Whether others may open connections to its containers by routing to them. */
  directRouting: boolean;
}
