/**
 * What the engine refuses or adjusts in a HostConfig, with dockerd's texts: numbers against the machine, modes against
 * each other. What can be told from the request alone is refused by the API before. Pure: the machine comes in.
 */
import { conflict, invalidParameter } from '../errors.ts';
import type { ContainerConfig, HostConfig, Resources } from '../model/container.ts';
import { discardedPorts } from './attachments.ts';
import { normalizeCapability } from './spec/capabilities.ts';
import { parseRule } from './spec/devices.ts';
import { securityOptions } from './spec/spec.ts';
import { customSeccomp } from './spec/seccomp.ts';

export interface Machine {
  cpus: number;
  /** The kernel limits swap, too. */
  swapLimit: boolean;
  /** How many. */
  memoryNodes: number;
  /** The kernel weighs block I/O, and real-time processes, by control group. */
  blkioWeight: boolean;
  /** The kernel limits what a control group reads and writes. */
  blkioThrottle: boolean;
  realtime: boolean;
  runtimes: readonly string[];
  architecture: string;
}

const MIB = 1024 * 1024;
/** Those of dockerd's json-file; `mode` and its buffer are the daemon's own. */
const LOG_OPTIONS = 'max-size max-file compress labels labels-regex env env-regex tag mode max-buffer-size path'.split(
  ' ',
);
const LOG_DRIVERS = ['', 'json-file', 'k8s-file', 'local', 'none'];
const NAMESPACED =
  /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|domainname)|fs\.mqueue\.|net\.)/;
const RLIMITS =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');

function checkMemory(host: Resources, machine: Machine, update: boolean, warnings: string[]): void {
  if (host.Memory !== 0 && host.Memory < 6 * MIB) {
    throw invalidParameter('Minimum memory limit allowed is 6MB');
  }
  if (host.Memory > 0 && host.MemorySwap > 0 && host.MemorySwap < host.Memory) {
    throw invalidParameter('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (host.Memory === 0 && host.MemorySwap > 0 && !update) {
    throw invalidParameter('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (host.MemoryReservation !== 0 && host.MemoryReservation < 6 * MIB) {
    throw invalidParameter('Minimum memory reservation allowed is 6MB');
  }
  if (host.Memory > 0 && host.MemoryReservation > host.Memory) {
    throw invalidParameter('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  if (host.Memory > 0 && !machine.swapLimit && host.MemorySwap !== -1) {
    if (host.MemorySwap > 0) {
      warnings.push(
        'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
      );
    }
    host.MemorySwap = -1;
  } else if (host.Memory > 0 && host.MemorySwap === 0 && !update) host.MemorySwap = host.Memory * 2;
}

function checkCpu(host: Resources, machine: Machine): void {
  if (host.NanoCpus > 0 && (host.CpuPeriod > 0 || host.CpuQuota > 0)) {
    throw invalidParameter(
      `Conflicting options: Nano CPUs and CPU ${host.CpuPeriod > 0 ? 'Period' : 'Quota'} cannot both be set`,
    );
  }
  if (host.NanoCpus < 0 || host.NanoCpus > machine.cpus * 1e9) {
    throw invalidParameter(
      `range of CPUs is from 0.01 to ${machine.cpus}.00, as there are only ${machine.cpus} CPUs available`,
    );
  }
  if (host.CpuPeriod !== 0 && (host.CpuPeriod < 1000 || host.CpuPeriod > 1_000_000)) {
    throw invalidParameter('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (host.CpuQuota > 0 && host.CpuQuota < 1000) {
    throw invalidParameter('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  for (const [name, value] of [
    ['cpus', host.CpusetCpus],
    ['memory nodes', host.CpusetMems],
  ] as const) {
    if (value !== '' && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(value)) {
      throw invalidParameter(`Invalid value ${value} for cpuset ${name}`);
    }
  }
  const highest = (list: string): number => Math.max(-1, ...(list.match(/\d+/g) ?? []).map(Number));
  if (highest(host.CpusetMems) >= machine.memoryNodes) {
    throw invalidParameter(
      `Requested memory nodes are not available - requested ${host.CpusetMems}, available: ${range(machine.memoryNodes)}`,
    );
  }
  if (highest(host.CpusetCpus) >= machine.cpus) {
    throw invalidParameter(
      `Requested CPUs are not available - requested ${host.CpusetCpus}, available: ${range(machine.cpus)}`,
    );
  }
}

const range = (count: number): string => (count === 1 ? '0' : `0-${count - 1}`);

function checkWeights(host: Resources, machine: Machine, warnings: string[]): void {
  if (host.BlkioWeight && !machine.blkioWeight) {
    warnings.push('Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.');
    delete host.BlkioWeight;
  }
  const weight = host.BlkioWeight ?? 0;
  if (weight !== 0 && (weight < 10 || weight > 1000)) {
    throw invalidParameter('Range of blkio weight is from 10 to 1000');
  }
  const { CpuRealtimePeriod: period = 0, CpuRealtimeRuntime: runtime = 0 } = host;
  if ((period !== 0 || runtime !== 0) && !machine.realtime) {
    throw invalidParameter('Your kernel does not support CPU real-time scheduler');
  }
  if (period !== 0 && runtime > period) {
    throw invalidParameter('cpu real-time runtime cannot be higher than cpu real-time period');
  }
}

const THROTTLES = {
  BlkioDeviceReadBps: ['BPS Block I/O read', 'Block I/O BPS read'],
  BlkioDeviceWriteBps: ['BPS Block I/O write', 'Block I/O BPS write'],
  BlkioDeviceReadIOps: ['IOPS Block read', 'Block I/O IOPS read'],
  BlkioDeviceWriteIOps: ['IOPS Block write', 'Block I/O IOPS write'],
} as const;

/** What the kernel cannot do is left out, with a warning. */
function checkBlockDevices(host: HostConfig, machine: Machine, warnings: string[]): void {
  if ((host.BlkioWeightDevice ?? []).length > 0 && !machine.blkioWeight) {
    warnings.push(
      'Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.',
    );
    delete host.BlkioWeightDevice;
  }
  for (const [field, [what, limit]] of Object.entries(THROTTLES)) {
    const name = field as keyof typeof THROTTLES;
    if (machine.blkioThrottle || (host[name] ?? []).length === 0) continue;
    warnings.push(`Your kernel does not support ${what} limit or the cgroup is not mounted. ${limit} limit discarded.`);
    delete host[name];
  }
}

/** Changes `host` where dockerd would; returns warnings for the client. `update`: what is not set stays as it is. */
export function checkResources(host: Resources, machine: Machine, update: boolean): string[] {
  const warnings: string[] = [];
  checkMemory(host, machine, update, warnings);
  checkCpu(host, machine);
  checkWeights(host, machine, warnings);
  return warnings;
}

function checkModes(config: ContainerConfig, host: HostConfig): void {
  if (!/^(host|private|shareable|none|container:.+)?$/.test(host.IpcMode)) {
    throw invalidParameter(`invalid IPC mode: ${host.IpcMode}`);
  }
  if (!/^(host|private|container:.+)?$/.test(host.PidMode)) throw invalidParameter(`invalid PID mode: ${host.PidMode}`);
  if (!/^(host)?$/.test(host.UTSMode)) throw invalidParameter(`invalid UTS mode: ${host.UTSMode}`);
  if (host.UTSMode === 'host' && (config.Hostname !== '' || config.Domainname !== '')) {
    throw invalidParameter('conflicting options: hostname and the UTS mode');
  }
  if (host.ShmSize > 0 && host.IpcMode !== '' && !['private', 'shareable'].includes(host.IpcMode)) host.ShmSize = 0;
  if (!/^(host)?$/.test(host.UsernsMode ?? '')) throw invalidParameter(`invalid USER mode: ${host.UsernsMode}`);
  for (const [name] of Object.entries(host.Sysctls ?? {})) {
    if (!NAMESPACED.test(name)) {
      throw invalidParameter(`invalid sysctl: sysctl ${name} is not in a separate kernel namespace`);
    }
    if (name.startsWith('net.') && host.NetworkMode === 'host') {
      throw invalidParameter(`sysctl '${name}' not allowed in host network namespace`);
    }
    if (name.startsWith('kernel.') && name !== 'kernel.domainname' && host.IpcMode === 'host') {
      throw invalidParameter(`sysctl '${name}' not allowed in host ipc namespace`);
    }
  }
}

function checkSecurity(host: HostConfig, machine: Machine): void {
  for (const name of host.CapAdd ?? []) normalizeCapability(name, 'CapAdd');
  for (const name of host.CapDrop ?? []) normalizeCapability(name, 'CapDrop');
  for (const option of host.SecurityOpt ?? []) {
    if (option === 'no-new-privileges') continue;
    const match = /^([a-z-]+)[=:](.*)$/s.exec(option);
    if (match === null) throw invalidParameter(`invalid --security-opt 1: ${JSON.stringify(option)}`);
    const [, key = '', value = ''] = match;
    if (!['no-new-privileges', 'seccomp', 'apparmor', 'label', 'systempaths', 'writable-cgroups'].includes(key)) {
      throw invalidParameter(`invalid --security-opt 2: ${JSON.stringify(option)}`);
    }
    if (key === 'no-new-privileges' && !['true', 'false'].includes(value)) {
      throw invalidParameter(`invalid --security-opt 2: ${JSON.stringify(option)}`);
    }
  }
  for (const text of host.DeviceCgroupRules ?? []) {
    if (parseRule(text) === undefined) throw invalidParameter(`invalid device cgroup rule format: '${text}'`);
  }
  const { seccomp } = securityOptions(host.SecurityOpt ?? []);
  if (seccomp !== undefined && !['', 'unconfined', 'builtin'].includes(seccomp)) {
    customSeccomp(seccomp, [], machine.architecture);
  }
}

/** Changes `host` where dockerd would; returns warnings for the client. */
export function checkHostConfig(config: ContainerConfig, host: HostConfig, machine: Machine): string[] {
  const warnings = checkResources(host, machine, false);
  const swappiness = host.MemorySwappiness ?? -1;
  if (swappiness < -1 || swappiness > 100) {
    throw invalidParameter(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  checkBlockDevices(host, machine, warnings);
  checkModes(config, host);
  checkSecurity(host, machine);
  warnings.push(...discardedPorts(host));
  if (!LOG_DRIVERS.includes(host.LogConfig.Type)) {
    throw invalidParameter(`logger: no log driver named '${host.LogConfig.Type}' is registered`);
  }
  for (const name of Object.keys(host.LogConfig.Config)) {
    if (!LOG_OPTIONS.includes(name)) {
      throw invalidParameter(`unknown log opt '${name}' for ${host.LogConfig.Type || 'json-file'} log driver`);
    }
  }
  const size = host.LogConfig.Config['max-size'];
  if (size !== undefined && logSize(size) === undefined) {
    throw invalidParameter(`invalid size: '${size}'`);
  }
  if (host.Runtime !== '' && !machine.runtimes.includes(host.Runtime)) {
    throw invalidParameter(`unknown or invalid runtime name: ${host.Runtime}`);
  }
  for (const { Name, Hard, Soft } of host.Ulimits ?? []) {
    if (!RLIMITS.includes(Name)) throw invalidParameter(`invalid ulimit type: ${Name}`);
    if (Hard !== -1 && (Soft > Hard || Soft === -1)) {
      throw invalidParameter(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
    }
  }
  if (config.StopTimeout !== undefined && config.StopTimeout < -1) {
    throw conflict(`invalid stop timeout: ${config.StopTimeout}`);
  }
  return warnings;
}

/** '10m' in bytes. */
export function logSize(text: string): number | undefined {
  const match = /^(\d+)([kmg]?)b?$/i.exec(text);
  if (match === null) return undefined;
  const power = ['', 'k', 'm', 'g'].indexOf((match[2] ?? '').toLowerCase());
  return Number(match[1]) * 1024 ** power;
}
