/** The bridge of a network and what the host must allow for it. */
import type { NetworkConfig } from '../driver.ts';
import type { NetworkPlan, Sysctl } from '../plan.ts';
import { bridgeOptions } from './options.ts';

export function planNetwork(network: NetworkConfig): NetworkPlan {
  const { name, interContainer, masquerade, mtu } = bridgeOptions(network);
  const hasIpv6 = network.subnets.some(({ subnet }) => subnet.includes(':'));
  const prefixOf = (subnet: string): string => subnet.slice(subnet.indexOf('/'));
  return {
    bridge: {
      name,
      owner: network.foreignBridge ? '' : network.owner,
      mac: network.mac,
      mtu,
      addresses: network.foreignBridge ? [] : network.subnets.map(({ subnet, gateway }) => gateway + prefixOf(subnet)),
      sysctls: network.foreignBridge ? [] : bridgeSysctls(name, hasIpv6),
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

/** A container could send the host router advertisements and become its way out (CVE-2020-13401). */
function bridgeSysctls(name: string, hasIpv6: boolean): Sysctl[] {
  const closed = { name: `net/ipv6/conf/${name}/accept_ra`, value: '0' };
  return hasIpv6 ? [closed, { name: `net/ipv6/conf/${name}/disable_ipv6`, value: '0' }] : [closed];
}

function forwarding(hasIpv6: boolean): Sysctl[] {
  const ipv4 = { name: 'net/ipv4/ip_forward', value: '1' };
  return hasIpv6 ? [ipv4, { name: 'net/ipv6/conf/all/forwarding', value: '1' }] : [ipv4];
}
