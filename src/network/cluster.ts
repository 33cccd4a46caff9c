/**
 * What the pure network asks of the cluster: which networks and endpoints there are on all hosts, and that no address is given
 * twice. Implemented in cluster/; fake-cluster.ts is the strict stand-in.
 *
 * What a call changes is in the cluster store when it resolves. Calls that need the store reject with Unavailable, saying what to do,
 * when it has not answered within some seconds; what is known already is answered at once, however old it is.
 */
import type { NetworkRecord } from './records.ts';

/** An endpoint as all hosts know it. */
export interface ClusterEndpoint {
  /** 64 hex digits. */
  id: string;
  networkId: string;
  /** With prefix: '10.0.0.2/24'; at most one of each family, at least one. No other endpoint of the network has them. */
  addresses: readonly string[];
  /** 'aa:bb:cc:dd:ee:ff' */
  mac: string;
  containerId: string;
  /** Without leading slash. */
  containerName: string;
  /** By what containers on the network find it, the container's name first, as in EndpointNames. */
  names: readonly string[];
}

/** …and where it is. */
export interface PlacedEndpoint extends ClusterEndpoint {
  host: ClusterHost;
}

export interface ClusterHost {
  /** Unique in the cluster. */
  name: string;
  /** Underlay address, IPv4 or IPv6, to which the others send what is for its containers. */
  address: string;
  /** By which it is sent what belongs to encrypted networks; absent where its kernel has no WireGuard. */
  secure?: SecureHost;
}

export interface SecureHost {
  /** X25519 (RFC 7748): base64 of 32 bytes. */
  publicKey: string;
  /** UDP port of WireGuard. */
  port: number;
}

/** How this host sends to the others. */
export interface Underlay {
  /** This host's own address. */
  address: string;
  /** UDP port of VXLAN, the same on all hosts. */
  port: number;
  /** Bytes that the link with `address` carries. */
  mtu: number;
  /** As the other hosts know it. */
  secure?: SecureHost;
}

/** Called in the order of the changes; never out of a call to Cluster. */
export interface ClusterListener {
  /** There is a network, made here or elsewhere; or its record has changed. */
  networkAdded(network: NetworkRecord): void;
  /** It was removed; nobody has an endpoint on it. */
  networkRemoved(networkId: string): void;
  /**
   * Of a network that is followed: endpoints on other hosts that came (or have other names or another host now) and that went.
   * `whole`: there are no others than those that were added; so says the first call after follow(), which comes even if there is
   * nobody. An address of one that was removed may be another's among the added: those that went come first.
   */
  peersChanged(
    networkId: string,
    change: { added: readonly PlacedEndpoint[]; removed: readonly PlacedEndpoint[]; whole?: boolean },
  ): void;
  /**
   * An endpoint of this host's was lost while the store could not be reached, and another host has one of its addresses, or its
   * network is no more.
   */
  endpointLost(endpointId: string, reason: string): void;
}

export interface Cluster {
  /** undefined while this host belongs to no cluster. */
  underlay(): Underlay | undefined;
  /** Hosts that are there now, this one among them. */
  hosts(): readonly ClusterHost[];
  /**
   * Called once, at the start, before any other: what this host had before. From here on the listener is told, first of all that is
   * there; endpoints that the store does not have (any more) are put there again. `networks`: those that spanned hosts before; of
   * one that is no more networkRemoved() tells.
   */
  begin(listener: ClusterListener, endpoints: readonly ClusterEndpoint[], networks?: readonly NetworkRecord[]): void;
  /**
   * `plan` makes the record from all networks of the cluster, purely; it is called again when another host made one meanwhile. What it
   * throws is thrown. Rejects with Unavailable, and says both ways to get there, when this host belongs to no cluster. The
   * listener has been told when it resolves.
   */
  createNetwork(plan: (networks: readonly NetworkRecord[]) => NetworkRecord): Promise<NetworkRecord>;
  /** Forbidden while an endpoint is on it: Docker's text, with the containers and their hosts. */
  removeNetwork(networkId: string): Promise<void>;
  /**
   * From now on peersChanged() tells of this network's endpoints on other hosts; those that are there have been told when it
   * resolves. When it rejects with Unavailable the network is followed all the same, and they are told when the store is back.
   */
  follow(networkId: string): Promise<void>;
  /** No more of it. */
  unfollow(networkId: string): void;
  /**
   * Puts the endpoint there unless one of its addresses is another's: then those come back and nothing was changed; empty when it is
   * this host's now. One write. NotFound when the network is no more.
   */
  claim(endpoint: ClusterEndpoint): Promise<readonly string[]>;
  /** Other names or another container name for an endpoint that is there. */
  rename(endpoint: ClusterEndpoint): Promise<void>;
  /** Takes it away; when the store cannot be reached, as soon as it can. Succeeds when there is none. One write. */
  release(endpointId: string): Promise<void>;
  /** All endpoints of a network on all hosts, this one's included, as the store has them now. */
  endpoints(networkId: string): Promise<readonly PlacedEndpoint[]>;
  /** `keep`: containers go on, and so does their claim, as long as the lease; otherwise all that is this host's goes at once. */
  close(options: { keep: boolean }): Promise<void>;
}
