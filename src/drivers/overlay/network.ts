/** An overlay network on one host: a bridge, and a VXLAN device as a port of it. */
import { planBridged } from '../bridged-network.ts';
import type { BridgedOptions } from '../bridged-network.ts';
import type { NetworkConfig } from '../driver.ts';
import type { NetworkPlan } from '../plan.ts';
import { tunnelName } from './names.ts';
import { askedMtu, isEncrypted } from './options.ts';

/** What encapsulation adds (RFC 7348 section 5): Ethernet 14, VXLAN 8, UDP 8, and IPv4 20 or IPv6 40 bytes. */
const OVERHEAD = { 4: 50, 6: 70 } as const;
/** The least that IPv4 carries (RFC 791). */
const LEAST_MTU = 68;
/** Of a host that belongs to no cluster (any more): its containers keep what they most likely had. */
const USUAL_MTU = 1450;

export function planNetwork(network: NetworkConfig): NetworkPlan {
  const { vni, underlay } = network;
  if (vni === undefined) return { bridge: undefined, sysctls: [], rules: [] };
  const plan = planBridged(network, optionsOf(network));
  const way = wayOf(network);
  // On a host that has left its cluster what is there stays as long as a container is on it, and goes with all of its rules.
  if (!way || !underlay) return plan;
  return {
    ...plan,
    tunnel: {
      name: tunnelName(network.id),
      owner: network.owner,
      bridge: plan.bridge.name,
      vni,
      local: way.local,
      port: underlay.port,
      mtu: plan.bridge.mtu,
      ...(way.link !== undefined && { link: way.link }),
    },
  };
}

/** How frames go to other hosts: from which address, by which link alone, in how many bytes. undefined: they do not. */
function wayOf({ options, underlay }: NetworkConfig): { local: string; link?: string; mtu: number } | undefined {
  if (!underlay) return undefined;
  const { address, mtu, secure } = underlay;
  if (!isEncrypted(options)) return { local: address, mtu: mtu - OVERHEAD[address.includes(':') ? 6 : 4] };
  // Without WireGuard in the kernel: then containers of this host have each other, and nothing is sent in the clear.
  return secure && { local: secure.address, link: secure.link, mtu: secure.mtu - OVERHEAD[6] };
}

/** Its own containers talk; what leaves does so by their host, as from a bridge. Docker has no options for that here, either. */
export const optionsOf = (network: NetworkConfig): BridgedOptions => ({
  interContainer: true,
  masquerade: true,
  mtu: mtuOf(network),
  gatewayMode4: 'nat',
  gatewayMode6: 'nat',
  inhibitIpv4: false,
  trustedInterfaces: [],
  hostIpv4: '',
  hostIpv6: '',
});

function mtuOf(network: NetworkConfig): number {
  const asked = askedMtu(network.options);
  const way = wayOf(network);
  // The kernel holds a tunnel that is bound to a link to what that carries.
  if (asked > 0) return way?.link === undefined ? asked : Math.min(asked, Math.max(LEAST_MTU, way.mtu));
  return way ? Math.max(LEAST_MTU, way.mtu) : USUAL_MTU;
}
