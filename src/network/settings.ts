/** The daemon's settings as far as networks know them; see daemon/settings.ts for the meaning of each. */
export interface NetworkSettings {
  bridge: string;
  bip: string;
  bip6: string;
  fixedCidr: string;
  fixedCidr6: string;
  defaultGateway: string;
  defaultGateway6: string;
  mtu: number;
  dns: readonly string[];
  dnsSearch: readonly string[];
  dnsOptions: readonly string[];
  ipForward: boolean;
  ipMasq: boolean;
  icc: boolean;
  iptables: boolean;
  ip6tables: boolean;
  ipv6: boolean;
  ip: string;
  hostGatewayIps: readonly string[];
  allowDirectRouting: boolean;
  defaultAddressPools: readonly { base: string; size: number }[];
}
