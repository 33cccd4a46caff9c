/**
 * A network that is a Linux bridge on the host, whatever else it is: the bridge, what the host must allow for it, and what it asks
 * of the firewall.
 */
import type { NetworkConfig, SubnetConfig } from './driver.ts';
import type { BridgePlan, GatewayMode, NetworkPlan, NetworkRules, Sysctl } from './plan.ts';

/** What its driver chose, or its user. */
export interface BridgedOptions {
  interContainer: boolean;
  masquerade: boolean;
  /** Bytes. */
  mtu: number;
  gatewayMode4: GatewayMode;
  gatewayMode6: GatewayMode;
  /** The bridge gets no IPv4 address: another machine on it is the gateway. */
  inhibitIpv4: boolean;
  trustedInterfaces: readonly string[];
  /** Source addresses of what leaves; '' for those of the outgoing link. */
  hostIpv4: string;
  hostIpv6: string;
}

export function planBridged(network: NetworkConfig, options: BridgedOptions): NetworkPlan & { bridge: BridgePlan } {
  return {
    bridge: {
      name: network.bridge,
      owner: network.foreignBridge ? '' : network.owner,
      mac: network.mac,
      mtu: options.mtu,
      addresses: network.subnets.flatMap((subnet) => bridgeAddress(subnet, options)),
      sysctls: bridgeSysctls(network, options),
    },
    sysctls: network.ipForward && !network.internal ? forwarding(network) : [],
    rules: ([4, 6] as const).flatMap((family) => rulesOf(network, options, family)),
  };
}

const familyOf = ({ subnet }: SubnetConfig): 4 | 6 => (subnet.includes(':') ? 6 : 4);

function bridgeAddress(config: SubnetConfig, { inhibitIpv4 }: BridgedOptions): string[] {
  const { subnet, gateway } = config;
  if (gateway === '' || (inhibitIpv4 && familyOf(config) === 4)) return [];
  return [gateway + subnet.slice(subnet.indexOf('/'))];
}

function bridgeSysctls({ bridge, foreignBridge, ipv6, ...network }: NetworkConfig, options: BridgedOptions): Sysctl[] {
  const sysctls: Sysctl[] = [];
  // A container could send the host router advertisements and become its way out (CVE-2020-13401). A bridge of the
  // administrator's may be the host's own way out.
  if (!foreignBridge) sysctls.push({ name: `net/ipv6/conf/${bridge}/accept_ra`, value: '0' });
  if (ipv6) sysctls.push({ name: `net/ipv6/conf/${bridge}/disable_ipv6`, value: '0' });
  // Lets the host reach a published port at 127.0.0.1 by translation: such a packet leaves by the bridge, and its answer
  // comes back to a loopback address. Only where ports are translated.
  const translated = options.gatewayMode4 === 'nat' || options.gatewayMode4 === 'nat-unprotected';
  if (network.ipv4 && !network.internal && translated && network.firewall[4]) {
    sysctls.push({ name: `net/ipv4/conf/${bridge}/route_localnet`, value: '1' });
  }
  return sysctls;
}

function forwarding({ ipv4, ipv6 }: NetworkConfig): Sysctl[] {
  return [
    ...(ipv4 ? [{ name: 'net/ipv4/ip_forward', value: '1' }] : []),
    ...(ipv6 ? [{ name: 'net/ipv6/conf/all/forwarding', value: '1' }] : []),
  ];
}

function rulesOf(network: NetworkConfig, options: BridgedOptions, family: 4 | 6): NetworkRules[] {
  const subnets = network.subnets.filter((subnet) => familyOf(subnet) === family).map(({ subnet }) => subnet);
  if (subnets.length === 0 || !network.firewall[family]) return [];
  const mode = family === 4 ? options.gatewayMode4 : options.gatewayMode6;
  const translated = mode === 'nat' || mode === 'nat-unprotected';
  const masquerade = options.masquerade && translated && !network.internal;
  return [
    {
      bridge: network.bridge,
      family,
      subnets,
      mode,
      masquerade,
      sourceAddress: masquerade ? (family === 4 ? options.hostIpv4 : options.hostIpv6) : '',
      internal: network.internal,
      interContainer: options.interContainer,
      ...(network.hairpin === true && { hairpin: true }),
      trustedInterfaces: options.trustedInterfaces,
    },
  ];
}
