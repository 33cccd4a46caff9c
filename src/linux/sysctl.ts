/**
 * Kernel settings under /proc/sys. Those below net/ belong to the network namespace of the calling thread, so they work
 * inside inNamespace() as well.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** `name` with slashes ('net/ipv4/conf/eth0.5/forwarding'): interface names may hold dots. */
export function readSysctl(name: string): string {
  return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
}

/** Writes only what differs: /proc/sys is read-only in some containers where the value is right already. */
export function writeSysctl(name: string, value: string): void {
  if (readSysctl(name) !== value) writeFileSync(`/proc/sys/${name}`, value);
}
