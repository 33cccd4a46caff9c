/** What a macvlan network needs on the host: its parent, where that is not there yet, and the host's own link on it. */
import type { NetworkConfig } from '../driver.ts';
import { parentLinks, parentOf } from '../parent-link.ts';
import type { LinkPlan, NetworkPlan } from '../plan.ts';
import { hasShim, shimAddresses } from './options.ts';

export function planNetwork(network: NetworkConfig): NetworkPlan {
  return {
    bridge: undefined,
    needs: 'macvlan',
    links: [...parentLinks('macvlan', network), ...(hasShim(network.options) ? [shim(network)] : [])],
    sysctls: [],
    // Frames pass the parent, not the host's routing: there is nothing for its firewall to see.
    rules: [],
  };
}

export const shimName = (id: string): string => `hs-${id.slice(0, 12)}`;

function shim(network: NetworkConfig): LinkPlan {
  const name = shimName(network.id);
  const addresses = shimAddresses(network.options);
  const ipv6 = addresses.some((address) => address.includes(':'));
  return {
    kind: 'shim',
    name,
    owner: network.owner,
    parent: parentOf('macvlan', network),
    mac: network.mac,
    // Alone: the subnet as a whole stays reachable by the parent.
    addresses: addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`),
    sysctls: [
      // Asked by a container, whose route is here, the host answers for all its addresses; asked by the LAN it leaves that to
      // the parent: two MACs for one address would last in the neighbours' tables when the shim is gone.
      { name: `net/ipv4/conf/${name}/arp_filter`, value: '1' },
      { name: `net/ipv6/conf/${name}/disable_ipv6`, value: ipv6 ? '0' : '1' },
      { name: `net/ipv6/conf/${name}/accept_ra`, value: '0' },
    ],
  };
}
