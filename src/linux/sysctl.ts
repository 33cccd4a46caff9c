/**
 * Kernel settings under /proc/sys. Those below net/ belong to the network namespace of the calling thread, so they work
 * inside inNamespace() as well.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Sysctl } from '../drivers/plan.ts';
import { invalidParameter } from '../errors.ts';

/** `name` with slashes ('net/ipv4/conf/eth0.5/forwarding'): interface names may hold dots. */
export function readSysctl(name: string): string {
  return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
}

/** Writes only what differs: /proc/sys is read-only in some containers where the value is right already. */
export function writeSysctl(name: string, value: string): void {
  if (readSysctl(name) !== value) writeFileSync(`/proc/sys/${name}`, value);
}

/**
 * In their order. A kernel without IPv6 has nothing to switch off, nor has an interface whose MTU is below 1280 (RFC 8200 section
 * 5): the kernel takes IPv6 from it, and its settings with it (addrconf_notify in net/ipv6/addrconf.c). One that does not exist,
 * or refuses the value, comes from an endpoint's options: InvalidParameter.
 */
export function applySysctls(sysctls: readonly Sysctl[]): void {
  for (const { name, value } of sysctls) {
    try {
      writeSysctl(name, value);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' && name.startsWith('net/ipv6/') && !existsSync(dirname(`/proc/sys/${name}`))) continue;
      if (code === 'ENOENT') throw invalidParameter(`cannot set ${name}: this kernel has no such setting`, error);
      if (code === 'EINVAL') throw invalidParameter(`cannot set ${name}: the kernel refuses the value ${value}`, error);
      throw error;
    }
  }
}
