/** What `docker info` shows of the machine, read from /proc, /sys and os-release(5). */
import { existsSync, readFileSync, readdirSync, statfsSync } from 'node:fs';

export const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** os-release(5): PRETTY_NAME and VERSION_ID. */
export function parseOsRelease(text: string): { name: string; version: string } {
  const value = (key: string): string =>
    new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1]?.replace(/^(["'])(.*)\1$/, '$2') ?? '';
  return { name: value('PRETTY_NAME') || 'Linux', version: value('VERSION_ID') };
}

export const operatingSystem = (): { name: string; version: string } =>
  parseOsRelease(readText('/etc/os-release') || readText('/usr/lib/os-release'));

/** Bytes; meminfo's unit is KiB. */
export const totalMemory = (): number => Number(/^MemTotal:\s+(\d+)/m.exec(readText('/proc/meminfo'))?.[1] ?? 0) * 1024;

export const openFiles = (): number => readdirSync('/proc/self/fd').length;

export const ipForwarding = (): boolean => readText('/proc/sys/net/ipv4/ip_forward').trim() === '1';

const CGROUP_ROOT = '/sys/fs/cgroup';

export interface CgroupFacts {
  version: '1' | '2';
  memory: boolean;
  swap: boolean;
  cfs: boolean;
  shares: boolean;
  cpuset: boolean;
  pids: boolean;
  oomKillDisable: boolean;
}

/** What of the resource flags the kernel can honour. A hybrid host is version 1: its controllers are there. */
export function cgroupFacts(): CgroupFacts {
  if (existsSync(`${CGROUP_ROOT}/cgroup.controllers`)) {
    const controllers = new Set(readText(`${CGROUP_ROOT}/cgroup.controllers`).trim().split(' '));
    const cpu = controllers.has('cpu');
    const memory = controllers.has('memory');
    return {
      version: '2',
      memory,
      swap: memory && existsSync('/proc/swaps'),
      cfs: cpu,
      shares: cpu,
      cpuset: controllers.has('cpuset'),
      pids: controllers.has('pids'),
      oomKillDisable: false,
    };
  }
  const has = (file: string): boolean => existsSync(`${CGROUP_ROOT}/${file}`);
  return {
    version: '1',
    memory: has('memory/memory.limit_in_bytes'),
    swap: has('memory/memory.memsw.limit_in_bytes'),
    cfs: has('cpu/cpu.cfs_quota_us'),
    shares: has('cpu/cpu.shares'),
    cpuset: has('cpuset/cpuset.cpus'),
    pids: has('pids'),
    oomKillDisable: has('memory/memory.oom_control'),
  };
}

/** Magic numbers of statfs(2), with the names that Docker shows. */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0xef53, 'extfs'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlayfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
]);

export function fileSystemOf(directory: string): string {
  try {
    return fileSystems.get(statfsSync(directory).type) ?? '<unknown>';
  } catch {
    return '<unknown>';
  }
}
