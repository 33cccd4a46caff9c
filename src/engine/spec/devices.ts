/** Device rules of the devices cgroup, and device nodes (config-linux.md, "Devices"). Pure. */
import type { OciDevice, OciDeviceRule } from './oci.ts';

const rule = (type: 'a' | 'b' | 'c', access: string, major?: number, minor?: number): OciDeviceRule => ({
  allow: true,
  type,
  ...(major === undefined ? {} : { major }),
  ...(minor === undefined ? {} : { minor }),
  access,
});

/** Nothing but: making nodes; null, zero, full, tty, random, urandom, console, ptmx, the pseudo terminals, net/tun not. */
const DEFAULT_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  rule('c', 'm'),
  rule('b', 'm'),
  rule('c', 'rwm', 1, 3),
  rule('c', 'rwm', 1, 5),
  rule('c', 'rwm', 1, 7),
  rule('c', 'rwm', 5, 0),
  rule('c', 'rwm', 5, 1),
  rule('c', 'rwm', 5, 2),
  rule('c', 'rwm', 1, 8),
  rule('c', 'rwm', 1, 9),
  rule('c', 'rwm', 136),
];

export interface HostDevice extends OciDevice {
  access: string;
}

/** 'c 10:229 rwm', 'b *:* r', 'a *:* rwm'; undefined for what is none. */
export function parseRule(text: string): OciDeviceRule | undefined {
  const [, type = '', major = '', minor = '', access = ''] =
    /^([acb]) (\d{1,10}|\*):(\d{1,10}|\*) ([rwm]{1,3})$/.exec(text) ?? [];
  if (type !== 'a' && type !== 'b' && type !== 'c') return undefined;
  const number = (word: string): number | undefined => (word === '*' ? undefined : Number(word));
  return rule(type, access, number(major), number(minor));
}

export function deviceRules(
  privileged: boolean,
  devices: readonly HostDevice[],
  more: readonly string[] = [],
): OciDeviceRule[] {
  if (privileged) return [{ allow: true, access: 'rwm' }];
  const own = devices.flatMap(({ type, access, major, minor }) =>
    type === 'p' ? [] : [rule(type, access, major, minor)],
  );
  return [...DEFAULT_RULES, ...own, ...more.flatMap((text) => parseRule(text) ?? [])];
}

export const deviceNodes = (devices: readonly HostDevice[]): OciDevice[] =>
  devices.map(({ path, type, major, minor, fileMode, uid, gid }) => ({ path, type, major, minor, fileMode, uid, gid }));
