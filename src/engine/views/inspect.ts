/** `GET /containers/{id}/json`. Pure. */
import type { Json } from '../../model/json.ts';
import type { Mount, PortMap } from '../../model/container.ts';
import type { EndpointView, SandboxView } from '../../network/port.ts';
import { dnsNames, isUserDefined } from '../attachments.ts';
import { type ContainerRecord, type MountRecord, NEVER } from '../record.ts';
import { MASKED_PATHS, READONLY_PATHS } from '../spec/paths.ts';

export interface InspectInput {
  record: ContainerRecord;
  sandbox: SandboxView | undefined;
  idOf: IdOf;
  /** '/db:/web/db'. */
  links: readonly string[];
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
  // The options of a tmpfs are its own affair.
  Mode: Type === 'tmpfs' ? '' : Mode,
  RW,
  Propagation,
});

/** As it was asked for: what was left out is left out again. */
const askedMount = ({ Source, ReadOnly, ...mount }: Mount): Json => ({
  ...mount,
  ...(Source === '' ? {} : { Source }),
  ...(ReadOnly ? { ReadOnly } : {}),
});

/** ID of a network that is there. */
export type IdOf = (name: string) => string | undefined;

/** What a stopped container shows of its networks: which they are, and what was asked for there. */
export function idleNetworks(record: ContainerRecord, idOf: IdOf): Record<string, EndpointView> {
  const ran = record.state.StartedAt !== NEVER;
  return Object.fromEntries(
    Object.entries(record.networks).map(([name, asked]): [string, EndpointView] => [
      name,
      {
        IPAMConfig: asked.IPAMConfig,
        Links: asked.Links,
        Aliases: asked.Aliases,
        DriverOpts: asked.DriverOpts,
        GwPriority: asked.GwPriority,
        // dockerd knows network and names from the first start on.
        NetworkID: ran ? (idOf(name) ?? '') : '',
        EndpointID: '',
        Gateway: '',
        IPAddress: '',
        MacAddress: asked.MacAddress,
        IPPrefixLen: 0,
        IPv6Gateway: '',
        GlobalIPv6Address: '',
        GlobalIPv6PrefixLen: 0,
        DNSNames: ran && isUserDefined(name) ? dnsNames(record, asked.Aliases ?? []) : null,
      },
    ]),
  );
}

/** Where the ports are bound; null for those that are only exposed. Nothing while the container has no network to. */
export function shownPorts(record: ContainerRecord, sandbox: SandboxView | undefined): PortMap {
  if (sandbox === undefined) return {};
  const inside = Object.keys(sandbox.Networks).some((name) => name !== 'host' && name !== 'none');
  const exposed = inside ? Object.keys(record.config.ExposedPorts ?? {}) : [];
  const all: PortMap = { ...Object.fromEntries(exposed.map((port) => [port, null])), ...sandbox.Ports };
  return Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function inspectView({ record, sandbox, idOf, links, execIds, paths, size }: InspectInput): Json {
  const host = record.hostConfig;
  const open = host.Privileged || (host.SecurityOpt ?? []).includes('systempaths=unconfined');
  return {
    Id: record.id,
    Created: record.created,
    Path: record.path,
    Args: record.args,
    // Between two runs dockerd speaks of it as running: nothing but a stop makes an end of it.
    State: { ...record.state, Running: record.state.Running || record.state.Restarting },
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
      ...(isUserDefined(host.NetworkMode) ? {} : { Links: links.length > 0 ? links : null }),
      LogConfig: { Type: host.LogConfig.Type || 'json-file', Config: host.LogConfig.Config },
      RestartPolicy: { ...host.RestartPolicy, Name: host.RestartPolicy.Name || 'no' },
      CgroupnsMode: host.CgroupnsMode || 'host',
      Runtime: host.Runtime || 'runc',
      Isolation: host.Isolation ?? '',
      Cgroup: '',
      VolumeDriver: host.VolumeDriver ?? '',
      UsernsMode: host.UsernsMode ?? '',
      BlkioWeight: host.BlkioWeight ?? 0,
      BlkioWeightDevice: host.BlkioWeightDevice ?? [],
      BlkioDeviceReadBps: host.BlkioDeviceReadBps ?? [],
      BlkioDeviceWriteBps: host.BlkioDeviceWriteBps ?? [],
      BlkioDeviceReadIOps: host.BlkioDeviceReadIOps ?? [],
      BlkioDeviceWriteIOps: host.BlkioDeviceWriteIOps ?? [],
      CpuRealtimePeriod: host.CpuRealtimePeriod ?? 0,
      CpuRealtimeRuntime: host.CpuRealtimeRuntime ?? 0,
      CpuCount: 0,
      CpuPercent: 0,
      IOMaximumIOps: 0,
      IOMaximumBandwidth: 0,
      DeviceCgroupRules: host.DeviceCgroupRules ?? null,
      DeviceRequests: null,
      Devices: host.Devices ?? [],
      ...(host.Mounts === undefined ? {} : { Mounts: host.Mounts.map(askedMount) }),
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
      Ports: shownPorts(record, sandbox),
      Networks: sandbox?.Networks ?? idleNetworks(record, idOf),
    },
  };
}
