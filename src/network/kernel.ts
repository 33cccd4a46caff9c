/**
 * All that the pure network asks of the kernel. Implemented in linux/kernel.ts; fake-kernel.ts is the strict stand-in.
 * Calls are synchronous and take milliseconds at most, except where a Promise says otherwise.
 */
import type {
  BridgePlan,
  DefaultRoute,
  InterfacePlan,
  LinkPlan,
  PeerPlan,
  ShimPlan,
  Sysctl,
  TunnelPlan,
  VethPlan,
  WireguardPlan,
} from '../drivers/plan.ts';

/** What is on the host, whoever made it; IPv6 link-local addresses and their routes are left out, as every link has them. */
export interface Survey {
  links: readonly HostLink[];
  addresses: readonly HostAddress[];
  /** Destinations of the main table's routes, CIDR; default routes are left out. */
  routes: readonly HostRoute[];
}

export interface HostLink {
  name: string;
  /** 'bridge', 'veth'…; '' for hardware. */
  kind: string;
  /** Name of the bridge that it is a port of; '' for none. */
  master: string;
  /** IFLA_IFALIAS. */
  alias: string;
  /** IFF_UP. */
  up: boolean;
}

export interface HostAddress {
  link: string;
  /** With prefix: '172.17.0.1/16'. */
  address: string;
}

export interface HostRoute {
  link: string;
  destination: string;
}

/**
 * Something that was there is there no more, or was made, by whomever; what it means is the listener's to find out. Events
 * come some milliseconds late and may come for what this daemon did itself.
 */
export type KernelEvent =
  /** A link of the host; `name` is the one it had. */
  | { kind: 'link-gone'; name: string }
  /** Of the host, under this name for the first time; veth pairs are not told of. */
  | { kind: 'link-made'; name: string }
  /** Set down, or taken out of its bridge. */
  | { kind: 'link-changed'; name: string }
  /** With prefix, on a link of the host. */
  | { kind: 'address-gone'; link: string; address: string }
  | { kind: 'route-gone'; link: string; destination: string }
  /** Addresses, routes or links inside a namespace that is bound to `path`. */
  | { kind: 'inside'; path: string }
  /** Another process deleted nftables rules, chains or tables that may be ours. */
  | { kind: 'rules-gone' }
  /** The kernel dropped events (ENOBUFS): everything may have changed. */
  | { kind: 'lost' };

export interface Kernel {
  /** A full look: costs milliseconds with many links. For the start of the daemon and for repairs. */
  survey(): Survey;
  /** The same, remembered and kept true by events once watch() was called: costs nothing. */
  present(): Survey;
  /** Called once. */
  watch(listener: (event: KernelEvent) => void): void;

  /** Makes the bridge, or completes the one of that name: mark, MTU, addresses, up. Another's bridge: check first. */
  ensureBridge(plan: BridgePlan): void;
  /** The host end of a pair that lost its bridge becomes its port again, isolated where it was. */
  enslave(plan: VethPlan): void;
  setSysctls(sysctls: readonly Sysctl[]): void;
  /**
   * Makes the link, or completes the one of that name, up. A VLAN's link that bears another daemon's mark or none is somebody else's:
   * it is used as it is. NotFound without its parent; Unavailable, with the name of the option, where the kernel has none of that kind.
   */
  ensureLink(plan: LinkPlan): void;
  /** Throws Unavailable, with the name of the option, where the kernel has no links of this kind. Changes nothing. */
  needKind(kind: 'macvlan' | 'ipvlan'): void;
  /** Makes what the host reaches by its shim exactly these addresses, without prefix. Without effect while there is no shim. */
  setReach(plan: ShimPlan, addresses: readonly string[]): void;

  /**
   * Makes the VXLAN device, or completes the one of that name, as a port of its bridge, up; one with other numbers is made anew, which
   * takes 30 ms. A new one knows nobody: setPeers() follows. Unavailable, with the name of the option, where the kernel has no VXLAN,
   * or where another program has the UDP port; Conflict when another device of the host has the number.
   */
  ensureTunnel(plan: TunnelPlan): void;
  /**
   * Makes what the tunnel knows of containers on other hosts exactly this; what is known already is left alone. Thousands are set
   * in turns of some milliseconds; changePeers() holds meanwhile, and another setPeers() takes this one's place. Rejects
   * when the tunnel is not there, or no more. Peers to which nothing can be sent (a host of another family, a MAC that is none) are
   * left out: they harm nobody.
   */
  setPeers(plan: TunnelPlan, peers: readonly PeerPlan[]): Promise<void>;
  /** Adding who is there and removing who is not succeed; who is on another host by now is not removed. Throws when the tunnel is not there. */
  changePeers(plan: TunnelPlan, change: { add: readonly PeerPlan[]; remove: readonly PeerPlan[] }): void;
  /**
   * Makes the WireGuard device, or completes the one of that name, with exactly these peers, up; peers that are there already go on as
   * they are. Tunnels that are bound to it go when it goes. Unavailable, with the name of the option, where the kernel has none, or
   * where another program has the UDP port; Conflict when a link of that name is somebody else's.
   */
  ensureWireguard(plan: WireguardPlan): void;

  /** A namespace at `path` with lo and these interfaces up. All or nothing. Fails when `path` exists. */
  createNamespace(path: string, interfaces: readonly InterfacePlan[], defaults: readonly DefaultRoute[]): void;
  /** One more interface in a namespace that is there. All or nothing. */
  addInterface(path: string, plan: InterfacePlan): void;
  /** Makes the namespace's default routes exactly these. */
  setDefaultRoutes(path: string, defaults: readonly DefaultRoute[]): void;
  /**
   * Makes interfaces, addresses and routes complete again inside a namespace; what is there besides stays. True when something
   * was missing.
   */
  repairNamespace(path: string, interfaces: readonly InterfacePlan[], defaults: readonly DefaultRoute[]): boolean;
  /** Binds `path` to the namespace of process `pid` unless it is bound to it already. */
  adoptNamespace(path: string, pid: number): void;
  /**
   * Resolves when these interfaces are gone from the namespace; those that are not there, and a namespace that is none, are fine.
   * For kinds without an end on the host. The namespace may be dropped meanwhile. Off the main thread: a deletion takes 20 ms.
   */
  interfacesGone(path: string, plans: readonly InterfacePlan[]): Promise<void>;
  /** Lets go of the namespace; its interfaces vanish some 30 ms later. Succeeds when there is none. */
  dropNamespace(path: string): void;
  /** File names in a directory of namespaces; none when it does not exist. */
  listNamespaces(directory: string): string[];
  /** Removes the directory when it is empty. */
  removeDirectory(directory: string): void;

  /**
   * Resolves when no link of these names is left. Leaves `patience` milliseconds to the kernel's own clean-up, then
   * deletes what is still there, off the main thread (a deletion takes 30 ms). Missing links are fine.
   */
  linksGone(names: readonly string[], patience: number): Promise<void>;
}

/** Text files: the container's own, and the host's that they are made from. */
export interface TextFiles {
  /** undefined when it does not exist. */
  read(path: string): string | undefined;
  /** Mode 0644: processes of any user in the container read it. In place: containers see the file by a bind mount. */
  write(path: string, text: string): void;
}
