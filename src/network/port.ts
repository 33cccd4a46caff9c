/**
 * What the engine asks of the network for its containers, and what the API asks about networks.
 * The controller implements both; nothing above it knows a driver.
 */
import type { EndpointSettings, PortMap } from '../model/container.ts';
import type { Filters, Json } from '../model/json.ts';

export interface SandboxRequest {
  containerId: string;
  /** Without leading slash. */
  containerName: string;
  /** Name of the image's entry for IPAM events; free text. */
  hostname: string;
  domainname: string;
  /** 'default', 'bridge', 'host', 'none', 'container:<full id>' or a network's name. */
  networkMode: string;
  endpoints: Readonly<Record<string, EndpointSettings>>;
  dns: readonly string[];
  dnsSearch: readonly string[];
  dnsOptions: readonly string[];
  extraHosts: readonly string[];
  /** Directory of the container's own, exists, private to it: hosts, resolv.conf and hostname are written there. */
  filesDir: string;
}

export interface Sandbox {
  id: string;
  /** Path for the OCI spec's network namespace; undefined for the host's own. */
  namespacePath: string | undefined;
  hostnamePath: string;
  hostsPath: string;
  resolvConfPath: string;
}

/** A network's part of `inspect`, in the API's EndpointSettings shape, once started. */
export interface EndpointView {
  IPAMConfig: EndpointSettings['IPAMConfig'];
  Links: string[] | null;
  Aliases: string[] | null;
  DriverOpts: Record<string, string> | null;
  GwPriority: number;
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  MacAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  DNSNames: string[] | null;
}

export interface SandboxView {
  SandboxID: string;
  SandboxKey: string;
  Ports: PortMap;
  Networks: Record<string, EndpointView>;
}

/** For the engine. */
export interface Sandboxes {
  /** Refuses, with Docker's text, what open() would refuse. Changes nothing. Called when a container is created. */
  check(request: Omit<SandboxRequest, 'filesDir'>): void;
  /** Makes namespace, endpoints, files; all or nothing. For 'container:' the other's sandbox must be open. */
  open(request: SandboxRequest): Promise<Sandbox>;
  /** Ends the sandbox: endpoints, namespace. Succeeds when there is none. */
  close(containerId: string): Promise<void>;
  /** The container has another name now; what `network inspect` shows follows. */
  rename?(containerId: string, name: string): void;
  /** What `inspect` and `ps` show; undefined when the container has no open sandbox. */
  view(containerId: string): SandboxView | undefined;
  /**
   * At start-up, after the engine knows which containers run (pid → their namespace): takes over their sandboxes,
   * ends all others, rebuilds every rule.
   */
  restore(running: ReadonlyMap<string, { pid: number; name: string }>): Promise<void>;
}

/** For the API. `ref` is a name, an ID or a unique prefix of one. */
export interface Networks {
  list(filters: Filters): Json[];
  inspect(ref: string, options: { verbose: boolean; scope: string }): Json;
  /** Full ID of a network; NotFound: 'network … not found'. */
  resolve(ref: string): { id: string; name: string; driver: string };
  create(request: Json): Promise<{ Id: string; Warning: string }>;
  remove(ref: string): Promise<void>;
  connect(ref: string, container: string, settings: EndpointSettings): Promise<void>;
  disconnect(ref: string, container: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] }>;
}
