/** `POST /containers/create` into the model's types. What is wrong with a value beyond its type is validate.ts's matter. */
import { invalidParameter } from '../../errors.ts';
import type {
  ContainerConfig,
  DeviceMapping,
  DeviceRate,
  DeviceWeight,
  EndpointSettings,
  Healthcheck,
  HostConfig,
  Mount,
  NetworkingConfig,
  PortMapEntry,
  RestartPolicy,
  Ulimit,
} from '../../model/container.ts';
import {
  bool,
  type Decoder,
  emptyObject,
  integer,
  list,
  mismatch,
  nullable,
  object,
  optional,
  present,
  record,
  string,
  stringOrStrings,
  strings,
} from './kit.ts';

const int = integer('int');
const int64 = integer('int64');

export const healthcheck = object<Healthcheck>('container.HealthConfig', {
  Test: optional(strings),
  Interval: optional(int64),
  Timeout: optional(int64),
  StartPeriod: optional(int64),
  StartInterval: optional(int64),
  Retries: optional(int),
});

const configFields = {
  Hostname: string,
  Domainname: string,
  User: string,
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  ExposedPorts: optional(record(emptyObject, 'nat.PortSet')),
  Tty: bool,
  OpenStdin: bool,
  StdinOnce: bool,
  Env: strings,
  Cmd: nullable(stringOrStrings),
  Healthcheck: optional(healthcheck),
  Image: string,
  Volumes: nullable(record(emptyObject, 'map[string]struct {}')),
  WorkingDir: string,
  Entrypoint: nullable(stringOrStrings),
  MacAddress: optional(string),
  OnBuild: nullable(strings),
  Labels: record(string),
  StopSignal: optional(string),
  StopTimeout: optional(int),
  Shell: optional(stringOrStrings),
} satisfies { [K in keyof ContainerConfig]-?: Decoder<ContainerConfig[K]> };

/** Docker's own form for old clients: one network's settings under its name. */
export const endpointSettings = object<EndpointSettings>('network.EndpointSettings', {
  IPAMConfig: nullable(
    object<NonNullable<EndpointSettings['IPAMConfig']>>('network.EndpointIPAMConfig', {
      IPv4Address: optional(string),
      IPv6Address: optional(string),
      LinkLocalIPs: optional(strings),
    }),
  ),
  Links: nullable(strings),
  Aliases: nullable(strings),
  MacAddress: string,
  DriverOpts: nullable(record(string)),
  GwPriority: int,
});

export const portBindings = record(
  nullable(list(object<PortMapEntry>('nat.PortBinding', { HostIp: string, HostPort: string }), '[]nat.PortBinding')),
  'nat.PortMap',
);

const POLICIES: readonly RestartPolicy['Name'][] = ['', 'no', 'always', 'on-failure', 'unless-stopped'];
const policyName: Decoder<RestartPolicy['Name']> = (value, path) => {
  const name = string(value, path);
  const known = POLICIES.find((policy) => policy === name);
  if (known !== undefined) return known;
  throw invalidParameter(
    `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
  );
};

export const restartPolicy = object<RestartPolicy>('container.RestartPolicy', {
  Name: policyName,
  MaximumRetryCount: int,
});

const mountType: Decoder<Mount['Type']> = (value, path) => {
  const type = string(value, path);
  if (type === 'bind' || type === 'volume' || type === 'tmpfs') return type;
  throw invalidParameter(`invalid mount config for type "${type}": mount type unknown`);
};

const mount = object<Mount>('mount.Mount', {
  Type: mountType,
  Source: string,
  Target: string,
  ReadOnly: bool,
  BindOptions: optional(
    object<NonNullable<Mount['BindOptions']>>('mount.BindOptions', {
      Propagation: optional(string),
      NonRecursive: optional(bool),
      CreateMountpoint: optional(bool),
      ReadOnlyNonRecursive: optional(bool),
      ReadOnlyForceRecursive: optional(bool),
    }),
  ),
  TmpfsOptions: optional(
    object<NonNullable<Mount['TmpfsOptions']>>('mount.TmpfsOptions', {
      SizeBytes: optional(int64),
      Mode: optional(integer('uint32')),
    }),
  ),
  VolumeOptions: optional(
    object<NonNullable<Mount['VolumeOptions']>>('mount.VolumeOptions', {
      NoCopy: optional(bool),
      Labels: optional(record(string)),
      DriverConfig: optional(
        object<NonNullable<NonNullable<Mount['VolumeOptions']>['DriverConfig']>>('mount.Driver', {
          Name: optional(string),
          Options: optional(record(string)),
        }),
      ),
      Subpath: optional(string),
    }),
  ),
});

const cgroupnsMode: Decoder<HostConfig['CgroupnsMode']> = (value, path) => {
  const mode = string(value, path);
  if (mode === '' || mode === 'private' || mode === 'host') return mode;
  throw invalidParameter(`invalid cgroup namespace mode: ${mode}`);
};

/** [height, width]; Go's [2]uint takes shorter and longer lists, and so does this. */
export const consoleSize: Decoder<[height: number, width: number]> = (value, path) => {
  if (value !== null && value !== undefined && !Array.isArray(value)) throw mismatch(value, path, '[2]uint');
  const [height = 0, width = 0] = list(integer('uint'), '[2]uint')(value, path);
  return [height, width];
};

const deviceRates = optional(
  list(
    object<DeviceRate>('blkiodev.ThrottleDevice', { Path: string, Rate: integer('uint') }),
    '[]*blkiodev.ThrottleDevice',
  ),
);

export const hostConfig = object<HostConfig>('container.HostConfig', {
  Binds: nullable(strings),
  ContainerIDFile: string,
  LogConfig: object<HostConfig['LogConfig']>('container.LogConfig', { Type: string, Config: record(string) }),
  NetworkMode: (value, path) => string(value, path) || 'default',
  PortBindings: portBindings,
  RestartPolicy: restartPolicy,
  AutoRemove: bool,
  VolumesFrom: nullable(strings),
  VolumeDriver: optional(string),
  ConsoleSize: consoleSize,
  Annotations: optional(record(string)),
  CapAdd: nullable(stringOrStrings),
  CapDrop: nullable(stringOrStrings),
  CgroupnsMode: cgroupnsMode,
  Dns: strings,
  DnsOptions: strings,
  DnsSearch: strings,
  ExtraHosts: nullable(strings),
  GroupAdd: nullable(strings),
  IpcMode: string,
  Links: nullable(strings),
  OomScoreAdj: int,
  PidMode: string,
  Privileged: bool,
  PublishAllPorts: bool,
  ReadonlyRootfs: bool,
  SecurityOpt: nullable(strings),
  Tmpfs: optional(record(string)),
  UTSMode: string,
  ShmSize: int64,
  Sysctls: optional(record(string)),
  Runtime: string,
  CpuShares: int64,
  Memory: int64,
  NanoCpus: int64,
  CgroupParent: string,
  CpuPeriod: int64,
  CpuQuota: int64,
  CpusetCpus: string,
  CpusetMems: string,
  Devices: nullable(
    list(
      object<DeviceMapping>('container.DeviceMapping', {
        PathOnHost: string,
        PathInContainer: string,
        CgroupPermissions: string,
      }),
      '[]container.DeviceMapping',
    ),
  ),
  MemoryReservation: int64,
  MemorySwap: int64,
  MemorySwappiness: nullable(int64),
  OomKillDisable: nullable(bool),
  PidsLimit: nullable(int64),
  CpuRealtimePeriod: optional(int64),
  CpuRealtimeRuntime: optional(int64),
  DeviceRequests: optional(
    list(
      object<NonNullable<HostConfig['DeviceRequests']>[number]>('container.DeviceRequest', {
        Driver: optional(string),
        Capabilities: optional(list(strings, '[][]string')),
      }),
      '[]container.DeviceRequest',
    ),
  ),
  StorageOpt: optional(record(string)),
  DeviceCgroupRules: optional(strings),
  UsernsMode: optional(string),
  Isolation: optional(string),
  BlkioWeight: optional(integer('uint16')),
  BlkioWeightDevice: optional(
    list(
      object<DeviceWeight>('blkiodev.WeightDevice', { Path: string, Weight: integer('uint16') }),
      '[]*blkiodev.WeightDevice',
    ),
  ),
  BlkioDeviceReadBps: deviceRates,
  BlkioDeviceWriteBps: deviceRates,
  BlkioDeviceReadIOps: deviceRates,
  BlkioDeviceWriteIOps: deviceRates,
  Ulimits: nullable(
    list(object<Ulimit>('units.Ulimit', { Name: string, Hard: int64, Soft: int64 }), '[]*units.Ulimit'),
  ),
  Init: optional(bool),
  Mounts: optional(list(mount, '[]mount.Mount')),
  MaskedPaths: nullable(strings),
  ReadonlyPaths: nullable(strings),
});

const networking = object<NetworkingConfig>('network.NetworkingConfig', {
  EndpointsConfig: record(endpointSettings, 'map[string]*network.EndpointSettings'),
});

export interface CreateBody extends ContainerConfig {
  HostConfig: HostConfig;
  NetworkingConfig: NetworkingConfig;
}

/** Alone: the body of a commit, which may say nothing. */
export const containerConfig = object<ContainerConfig>('container.Config', configFields);

const createBody = object<CreateBody>('container.CreateRequest', {
  ...configFields,
  HostConfig: hostConfig,
  NetworkingConfig: networking,
});

export const createRequest: Decoder<{
  config: ContainerConfig;
  hostConfig: HostConfig;
  networking: NetworkingConfig;
}> = present((value, path) => {
  const { HostConfig, NetworkingConfig, ...config } = createBody(value, path);
  if (value === null || Object.keys(Object(value)).length === 0) {
    throw invalidParameter('config cannot be empty in order to create a container');
  }
  return { config, hostConfig: HostConfig, networking: NetworkingConfig };
});
