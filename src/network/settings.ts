/** What flags and daemon.json decide about networks; daemon/settings.ts adds what only the daemon itself reads. */
export interface NetworkSettings {
  /** Name of the default bridge; '' means docker0 or the next free name; 'none' means no default bridge. */
  bridge: string;
  /** Gateway address with prefix of the default bridge, '' for the first free pool. */
  bip: string;
  bip6: string;
  fixedCidr: string;
  fixedCidr6: string;
  defaultGateway: string;
  defaultGateway6: string;
  /** Bytes; 0 means 1500. */
  mtu: number;
  dns: readonly string[];
  dnsSearch: readonly string[];
  dnsOptions: readonly string[];
  ipForward: boolean;
  ipMasq: boolean;
  icc: boolean;
  /** Whether Berth makes firewall rules at all, per family. */
  iptables: boolean;
  ip6tables: boolean;
  ipv6: boolean;
  /** Host address of published ports of the default bridge that name none. */
  ip: string;
  hostGatewayIps: readonly string[];
  /** A proxy for what no rule can translate: [::1], and everything without rules. */
  userlandProxy: boolean;
  /** Driver → options that its networks have when nobody says otherwise. */
  defaultNetworkOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  defaultAddressPools: readonly DefaultPool[];
}

export interface DefaultPool {
  /** CIDR, e.g. '172.17.0.0/12'. */
  base: string;
  /** Prefix length of the subnets cut from it. */
  size: number;
}
