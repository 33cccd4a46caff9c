/** The seam of a driver: it plans, purely; someone else carries the plan out. */
import type { InterfacePlan, NetworkPlan } from './plan.ts';

/** One subnet of a network. */
export interface SubnetConfig {
  /** CIDR. */
  subnet: string;
  /** CIDR inside `subnet` from which addresses are handed out; '' for all of it. */
  range: string;
  /** The bridge's own address in it. */
  gateway: string;
  /** Where containers send what leaves the subnet; `gateway` when nobody says otherwise. */
  routeVia: string;
}

/** What a driver knows of a network. */
export interface NetworkConfig {
  id: string;
  name: string;
  subnets: readonly SubnetConfig[];
  /** Docker's own: 'com.docker.network.bridge.name'… */
  options: Readonly<Record<string, string>>;
  /** Written on what the network makes on the host: whose it is. */
  owner: string;
  /** MAC of the bridge, so that it does not change with its ports. */
  mac: string;
  /** The bridge was there before Berth (`--bridge`) and is the administrator's. */
  foreignBridge: boolean;
  /** Settings of the daemon that reach into the plan. */
  ipForward: boolean;
  firewall: boolean;
  directRouting: boolean;
}

/** What a driver knows of an endpoint. */
export interface EndpointConfig {
  /** With prefix; at most one of each family. */
  addresses: readonly string[];
  mac: string;
  hostName: string;
}

export interface Driver {
  /** As the API names it. */
  readonly type: 'bridge' | 'host' | 'null';
  /** Whether a sandbox on it has a namespace of its own. */
  readonly ownNamespace: boolean;
  planNetwork(network: NetworkConfig): NetworkPlan;
  /** The interfaces of a sandbox; `slot` counts its endpoints from 0. */
  planEndpoint(network: NetworkConfig, endpoint: EndpointConfig, slot: number): readonly InterfacePlan[];
}
