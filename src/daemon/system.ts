/** `GET /version` and `GET /info`: Berth and the machine in the API's words. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { arch, cpus, hostname, machine, release } from 'node:os';
import { API_VERSION, MIN_API_VERSION } from '../api/system-port.ts';
import type { EngineInfo, SystemInfo, VersionInfo } from '../api/system-port.ts';
import type { Images } from '../engine/images/port.ts';
import type { Containers } from '../engine/port.ts';
import type { EventBus } from '../model/events.ts';
import type { Store } from '../store/store.ts';
import { cgroupFacts, fileSystemOf, ipForwarding, openFiles, operatingSystem, totalMemory } from './machine.ts';
import type { CgroupFacts } from './machine.ts';
import { programVersions } from './programs.ts';
import type { Program } from './programs.ts';
import type { DaemonSettings } from './settings.ts';
import { isLoopback } from './values.ts';
import { BERTH_VERSION } from './version.ts';

export interface SystemDeps {
  /** Read at each request: a reload changes them. */
  settings: DaemonSettings;
  store: Store;
  events: EventBus;
  containers: Pick<Containers, 'counts'>;
  images: Pick<Images, 'count'>;
}

const INDEX_SERVER = 'https://index.docker.io/v1/';
/** Go's names for the two machines that Berth runs on. */
/** Clients of before API 1.49 compare the two and would say that another one was expected. */
const commit = (ID: string): { ID: string; Expected: string } => ({ ID, Expected: ID });

const goArch = arch() === 'x64' ? 'amd64' : arch();

export function createSystem({ settings, store, events, containers, images }: SystemDeps): SystemInfo {
  const id = daemonId(store);
  const runtimeNames = [...new Set([settings.runtime, 'crun', 'runc'])];
  let programs: Promise<Program[]> | undefined;
  const versions = async (): Promise<Program[]> => {
    programs ??= programVersions([...new Set(['conmon', ...runtimeNames, 'skopeo', settings.initPath])]);
    return programs;
  };

  async function versionInfo(): Promise<VersionInfo> {
    const parts = await versions();
    const details = {
      ApiVersion: API_VERSION,
      MinAPIVersion: MIN_API_VERSION,
      Arch: goArch,
      BuildTime: '',
      Experimental: 'false',
      GitCommit: '',
      GoVersion: `node ${process.version}`,
      KernelVersion: release(),
      Os: 'linux',
    };
    return {
      Platform: { Name: 'Berth' },
      Components: [
        { Name: 'Engine', Version: BERTH_VERSION, Details: details },
        ...parts.map(({ name, version }) => ({ Name: name, Version: version, Details: {} })),
      ],
      Version: BERTH_VERSION,
      GitCommit: '',
      GoVersion: `node ${process.version}`,
      Os: 'linux',
      Arch: goArch,
      KernelVersion: release(),
      BuildTime: '',
    };
  }

  async function info(): Promise<EngineInfo> {
    const [parts, imageCount] = await Promise.all([versions(), images.count()]);
    const version = (name: string): string =>
      parts.find((part) => part.name === name.replace(/^.*\//, ''))?.version ?? '';
    const path = (name: string): string | undefined =>
      parts.find((part) => part.name === name.replace(/^.*\//, ''))?.path;
    const counts = containers.counts();
    const cgroup = cgroupFacts();
    const { name: OperatingSystem, version: OSVersion } = operatingSystem();
    const pools = settings.network.defaultAddressPools;
    const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY } = process.env;
    return {
      ID: id,
      Containers: counts.total,
      ContainersRunning: counts.running,
      ContainersPaused: counts.paused,
      ContainersStopped: counts.stopped,
      Images: imageCount,
      Driver: 'overlay2',
      DriverStatus: [
        ['Backing Filesystem', fileSystemOf(settings.imageRoot)],
        ['Supports d_type', 'true'],
        ['Using metacopy', 'false'],
        ['Native Overlay Diff', 'true'],
        ['userxattr', 'false'],
      ],
      Plugins: {
        Volume: ['local'],
        Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null', 'overlay'],
        Authorization: null,
        Log: ['json-file'],
      },
      MemoryLimit: cgroup.memory,
      SwapLimit: cgroup.swap,
      CpuCfsPeriod: cgroup.cfs,
      CpuCfsQuota: cgroup.cfs,
      CPUShares: cgroup.shares,
      CPUSet: cgroup.cpuset,
      PidsLimit: cgroup.pids,
      IPv4Forwarding: ipForwarding(),
      Debug: settings.debug || settings.logLevel === 'debug',
      NFd: openFiles(),
      OomKillDisable: cgroup.oomKillDisable,
      NGoroutines: process.getActiveResourcesInfo().length,
      SystemTime: new Date().toISOString(),
      LoggingDriver: 'json-file',
      CgroupDriver: 'cgroupfs',
      CgroupVersion: cgroup.version,
      NEventsListener: events.listeners(),
      KernelVersion: release(),
      OperatingSystem,
      OSVersion,
      OSType: 'linux',
      Architecture: machine(),
      IndexServerAddress: INDEX_SERVER,
      RegistryConfig: registryConfig(settings),
      NCPU: cpus().length,
      MemTotal: totalMemory(),
      GenericResources: null,
      DockerRootDir: settings.dataRoot,
      // A proxy's URL may hold a password.
      HttpProxy: withoutPassword(HTTP_PROXY),
      HttpsProxy: withoutPassword(HTTPS_PROXY),
      NoProxy: NO_PROXY ?? '',
      Name: hostname(),
      Labels: settings.labels,
      ExperimentalBuild: false,
      ServerVersion: BERTH_VERSION,
      Runtimes: Object.fromEntries(
        runtimeNames.flatMap((name) => {
          const program = path(name);
          return program === undefined ? [] : [[name.replace(/^.*\//, ''), { path: program }]];
        }),
      ),
      DefaultRuntime: settings.runtime.replace(/^.*\//, ''),
      LiveRestoreEnabled: settings.liveRestore !== false,
      Isolation: '',
      InitBinary: settings.initPath,
      ContainerdCommit: commit(''),
      RuncCommit: commit(version(settings.runtime)),
      InitCommit: commit(version(settings.initPath)),
      SecurityOptions: securityOptions(settings),
      FirewallBackend: { Driver: settings.network.firewallBackend },
      ...(pools.length > 0 && { DefaultAddressPools: pools.map(({ base, size }) => ({ Base: base, Size: size })) }),
      CDISpecDirs: [],
      Warnings: warnings(settings, cgroup),
    };
  }

  return { version: BERTH_VERSION, versionInfo, info };
}

/** Made once, kept in the store: clients tell daemons apart by it. */
function daemonId(store: Store): string {
  const known = store.get<string>('meta', 'daemon-id');
  if (known !== undefined) return known;
  const id = randomUUID();
  store.put('meta', 'daemon-id', id);
  return id;
}

function registryConfig({ insecureRegistries, registryMirrors }: DaemonSettings): EngineInfo['RegistryConfig'] {
  const isNetwork = (registry: string): boolean => registry.includes('/');
  const insecure = insecureRegistries.filter((registry) => !isNetwork(registry));
  const index = (Name: string, Mirrors: string[], Secure: boolean, Official: boolean) => ({
    Name,
    Mirrors,
    Secure,
    Official,
  });
  return {
    AllowNondistributableArtifactsCIDRs: [],
    AllowNondistributableArtifactsHostnames: [],
    // Registries on this machine need no TLS, as with Docker.
    InsecureRegistryCIDRs: [...new Set([...insecureRegistries.filter(isNetwork), '::1/128', '127.0.0.0/8'])],
    IndexConfigs: {
      'docker.io': index('docker.io', registryMirrors, true, true),
      ...Object.fromEntries(insecure.map((name) => [name, index(name, [], false, false)])),
    },
    Mirrors: registryMirrors,
  };
}

function securityOptions({ seccompProfile, noNewPrivileges }: DaemonSettings): string[] {
  return [
    ...(seccompProfile === 'unconfined' ? [] : [`name=seccomp,profile=${seccompProfile || 'builtin'}`]),
    ...(existsSync('/proc/self/ns/cgroup') ? ['name=cgroupns'] : []),
    ...(noNewPrivileges ? ['name=no-new-privileges'] : []),
  ];
}

function warnings({ hosts, tls }: DaemonSettings, cgroup: CgroupFacts): string[] {
  const missing: [boolean, string][] = [
    [cgroup.memory, 'memory limit'],
    [cgroup.swap, 'swap limit'],
    [cgroup.cfs, 'cpu cfs quota'],
    [cgroup.shares, 'cpu shares'],
    [cgroup.cpuset, 'cpuset'],
    [cgroup.pids, 'pids limit'],
  ];
  const open = hosts
    .filter((host) => host.startsWith('tcp://') && tls?.verify !== true)
    .filter((host) => tls === undefined || !isLoopback(new URL(host.replace('tcp:', 'http:')).hostname))
    .map((host) => {
      const [scheme, lack] = tls ? ['https', 'without client certificates'] : ['http', 'without encryption'];
      return (
        `WARNING: API is accessible on ${host.replace('tcp', scheme)} ${lack}.\n` +
        '         Access to the remote API is equivalent to root access on the host.'
      );
    });
  return [
    ...open,
    ...missing.filter(([there]) => !there).map(([, what]) => `WARNING: No ${what} support`),
    ...(ipForwarding() ? [] : ['WARNING: IPv4 forwarding is disabled']),
  ];
}

function withoutPassword(proxy: string | undefined): string {
  if (!proxy || !URL.canParse(proxy)) return proxy ?? '';
  const url = new URL(proxy);
  if (!url.username && !url.password) return proxy;
  url.username = 'xxxxx';
  url.password = 'xxxxx';
  return url.href;
}
