/** The runtime's configuration of one container, from what was asked and what was found. Pure: every fact comes in. */
import type { ContainerConfig, HostConfig } from '../../model/container.ts';
import type { Identity } from '../users.ts';
import { capabilitiesOf } from './capabilities.ts';
import { deviceNodes, deviceRules, type HostDevice } from './devices.ts';
import { INIT_PATH, mountsOf, type MountInput } from './mounts.ts';
import type { OciBlockIo, OciNamespace, OciProcess, OciSeccomp, OciSpec } from './oci.ts';
import { MASKED_PATHS, READONLY_PATHS } from './paths.ts';
import { limitsOf } from './resources.ts';
import { customSeccomp, defaultSeccomp } from './seccomp.ts';

export interface SpecInput {
  id: string;
  command: readonly string[];
  config: ContainerConfig;
  hostConfig: HostConfig;
  identity: Identity;
  rootfs: string;
  cgroup: string;
  /** Of the network's sandbox; undefined for the host's own. */
  networkNamespace: string | undefined;
  /** /proc/<pid>/ns/… of a container whose namespace is shared; 'host' for the machine's own. */
  pid: 'own' | 'host' | { path: string };
  ipc: 'own' | 'host' | { path: string };
  mounts: Omit<MountInput, 'privileged' | 'readonlyRootfs' | 'hostIpc'>;
  devices: readonly HostDevice[];
  blockIO: OciBlockIo | undefined;
  ulimits: readonly { Name: string; Hard: number; Soft: number }[];
  /** CapBnd of the daemon. */
  capabilities: bigint;
  architecture: string;
  /** cgroup namespaces are the default on hosts with cgroup v2 only. */
  cgroupV2: boolean;
  noNewPrivileges: boolean;
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Later entries win; one without '=' takes the variable away. */
export function environment(config: ContainerConfig, home: string, hostname: string, tty: boolean): string[] {
  const variables = new Map<string, string>();
  const set = (entry: string): void => {
    const key = entry.split('=', 1)[0] ?? '';
    if (entry.includes('=')) variables.set(key, entry);
    else variables.delete(key);
  };
  set(DEFAULT_PATH);
  set(`HOSTNAME=${hostname}`);
  if (tty) set('TERM=xterm');
  for (const entry of config.Env) set(entry);
  if (!variables.has('HOME')) set(`HOME=${home}`);
  return [...variables.values()];
}

export interface SecurityOptions {
  noNewPrivileges: boolean | undefined;
  /** undefined: the default; 'unconfined'; or a profile's text. */
  seccomp: string | undefined;
  /** systempaths=unconfined */
  openPaths: boolean;
}

/** Both notations, 'key=value' and the old 'key:value'; labels of AppArmor and SELinux have no effect on such kernels. */
export function securityOptions(options: readonly string[]): SecurityOptions {
  const result: SecurityOptions = { noNewPrivileges: undefined, seccomp: undefined, openPaths: false };
  for (const option of options) {
    const [, key = '', value = ''] = /^([a-z-]+)[=:]?(.*)$/s.exec(option) ?? [];
    if (key === 'no-new-privileges') result.noNewPrivileges = value !== 'false';
    if (key === 'seccomp') result.seccomp = value;
    if (key === 'systempaths' && value === 'unconfined') result.openPaths = true;
  }
  return result;
}

export function seccompOf(input: {
  privileged: boolean;
  seccomp: string | undefined;
  capabilities: readonly string[];
  architecture: string;
}): OciSeccomp | undefined {
  if (input.seccomp === 'unconfined') return undefined;
  if (input.seccomp === undefined || input.seccomp === '' || input.seccomp === 'builtin') {
    return input.privileged ? undefined : defaultSeccomp(input.capabilities, input.architecture);
  }
  return customSeccomp(input.seccomp, input.capabilities, input.architecture);
}

const sets = (capabilities: string[], root: boolean): OciProcess['capabilities'] => ({
  bounding: capabilities,
  // Without a file that grants them, what is not root has none: as in Docker.
  effective: root ? capabilities : [],
  permitted: root ? capabilities : [],
  inheritable: [],
  ambient: [],
});

export function capabilitySets(
  options: { add: readonly string[]; drop: readonly string[]; privileged: boolean },
  available: bigint,
  uid: number,
): { names: string[]; sets: OciProcess['capabilities'] } {
  const names = capabilitiesOf(options, available);
  return { names, sets: sets(names, uid === 0) };
}

function namespaces(input: SpecInput, hostUts: boolean, hostCgroup: boolean): OciNamespace[] {
  const list: OciNamespace[] = [{ type: 'mount' }];
  if (input.networkNamespace !== undefined) list.push({ type: 'network', path: input.networkNamespace });
  if (!hostUts) list.push({ type: 'uts' });
  for (const type of ['pid', 'ipc'] as const) {
    const mode = input[type];
    if (mode === 'own') list.push({ type });
    else if (mode !== 'host') list.push({ type, path: mode.path });
  }
  if (!hostCgroup) list.push({ type: 'cgroup' });
  return list;
}

/** `--ulimit` for a process of the container, the first one or an exec; absent when there is none. */
export function rlimitsOf(ulimits: SpecInput['ulimits']): Pick<OciProcess, 'rlimits'> {
  if (ulimits.length === 0) return {};
  return {
    rlimits: ulimits.map(({ Name, Hard, Soft }) => ({ type: `RLIMIT_${Name.toUpperCase()}`, hard: Hard, soft: Soft })),
  };
}

export function buildSpec(input: SpecInput): OciSpec {
  const { config, hostConfig: host, identity } = input;
  const privileged = host.Privileged;
  const security = securityOptions(host.SecurityOpt ?? []);
  const capabilities = capabilitySets(
    { add: host.CapAdd ?? [], drop: host.CapDrop ?? [], privileged },
    input.capabilities,
    identity.uid,
  );
  const seccomp = seccompOf({
    privileged,
    seccomp: security.seccomp,
    capabilities: capabilities.names,
    architecture: input.architecture,
  });
  const hostUts = host.UTSMode === 'host';
  const hostCgroup = host.CgroupnsMode === 'host' || (host.CgroupnsMode === '' && (!input.cgroupV2 || privileged));
  const open = privileged || security.openPaths;
  const sysctl = host.Sysctls ?? {};
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: config.Tty,
      ...(config.Tty && host.ConsoleSize[0] > 0
        ? { consoleSize: { height: host.ConsoleSize[0], width: host.ConsoleSize[1] } }
        : {}),
      user: {
        uid: identity.uid,
        gid: identity.gid,
        ...(identity.additionalGids.length > 0 ? { additionalGids: identity.additionalGids } : {}),
      },
      args: input.mounts.init === undefined ? [...input.command] : [INIT_PATH, '--', ...input.command],
      env: environment(config, identity.home, config.Hostname, config.Tty),
      cwd: config.WorkingDir || '/',
      capabilities: capabilities.sets,
      ...rlimitsOf(input.ulimits),
      noNewPrivileges: security.noNewPrivileges ?? input.noNewPrivileges,
      ...(host.OomScoreAdj === 0 ? {} : { oomScoreAdj: host.OomScoreAdj }),
    },
    root: { path: input.rootfs, readonly: host.ReadonlyRootfs },
    ...(hostUts ? {} : { hostname: config.Hostname }),
    ...(hostUts || config.Domainname === '' ? {} : { domainname: config.Domainname }),
    mounts: mountsOf({
      ...input.mounts,
      privileged,
      readonlyRootfs: host.ReadonlyRootfs,
      hostIpc: input.ipc === 'host',
    }),
    ...(host.Annotations === undefined ? {} : { annotations: host.Annotations }),
    linux: {
      namespaces: namespaces(input, hostUts, hostCgroup),
      resources: {
        devices: deviceRules(privileged, input.devices, host.DeviceCgroupRules),
        ...limitsOf(host),
        ...(input.blockIO === undefined ? {} : { blockIO: input.blockIO }),
      },
      cgroupsPath: input.cgroup,
      devices: deviceNodes(input.devices),
      ...(Object.keys(sysctl).length > 0 ? { sysctl } : {}),
      ...(seccomp === undefined ? {} : { seccomp }),
      maskedPaths: open ? [] : (host.MaskedPaths ?? MASKED_PATHS),
      readonlyPaths: open ? [] : (host.ReadonlyPaths ?? READONLY_PATHS),
    },
  };
}
