/**
 * What a driver wants from the kernel and the firewall, as plain data. A plan says how things shall be, not how to get there;
 * addresses are text ('172.17.0.1/16'), MACs 'aa:bb:cc:dd:ee:ff', MTUs bytes.
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
  /** The bridge's own addresses with prefix; none where the host stays out of the network. Others that it has stay. */
  addresses: readonly string[];
  sysctls: readonly Sysctl[];
}

export interface RoutePlan {
  /** Destination with prefix; '0.0.0.0/0' and '::/0' are the default routes. */
  to: string;
  via: string;
}

/** A default route of a sandbox: by which of its interfaces it leaves, one for each family. */
export interface DefaultRoute {
  /** '0.0.0.0' and '::': everything is reached on the link itself, without a router. */
  via: string;
  /** Name inside: 'eth0'. */
  interface: string;
}

/** One interface of a sandbox. */
export type InterfacePlan = VethPlan | MacvlanPlan | IpvlanPlan;

/** A veth pair whose other end is a port of a bridge. */
export interface VethPlan extends InterfaceCommon {
  kind: 'veth';
  /** Name of the end that stays on the host. */
  hostName: string;
  /** Bridge that the host end is a port of. */
  bridge: string;
  /** The bridge passes nothing between isolated ports; works without any firewall. */
  isolated: boolean;
  /** The bridge passes packets back by the port they came from: a container's way to its own published port without a proxy. */
  hairpin?: true;
}

/** A link with a MAC of its own on a link of the host; there is no end on the host. */
export interface MacvlanPlan extends InterfaceCommon {
  kind: 'macvlan';
  /** Link of the host that frames leave by. */
  parent: string;
  mode: MacvlanMode;
}

/** A link that shares its parent's MAC; `mac` is ''. */
export interface IpvlanPlan extends InterfaceCommon {
  kind: 'ipvlan';
  parent: string;
  mode: IpvlanMode;
  flag: IpvlanFlag;
}

export type MacvlanMode = 'bridge' | 'private' | 'vepa' | 'passthru';
export type IpvlanMode = 'l2' | 'l3' | 'l3s';
export type IpvlanFlag = 'bridge' | 'private' | 'vepa';

interface InterfaceCommon {
  /** Name inside: 'eth0'. */
  name: string;
  mac: string;
  /** 0 for the parent's. */
  mtu: number;
  addresses: readonly string[];
  /** Default routes are not among them: they belong to the sandbox as a whole. */
  routes: readonly RoutePlan[];
  /** Set inside, before the interface goes up. */
  sysctls: readonly Sysctl[];
  /** How often, and milliseconds apart, neighbours are told of the addresses (gratuitous ARP, unsolicited NA). */
  announce: { count: number; interval: number };
}

/** A VXLAN device (RFC 7348): the port of a network's bridge behind which its containers on other hosts are. */
export interface TunnelPlan {
  name: string;
  /** Written on the link (IFLA_IFALIAS): whose it is. */
  owner: string;
  /** Bridge that it is a port of. */
  bridge: string;
  /** VXLAN network identifier, 24 bits. */
  vni: number;
  /** This host's underlay address. */
  local: string;
  /** UDP. */
  port: number;
  mtu: number;
  /**
   * Link that frames leave and come by, and no other; `local` and its peers' hosts are link-local addresses on it. Absent: whichever
   * leads there.
   */
  link?: string;
}

/** A WireGuard device: by it the hosts of a cluster send each other what belongs to encrypted networks. */
export interface WireguardPlan {
  name: string;
  /** Written on the link (IFLA_IFALIAS): whose it is. */
  owner: string;
  /** This host's own address on it: IPv6, link-local, without prefix. */
  address: string;
  /** UDP. */
  port: number;
  mtu: number;
  /** All that there are. */
  peers: readonly WireguardPeerPlan[];
}

export interface WireguardPeerPlan {
  /** Base64 of 32 bytes. */
  publicKey: string;
  /** The only one that it may send from, and be sent to: IPv6, link-local, without prefix. */
  address: string;
  /** Where it listens: underlay address and UDP port. */
  host: string;
  port: number;
}

/** A container on another host. Frames for it go to that host and nowhere else; questions for its addresses are answered here. */
export interface PeerPlan {
  mac: string;
  /** Without prefix. */
  addresses: readonly string[];
  /** Underlay address of its host. */
  host: string;
}

/** A link of the host that containers' links stand on, or the host's own beside them. `owner` is written on it (IFLA_IFALIAS). */
export type LinkPlan =
  /** 802.1Q: frames of VLAN `id`, 1 to 4094, on link `parent`. */
  | { kind: 'vlan'; name: string; owner: string; parent: string; id: number }
  /** Leads nowhere. */
  | { kind: 'dummy'; name: string; owner: string }
  | ShimPlan;

/** A macvlan link of the host's on the parent of its containers. Their addresses are routed to it one by one. */
export interface ShimPlan {
  kind: 'shim';
  name: string;
  owner: string;
  parent: string;
  mac: string;
  addresses: readonly string[];
  sysctls: readonly Sysctl[];
}

/** What a network needs on the host while it exists. */
export interface NetworkPlan {
  bridge: BridgePlan | undefined;
  /** In the order in which they are made; the administrator's are not among them. */
  links?: readonly LinkPlan[];
  /** Of what kind the links of its containers are, where the kernel may have none of that kind. */
  needs?: 'macvlan' | 'ipvlan';
  /** Of a network that spans hosts. */
  tunnel?: TunnelPlan;
  /** Of the host; left as they are when the network goes, as dockerd leaves them. */
  sysctls: readonly Sysctl[];
  /** One for each family of the network that the firewall serves. */
  rules: readonly NetworkRules[];
}

/**
 * How the outside reaches containers (com.docker.network.bridge.gateway_mode_ipv4/6):
 * 'nat' by published ports of the host only; 'nat-unprotected' also directly, every port; 'routed' directly, published
 * ports only, nothing is translated; 'isolated' the bridge has no address, so the host is outside, too.
 */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';

/** What a network asks of the firewall for one family. */
export interface NetworkRules {
  bridge: string;
  family: 4 | 6;
  /** CIDR, at least one, all of `family`. */
  subnets: readonly string[];
  mode: GatewayMode;
  /** What leaves by another link gets that link's address as source; only in the two nat modes. */
  masquerade: boolean;
  /** …or this address of the host (com.docker.network.host_ipv4/6); '' for the link's. */
  sourceAddress: string;
  /** Nothing enters or leaves but between its own containers, and to the host's address on the bridge. */
  internal: boolean;
  /** Whether containers of the network may speak to each other. */
  interContainer: boolean;
  /** Ports of the bridge are in hairpin mode, see InterfacePlan. */
  hairpin?: true;
  /** Links of the host by which published ports may be reached directly in mode 'nat' (trusted_host_interfaces). */
  trustedInterfaces: readonly string[];
}

/** A published port, as far as the firewall carries it: both addresses are of one family. */
export interface PortRule {
  /** Of the network by which the container is reached. */
  bridge: string;
  protocol: 'tcp' | 'udp' | 'sctp';
  /** '0.0.0.0' or '::' for every address of the host. */
  hostAddress: string;
  /** 0 in mode 'routed': nothing is translated, the container's port is opened. */
  hostPort: number;
  /** The container's. */
  address: string;
  port: number;
}

/**
 * Another host of a network that spans hosts. VXLAN asks nobody who he is: packets for `port` are taken from such hosts alone, and containers
 * send none to them.
 */
export interface HostRule {
  /** Of the underlay, IPv4 or IPv6. */
  address: string;
  /** UDP, the same on both. */
  port: number;
}
