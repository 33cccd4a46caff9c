/** Everything that flags and daemon.json decide, after defaults; the rest of the daemon reads nothing else. */
export interface AddressPool {
  /** CIDR, e.g. '172.17.0.0/12'. */
  base: string;
  /** Prefix length of the subnets cut from it. */
  size: number;
}

export interface DaemonSettings {
  /** Listen addresses: 'unix:///path', 'tcp://host:port', 'fd://'. */
  hosts: string[];
  /** Group of unix sockets; made 0660 for it. */
  group: string;
  /** Durable state (default /var/lib/berth). */
  dataRoot: string;
  /** State that a reboot ends (default /run/berth). */
  execRoot: string;
  pidfile: string;
  /** Where images live; the store shared with Podman and Buildah when dataRoot is the default. */
  imageRoot: string;
  imageRunRoot: string;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  logFormat: 'text' | 'json';
  debug: boolean;
  labels: string[];
  /** 'crun' or 'runc'; a path is allowed. */
  runtime: string;
  initPath: string;
  defaultShmSize: number;
  defaultUlimits: { Name: string; Hard: number; Soft: number }[];
  cgroupParent: string;
  insecureRegistries: string[];
  registryMirrors: string[];
  /** Seconds that requests under way are given when the daemon ends. */
  shutdownTimeout: number;
  /** Run an init in containers that do not say. */
  init?: boolean;
  /** For tcp listeners; undefined for plain HTTP. */
  tls?: TlsSettings;
  /** `--tls=false` was said: plain HTTP may be served on addresses that others can reach. */
  plainTcp?: boolean;
  seccompProfile: string;
  noNewPrivileges: boolean;
  network: NetworkSettings;
}

export interface TlsSettings {
  /** Paths of PEM files. */
  ca: string;
  cert: string;
  key: string;
  /** Refuse clients without a certificate of `ca`. */
  verify: boolean;
}

export interface NetworkSettings {
  /** Name of the default bridge; '' means docker0 or the next free name; 'none' means no default bridge. */
  bridge: string;
  /** Gateway address with prefix of the default bridge, '' for the first free pool. */
  bip: string;
  bip6: string;
  fixedCidr: string;
  fixedCidr6: string;
  defaultGateway: string;
  defaultGateway6: string;
  /** Bytes; 0 means 1500. */
  mtu: number;
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  ipForward: boolean;
  ipForwardNoDrop: boolean;
  ipMasq: boolean;
  icc: boolean;
  /** Whether Berth makes firewall rules at all, per family. */
  iptables: boolean;
  ip6tables: boolean;
  ipv6: boolean;
  firewallBackend: 'nftables' | 'iptables';
  userlandProxy: boolean;
  /** Default host address of published ports. */
  ip: string;
  hostGatewayIps: string[];
  allowDirectRouting: boolean;
  defaultAddressPools: AddressPool[];
}
