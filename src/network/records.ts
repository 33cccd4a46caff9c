/** What the store keeps of networks (kinds `network`, `endpoint`, `sandbox`), key = id. */
import type { SubnetConfig } from '../drivers/driver.ts';
import type { EndpointSettings } from '../model/container.ts';

export interface NetworkRecord {
  /** 64 hex digits. */
  id: string;
  name: string;
  driver: 'bridge' | 'host' | 'null';
  /** RFC 3339. */
  created: string;
  ipv4: boolean;
  ipv6: boolean;
  subnets: SubnetConfig[];
  /** Docker's own; as `network inspect` shows them. */
  options: Record<string, string>;
  labels: Record<string, string>;
  /** MAC of the bridge; '' where there is none. */
  mac: string;
  /** The bridge is the administrator's (`--bridge`). */
  foreignBridge: boolean;
}

export interface SandboxRecord {
  id: string;
  containerId: string;
  containerName: string;
  /** 'joined': another container's namespace and files; 'host': the host's. */
  kind: 'own' | 'host' | 'joined';
  /** Path of the namespace; '' for the host's. Of a joined one: the other's. */
  namespacePath: string;
  /** Whose sandbox it shares; '' unless joined. */
  owner: string;
  hostnamePath: string;
  hostsPath: string;
  resolvConfPath: string;
}

export interface EndpointRecord {
  id: string;
  sandboxId: string;
  networkId: string;
  /** With prefix; none on host and none. */
  addresses: string[];
  mac: string;
  /** Name of the veth end on the host; '' where there is none. */
  hostName: string;
  /** What was asked for, for `inspect`. */
  settings: EndpointSettings;
}
