/** `info` for people: what the daemon says, in docker's order. Pure. */
import { binarySize } from '../format/units.ts';

/** The part of `GET /info` that is shown; what a daemon leaves out is not. */
export interface Info {
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  ServerVersion: string;
  Driver: string;
  DriverStatus?: [string, string][] | null;
  LoggingDriver?: string;
  CgroupDriver?: string;
  CgroupVersion?: string;
  Plugins?: Record<string, string[] | null> | null;
  Swarm?: { LocalNodeState?: string } | null;
  Runtimes?: Record<string, unknown> | null;
  DefaultRuntime?: string;
  InitBinary?: string;
  SecurityOptions?: string[] | null;
  KernelVersion?: string;
  OperatingSystem?: string;
  OSType?: string;
  Architecture?: string;
  NCPU?: number;
  MemTotal?: number;
  Name?: string;
  ID?: string;
  DockerRootDir?: string;
  Debug?: boolean;
  HttpProxy?: string;
  HttpsProxy?: string;
  NoProxy?: string;
  Labels?: string[] | null;
  ExperimentalBuild?: boolean;
  RegistryConfig?: { InsecureRegistryCIDRs?: string[] | null; Mirrors?: string[] | null } | null;
  LiveRestoreEnabled?: boolean;
  DefaultAddressPools?: { Base: string; Size: number }[] | null;
  FirewallBackend?: { Driver: string; Info?: [string, string][] | null } | null;
  Warnings?: string[] | null;
}

/** 'name=seccomp,profile=builtin' → ' seccomp' and '  profile: builtin'. */
function securityLines(options: readonly string[]): string[] {
  return options.flatMap((option) => {
    const [name = '', ...more] = option.split(',');
    return [
      `  ${name.replace(/^name=/, '')}`,
      ...more.map((pair) => {
        const [key = '', value = ''] = pair.split('=');
        return `   ${key.slice(0, 1).toUpperCase()}${key.slice(1)}: ${value}`;
      }),
    ];
  });
}

export function infoText(info: Info): string {
  const lines: string[] = [];
  const line = (name: string, value: string | number | boolean | undefined): void => {
    if (value !== undefined && value !== '') lines.push(` ${name}: ${value}`);
  };
  const block = (name: string, items: readonly string[]): void => {
    if (items.length > 0) lines.push(` ${name}:`, ...items);
  };
  line('Containers', info.Containers);
  lines.push(
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
  );
  line('Images', info.Images);
  line('Server Version', info.ServerVersion);
  line('Storage Driver', info.Driver);
  lines.push(...(info.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`));
  line('Logging Driver', info.LoggingDriver);
  line('Cgroup Driver', info.CgroupDriver);
  line('Cgroup Version', info.CgroupVersion);
  block(
    'Plugins',
    ['Volume', 'Network', 'Authorization', 'Log'].flatMap((kind) => {
      const names = info.Plugins?.[kind] ?? [];
      return names.length === 0 ? [] : [`  ${kind}: ${names.join(' ')}`];
    }),
  );
  line('Swarm', info.Swarm?.LocalNodeState);
  line(
    'Runtimes',
    Object.keys(info.Runtimes ?? {})
      .toSorted()
      .join(' '),
  );
  line('Default Runtime', info.DefaultRuntime);
  line('Init Binary', info.InitBinary);
  block('Security Options', securityLines(info.SecurityOptions ?? []));
  line('Kernel Version', info.KernelVersion);
  line('Operating System', info.OperatingSystem);
  line('OSType', info.OSType);
  line('Architecture', info.Architecture);
  line('CPUs', info.NCPU);
  line('Total Memory', info.MemTotal === undefined ? undefined : binarySize(info.MemTotal));
  line('Name', info.Name);
  line('ID', info.ID);
  line('Docker Root Dir', info.DockerRootDir);
  line('Debug Mode', info.Debug);
  line('HTTP Proxy', info.HttpProxy);
  line('HTTPS Proxy', info.HttpsProxy);
  line('No Proxy', info.NoProxy);
  block(
    'Labels',
    (info.Labels ?? []).map((label) => `  ${label}`),
  );
  line('Experimental', info.ExperimentalBuild);
  block(
    'Insecure Registries',
    (info.RegistryConfig?.InsecureRegistryCIDRs ?? []).map((cidr) => `  ${cidr}`),
  );
  block(
    'Registry Mirrors',
    (info.RegistryConfig?.Mirrors ?? []).map((mirror) => `  ${mirror}`),
  );
  line('Live Restore Enabled', info.LiveRestoreEnabled);
  line('Firewall Backend', info.FirewallBackend?.Driver);
  block(
    'Default Address Pools',
    (info.DefaultAddressPools ?? []).map(({ Base, Size }) => `   Base: ${Base}, Size: ${Size}`),
  );
  return `${lines.join('\n')}\n\n`;
}
