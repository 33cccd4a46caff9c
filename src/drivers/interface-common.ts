/** What an interface is whatever kind of link it is: its addresses, and what is set for IPv6. */
import type { EndpointConfig } from './driver.ts';
import { checkInterfaceName, disablesIpv6, endpointSysctls } from './endpoint-options.ts';
import { announceOf } from './network-options.ts';
import type { InterfacePlan, Sysctl } from './plan.ts';

export function commonOf(
  networkOptions: Readonly<Record<string, string>>,
  { addresses: own, linkLocal, interfaceName: name, options }: EndpointConfig,
  ipv6: readonly Sysctl[] = ownIpv6(name),
): Pick<InterfacePlan, 'name' | 'addresses' | 'routes' | 'sysctls' | 'announce'> {
  checkInterfaceName(name);
  const withoutIpv6 = disablesIpv6(options);
  const addresses = [...own, ...linkLocal].filter((address) => !withoutIpv6 || !address.includes(':'));
  const hasIpv6 = addresses.some((address) => address.includes(':'));
  return {
    name,
    addresses,
    routes: [],
    sysctls: [
      // Without IPv6 on the network a link-local address would only be a way around the rules; dockerd does the same.
      { name: `net/ipv6/conf/${name}/disable_ipv6`, value: hasIpv6 ? '0' : '1' },
      ...(hasIpv6 ? ipv6 : []),
      ...endpointSysctls(options, name),
    ],
    announce: announceOf(networkOptions),
  };
}

/** Addresses and routes come from here, not from whichever neighbour advertises itself as a router. */
export const ownIpv6 = (name: string): Sysctl[] => [{ name: `net/ipv6/conf/${name}/accept_ra`, value: '0' }];

/** The LAN's routers say themselves that they are there (RFC 4861 section 6.2); addresses still come from here alone. */
export const advertisedRouters = (name: string): Sysctl[] => [
  { name: `net/ipv6/conf/${name}/accept_ra`, value: '1' },
  { name: `net/ipv6/conf/${name}/accept_ra_pinfo`, value: '0' },
];
