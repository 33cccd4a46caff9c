/** The bridge of a network and what the host must allow for it. */
import type { NetworkConfig } from '../driver.ts';
import type { NetworkPlan, Sysctl } from '../plan.ts';
import { bridgeOptions } from './options.ts';

/** The text on the link by which Berth knows its own bridge again after a restart. */
export const bridgeOwner = (networkId: string): string => `berth:${networkId}`;

export function planNetwork(network: NetworkConfig): NetworkPlan {
  const { name, interContainer, masquerade, mtu } = bridgeOptions(network);
  const hasIpv6 = network.subnets.some(({ subnet }) => subnet.includes(':'));
  const prefixOf = (subnet: string): string => subnet.slice(subnet.indexOf('/'));
  return {
    bridge: {
      name,
      owner: network.foreignBridge ? '' : bridgeOwner(network.id),
      mac: network.mac,
      mtu,
      addresses: network.foreignBridge ? [] : network.subnets.map(({ subnet, gateway }) => gateway + prefixOf(subnet)),
      sysctls: hasIpv6 ? [{ name: `net/ipv6/conf/${name}/disable_ipv6`, value: '0' }] : [],
    },
    sysctls: network.ipForward ? forwarding(hasIpv6) : [],
    rules: network.firewall
      ? {
          bridge: name,
          subnets: network.subnets.map(({ subnet }) => subnet),
          masquerade,
          interContainer,
          directRouting: network.directRouting,
        }
      : undefined,
  };
}

function forwarding(hasIpv6: boolean): Sysctl[] {
  const ipv4 = { name: 'net/ipv4/ip_forward', value: '1' };
  return hasIpv6 ? [ipv4, { name: 'net/ipv6/conf/all/forwarding', value: '1' }] : [ipv4];
}
