/** Everything that flags and daemon.json decide, after defaults; the rest of the daemon reads nothing else. */
import type { NetworkSettings } from '../network/settings.ts';

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
  /** False: an orderly stop of the daemon stops its containers, too. */
  liveRestore?: boolean;
  network: DaemonNetworkSettings;
  cluster: DaemonClusterSettings;
}

export interface TlsSettings {
  /** Paths of PEM files. */
  ca: string;
  cert: string;
  key: string;
  /** Refuse clients without a certificate of `ca`. */
  verify: boolean;
}

export interface DaemonNetworkSettings extends NetworkSettings {
  /** Accepted for dockerd's sake: Berth never turns FORWARD's policy to DROP. */
  ipForwardNoDrop: boolean;
  firewallBackend: 'nftables' | 'iptables';
  allowDirectRouting: boolean;
  /** 'MARK' or 'MARK/MASK', '' for none. */
  bridgeAcceptFwmark: string;
}

export interface DaemonClusterSettings {
  /** A given etcd; undefined: none, or one that `berth cluster` manages. */
  store: ClusterStoreSettings | undefined;
  /** An address, or the interface that has it; '' for neither. */
  advertise: string;
  /** '': the host's own name. */
  name: string;
  /** UDP. */
  vxlanPort: number;
  /** UDP. */
  wireguardPort: number;
  /** Seconds. */
  lease: number;
  /** Seconds for one call. */
  timeout: number;
}

export interface ClusterStoreSettings {
  /** 'https://10.0.0.1:2379' */
  endpoints: readonly string[];
  /** Of all keys: '/berth'. */
  prefix: string;
  /** Paths of PEM files; '' for none. */
  ca: string;
  certificate: string;
  key: string;
  /** '' for none. */
  user: string;
  /** Path; the file's text is the password. */
  passwordFile: string;
}
