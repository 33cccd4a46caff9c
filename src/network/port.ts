/**
 * What the engine asks of the network for its containers, and what the API asks about networks.
 * The controller implements both; nothing above it knows a driver.
 */
import type { EndpointSettings, PortMap } from '../model/container.ts';
import type { ContainerLink } from './records.ts';

export type { ContainerLink } from './records.ts';
import type { Filters, Json } from '../model/json.ts';

export interface SandboxRequest {
  containerId: string;
  /** Without leading slash. */
  containerName: string;
  /** Name of the image's entry for IPAM events; free text. */
  hostname: string;
  domainname: string;
  /** 'default', 'bridge', 'host', 'none', 'container:<full id>' or a network's name or ID. */
  networkMode: string;
  /** Network's name or ID → settings; that of networkMode may be missing. */
  endpoints: Readonly<Record<string, EndpointSettings>>;
  /** Of the default bridge; the containers exist. */
  links: readonly ContainerLink[];
  /** '80/tcp'. */
  exposed: readonly string[];
  portBindings: PortMap;
  /** Every exposed port gets a host port. */
  publishAll: boolean;
  /** Its processes have CAP_NET_ADMIN and may change its interfaces themselves. */
  netAdmin: boolean;
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
  /**
   * Published ports, their rules, and names. A process may be made meanwhile, and runs when this has resolved. When it rejects
   * (a port that cannot be had: Docker's Conflict), the sandbox is to be closed.
   */
  ready: Promise<void>;
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

export interface PublishChange {
  add: PortMap;
  /** A port without entries: all its bindings. Empty fields of an entry stand for any. */
  remove: PortMap;
  /** What the container asks for from now on: wherever it is reached later, that is published. */
  wish: Pick<SandboxRequest, 'portBindings' | 'publishAll'>;
}

export type ContainerWish = Omit<SandboxRequest, 'filesDir'>;

/** For the engine. */
export interface Sandboxes {
  /** Refuses, with Docker's text, what open() would refuse. Changes nothing. Called when a container is created. */
  check(wish: ContainerWish): void;
  /**
   * The container exists now: addresses that it asked for by name are handed out to nobody who did not ask for them until
   * forget(), whether it runs or not. Called again when its endpoints change; replaces what was kept.
   */
  reserve(containerId: string, endpoints: Readonly<Record<string, EndpointSettings>>): void;
  forget(containerId: string): void;
  /** Name, ID and driver; NotFound: 'network … not found'. */
  networkOf(ref: string): { id: string; name: string; driver: string };
  /** Makes namespace, endpoints and files, all or nothing; `ready` is the rest. For 'container:' the other's sandbox must be open. */
  open(request: SandboxRequest): Promise<Sandbox>;
  /** Ends the sandbox: endpoints, namespace. Succeeds when there is none. */
  close(containerId: string): Promise<void>;
  /** One more network for a running container. Forbidden when it is on it already. */
  connect(containerId: string, network: string, settings: EndpointSettings): Promise<void>;
  /** NotFound when the container is not on it. `force`: also when the kernel refuses to clean up. */
  disconnect(containerId: string, network: string, options: { force: boolean }): Promise<void>;
  /** Changes what a running container publishes; all or nothing. */
  publish(containerId: string, change: PublishChange): Promise<void>;
  /** The container has another name now: the resolver and what `network inspect` shows follow. */
  rename(containerId: string, name: string): Promise<void>;
  /** What `inspect` and `ps` show; undefined when the container has no open sandbox. */
  view(containerId: string): SandboxView | undefined;
  /**
   * At start-up, after the engine knows which containers exist, and which of them run (pid → their namespace): takes over
   * their sandboxes, ends all others, rebuilds every rule.
   */
  restore(
    running: ReadonlyMap<string, { pid: number; name: string }>,
    existing: ReadonlyMap<string, Readonly<Record<string, EndpointSettings>>>,
  ): Promise<void>;
}

/** The body of `POST /networks/create`, decoded; missing fields have the API's zero values. */
export interface NetworkCreateRequest {
  Name: string;
  Driver: string;
  Scope: string;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigOnly: boolean;
  ConfigFrom: { Network: string } | null;
  /** undefined: the driver's default (true). */
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  IPAM: { Driver: string; Config: IpamConfig[]; Options: Record<string, string> } | null;
  Options: Record<string, string>;
  Labels: Record<string, string>;
}

export interface IpamConfig {
  Subnet: string;
  IPRange: string;
  Gateway: string;
  AuxiliaryAddresses: Record<string, string>;
}

/** For the API. `ref` is a name, an ID or a unique prefix of one. */
export interface Networks {
  list(filters: Filters): Json[];
  inspect(ref: string, options: { verbose: boolean; scope: string }): Promise<Json>;
  create(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }>;
  remove(ref: string): Promise<void>;
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] }>;
}
