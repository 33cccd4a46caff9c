/** `GET /containers/{id}/json`. Pure. */
import type { Json } from '../../model/json.ts';
import type { SandboxView } from '../../network/port.ts';
import type { ContainerRecord, MountRecord } from '../record.ts';
import { MASKED_PATHS, READONLY_PATHS } from '../spec/paths.ts';

export interface InspectInput {
  record: ContainerRecord;
  sandbox: SandboxView | undefined;
  execIds: readonly string[];
  paths: { log: string; files: string; upper: string; work: string; merged: string };
  size: { rw: number; rootFs: number } | undefined;
}

export const mountView = ({ Type, Name, Source, Destination, Driver, Mode, RW, Propagation }: MountRecord): Json => ({
  Type,
  ...(Name === undefined ? {} : { Name }),
  Source,
  Destination,
  ...(Driver === undefined ? {} : { Driver }),
  Mode,
  RW,
  Propagation,
});

/** What a stopped container shows of its networks: the names, and settings that were asked for. */
export function idleNetworks(record: ContainerRecord): Json {
  const mode = record.hostConfig.NetworkMode;
  if (mode.startsWith('container:')) return {};
  const names = new Set([mode === 'default' ? 'bridge' : mode]);
  for (const name of Object.keys(record.networking.EndpointsConfig)) names.add(name === 'default' ? 'bridge' : name);
  return Object.fromEntries(
    [...names].map((name) => {
      const asked = record.networking.EndpointsConfig[name];
      return [
        name,
        {
          IPAMConfig: asked?.IPAMConfig ?? null,
          Links: asked?.Links ?? null,
          Aliases: asked?.Aliases ?? null,
          DriverOpts: asked?.DriverOpts ?? null,
          GwPriority: asked?.GwPriority ?? 0,
          NetworkID: '',
          EndpointID: '',
          Gateway: '',
          IPAddress: '',
          MacAddress: asked?.MacAddress ?? '',
          IPPrefixLen: 0,
          IPv6Gateway: '',
          GlobalIPv6Address: '',
          GlobalIPv6PrefixLen: 0,
          DNSNames: null,
        },
      ];
    }),
  );
}

export function inspectView({ record, sandbox, execIds, paths, size }: InspectInput): Json {
  const host = record.hostConfig;
  const open = host.Privileged || (host.SecurityOpt ?? []).includes('systempaths=unconfined');
  return {
    Id: record.id,
    Created: record.created,
    Path: record.path,
    Args: record.args,
    State: { ...record.state },
    Image: record.imageId,
    ResolvConfPath: `${paths.files}/resolv.conf`,
    HostnamePath: `${paths.files}/hostname`,
    HostsPath: `${paths.files}/hosts`,
    LogPath: host.LogConfig.Type === 'none' ? '' : paths.log,
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execIds.length > 0 ? execIds : null,
    HostConfig: {
      ...host,
      LogConfig: { Type: host.LogConfig.Type || 'json-file', Config: host.LogConfig.Config },
      RestartPolicy: { ...host.RestartPolicy, Name: host.RestartPolicy.Name || 'no' },
      CgroupnsMode: host.CgroupnsMode || 'host',
      Runtime: host.Runtime || 'runc',
      Isolation: '',
      Cgroup: '',
      VolumeDriver: '',
      UsernsMode: '',
      BlkioWeight: 0,
      BlkioWeightDevice: [],
      BlkioDeviceReadBps: [],
      BlkioDeviceWriteBps: [],
      BlkioDeviceReadIOps: [],
      BlkioDeviceWriteIOps: [],
      CpuRealtimePeriod: 0,
      CpuRealtimeRuntime: 0,
      CpuCount: 0,
      CpuPercent: 0,
      IOMaximumIOps: 0,
      IOMaximumBandwidth: 0,
      DeviceCgroupRules: null,
      DeviceRequests: null,
      Devices: host.Devices ?? [],
      Ulimits: host.Ulimits ?? [],
      MaskedPaths: open ? null : (host.MaskedPaths ?? MASKED_PATHS),
      ReadonlyPaths: open ? null : (host.ReadonlyPaths ?? READONLY_PATHS),
    },
    GraphDriver: {
      Name: 'overlay2',
      Data: {
        ID: record.id,
        LowerDir: record.lowerDirs.join(':'),
        MergedDir: paths.merged,
        UpperDir: paths.upper,
        WorkDir: paths.work,
      },
    },
    ...(size === undefined ? {} : { SizeRw: size.rw, SizeRootFs: size.rootFs }),
    Mounts: record.mounts.map(mountView),
    Config: { ...record.config },
    NetworkSettings: {
      SandboxID: sandbox?.SandboxID ?? '',
      SandboxKey: sandbox?.SandboxKey ?? '',
      Ports: sandbox?.Ports ?? {},
      Networks: sandbox?.Networks ?? idleNetworks(record),
    },
  };
}
