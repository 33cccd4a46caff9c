/** The bridge of a network, what the host must allow for it, and what it asks of the firewall. */
import type { NetworkConfig, SubnetConfig } from '../driver.ts';
import type { NetworkPlan, NetworkRules, Sysctl } from '../plan.ts';
import { bridgeOptions } from './options.ts';
import type { BridgeOptions } from './options.ts';

export function planNetwork(network: NetworkConfig): NetworkPlan {
  const options = bridgeOptions(network.options);
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

function bridgeAddress(config: SubnetConfig, { inhibitIpv4 }: BridgeOptions): string[] {
  const { subnet, gateway } = config;
  if (gateway === '' || (inhibitIpv4 && familyOf(config) === 4)) return [];
  return [gateway + subnet.slice(subnet.indexOf('/'))];
}

function bridgeSysctls({ bridge, foreignBridge, ipv6, ...network }: NetworkConfig, options: BridgeOptions): Sysctl[] {
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

function rulesOf(network: NetworkConfig, options: BridgeOptions, family: 4 | 6): NetworkRules[] {
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
