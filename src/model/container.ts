/**
 * Containers as the Docker Engine API speaks of them. Field names and meanings are the API's (v1.52), so that what
 * a client asked for is stored and shown without translation. `api/decode` makes these from untrusted JSON: every
 * field that is not optional here is present and valid after it.
 */
export interface PortMapEntry {
  HostIp: string;
  HostPort: string;
}
/** '80/tcp' → where it is bound on the host. */
export type PortMap = Record<string, PortMapEntry[] | null>;

export interface Healthcheck {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

export interface ContainerConfig {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  ExposedPorts?: Record<string, object>;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  Env: string[];
  Cmd: string[] | null;
  Healthcheck?: Healthcheck;
  Image: string;
  Volumes: Record<string, object> | null;
  WorkingDir: string;
  Entrypoint: string[] | null;
  /** Deprecated by the API in favour of EndpointSettings.MacAddress; still accepted. */
  MacAddress?: string;
  OnBuild: string[] | null;
  Labels: Record<string, string>;
  StopSignal?: string;
  StopTimeout?: number;
  Shell?: string[];
}

export interface RestartPolicy {
  Name: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure';
  MaximumRetryCount: number;
}

export interface Mount {
  Type: 'bind' | 'volume' | 'tmpfs';
  Source: string;
  Target: string;
  ReadOnly: boolean;
  BindOptions?: {
    Propagation?: string;
    NonRecursive?: boolean;
    CreateMountpoint?: boolean;
    /** Of what is read-only, what is mounted below stays as it is. */
    ReadOnlyNonRecursive?: boolean;
    ReadOnlyForceRecursive?: boolean;
  };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
  VolumeOptions?: {
    /** The volume does not take over what the image has at Target. */
    NoCopy?: boolean;
    Labels?: Record<string, string>;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
    /** A directory of the volume is mounted instead of the whole; relative, without '..'. */
    Subpath?: string;
  };
}

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  CgroupPermissions: string;
}

/** 10 to 1000. */
export interface DeviceWeight {
  Path: string;
  Weight: number;
}

export interface DeviceRate {
  Path: string;
  Rate: number;
}

export interface Ulimit {
  Name: string;
  Hard: number;
  Soft: number;
}

export interface HostConfig {
  Binds: string[] | null;
  ContainerIDFile: string;
  LogConfig: { Type: string; Config: Record<string, string> };
  /** 'default', 'bridge', 'host', 'none', 'container:<id>' or a network's name. */
  NetworkMode: string;
  PortBindings: PortMap;
  RestartPolicy: RestartPolicy;
  AutoRemove: boolean;
  VolumesFrom: string[] | null;
  /** Of the volumes that Binds name. */
  VolumeDriver?: string;
  ConsoleSize: [height: number, width: number];
  Annotations?: Record<string, string>;
  CapAdd: string[] | null;
  CapDrop: string[] | null;
  CgroupnsMode: '' | 'private' | 'host';
  Dns: string[];
  DnsOptions: string[];
  DnsSearch: string[];
  ExtraHosts: string[] | null;
  GroupAdd: string[] | null;
  IpcMode: string;
  Links: string[] | null;
  OomScoreAdj: number;
  PidMode: string;
  Privileged: boolean;
  PublishAllPorts: boolean;
  ReadonlyRootfs: boolean;
  SecurityOpt: string[] | null;
  Tmpfs?: Record<string, string>;
  UTSMode: string;
  ShmSize: number;
  Sysctls?: Record<string, string>;
  Runtime: string;
  CpuShares: number;
  Memory: number;
  NanoCpus: number;
  CgroupParent: string;
  CpuPeriod: number;
  CpuQuota: number;
  CpusetCpus: string;
  CpusetMems: string;
  Devices: DeviceMapping[] | null;
  MemoryReservation: number;
  MemorySwap: number;
  MemorySwappiness: number | null;
  OomKillDisable: boolean | null;
  PidsLimit: number | null;
  /** Microseconds. */
  CpuRealtimePeriod?: number;
  CpuRealtimeRuntime?: number;
  /** Refused when it asks for any: there is no driver for devices. */
  DeviceRequests?: { Driver?: string; Capabilities?: string[][] }[];
  /** Options of the storage driver; refused. */
  StorageOpt?: Record<string, string>;
  /** 'c 10:229 rwm': what a container may do with devices beside those that it is given. */
  DeviceCgroupRules?: string[];
  /** '' or 'host': user namespaces are not mapped. */
  UsernsMode?: string;
  /** '' or 'default'; there are others on Windows. */
  Isolation?: string;
  /** 10 to 1000. */
  BlkioWeight?: number;
  BlkioWeightDevice?: DeviceWeight[];
  /** Bytes a second. */
  BlkioDeviceReadBps?: DeviceRate[];
  BlkioDeviceWriteBps?: DeviceRate[];
  /** Operations a second. */
  BlkioDeviceReadIOps?: DeviceRate[];
  BlkioDeviceWriteIOps?: DeviceRate[];
  Ulimits: Ulimit[] | null;
  Init?: boolean;
  Mounts?: Mount[];
  MaskedPaths: string[] | null;
  ReadonlyPaths: string[] | null;
}

/** Limits of a container's control group that may change while it runs. */
export type Resources = Pick<
  HostConfig,
  | 'CpuShares'
  | 'Memory'
  | 'MemoryReservation'
  | 'MemorySwap'
  | 'NanoCpus'
  | 'CpuPeriod'
  | 'CpuQuota'
  | 'CpuRealtimePeriod'
  | 'CpuRealtimeRuntime'
  | 'CpusetCpus'
  | 'CpusetMems'
  | 'PidsLimit'
  | 'BlkioWeight'
>;

/** What an update asks for: 0, '', null and a policy without a name stand for "as it is". */
export type ContainerUpdate = Resources & Pick<HostConfig, 'RestartPolicy'>;

export interface EndpointSettings {
  IPAMConfig: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] } | null;
  Links: string[] | null;
  Aliases: string[] | null;
  MacAddress: string;
  DriverOpts: Record<string, string> | null;
  GwPriority: number;
}

/** Of an endpoint for which nothing was asked. */
export const NO_SETTINGS: Readonly<EndpointSettings> = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: '',
  DriverOpts: null,
  GwPriority: 0,
};

/** What a create request asks of networks: name or ID → settings. */
export interface NetworkingConfig {
  EndpointsConfig: Record<string, EndpointSettings>;
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ContainerState {
  Status: ContainerStatus;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  Pid: number;
  ExitCode: number;
  Error: string;
  /** RFC 3339; '0001-01-01T00:00:00Z' before the first time. */
  StartedAt: string;
  FinishedAt: string;
  /** Of containers with a healthcheck. */
  Health?: Health;
}

export interface HealthResult {
  /** RFC 3339 with nanoseconds. */
  Start: string;
  End: string;
  ExitCode: number;
  /** At most 4,096 bytes. */
  Output: string;
}

export interface Health {
  Status: 'starting' | 'healthy' | 'unhealthy';
  FailingStreak: number;
  /** The last five. */
  Log: HealthResult[];
}

export interface ExecConfig {
  User: string;
  Privileged: boolean;
  Tty: boolean;
  ConsoleSize?: [height: number, width: number];
  AttachStdin: boolean;
  AttachStderr: boolean;
  AttachStdout: boolean;
  DetachKeys: string;
  Env: string[];
  WorkingDir: string;
  Cmd: string[];
}
