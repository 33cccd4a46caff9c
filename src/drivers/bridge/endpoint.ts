/** One container on a bridge. */
import type { EndpointConfig, NetworkConfig } from '../driver.ts';
import { checkInterfaceName, disablesIpv6, endpointSysctls } from '../endpoint-options.ts';
import type { InterfacePlan } from '../plan.ts';
import { bridgeOptions } from './options.ts';

export function planEndpoint(network: NetworkConfig, endpoint: EndpointConfig): InterfacePlan {
  const { mtu, interContainer, announce } = bridgeOptions(network.options);
  const { interfaceName: name, options, mac, hostName } = endpoint;
  checkInterfaceName(name);
  const withoutIpv6 = disablesIpv6(options);
  const addresses = [...endpoint.addresses, ...endpoint.linkLocal].filter(
    (address) => !withoutIpv6 || !address.includes(':'),
  );
  const hasIpv6 = addresses.some((address) => address.includes(':'));
  return {
    name,
    mac,
    mtu,
    hostName,
    bridge: network.bridge,
    isolated: !interContainer,
    ...(network.hairpin === true && { hairpin: true }),
    addresses,
    routes: [],
    sysctls: [
      // Without IPv6 on the network a link-local address would only be a way around the rules; dockerd does the same. With
      // it, addresses and routes come from here, not from whichever neighbour advertises itself as a router.
      ...(hasIpv6
        ? [
            { name: `net/ipv6/conf/${name}/disable_ipv6`, value: '0' },
            { name: `net/ipv6/conf/${name}/accept_ra`, value: '0' },
          ]
        : [{ name: `net/ipv6/conf/${name}/disable_ipv6`, value: '1' }]),
      ...endpointSysctls(options, name),
    ],
    announce,
  };
}

/** The host end's name: veth and 7 hex digits, as docker's. */
export const hostLinkName = (hex: string): string => `veth${hex.slice(0, 7)}`;

export const isHostLinkName = (name: string): boolean => /^veth[0-9a-f]{7}$/.test(name);

/** 02:42 (locally administered) and the four bytes of the IPv4 address. */
export function macOf(ipv4Bytes: Uint8Array): string {
  return [0x02, 0x42, ...ipv4Bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
