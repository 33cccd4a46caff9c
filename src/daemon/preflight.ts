/** What berthd cannot do without, looked for before anything is made, so that the message names the remedy. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { forbidden, unavailable } from '../errors.ts';
import type { DaemonSettings } from './settings.ts';

/** Absolute path of a program, undefined when PATH has none. A name with a slash is taken as it is. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  const candidates = name.includes('/') ? [name] : path.split(delimiter).map((directory) => join(directory, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface Surroundings {
  uid: number;
  find(program: string): string | undefined;
  /** Text of /proc/filesystems. */
  filesystems: string;
}

export const surroundings = (): Surroundings => ({
  uid: process.geteuid?.() ?? 0,
  find: (program) => findProgram(program),
  filesystems: readFileSync('/proc/filesystems', 'utf8'),
});

/** Throws Forbidden or Unavailable for what makes every container impossible; returns warnings for the rest. */
export function preflight(settings: DaemonSettings, here: Surroundings): string[] {
  if (here.uid !== 0) throw forbidden('berthd needs to run as root');
  const missing = ['conmon', settings.runtime].filter((program) => here.find(program) === undefined);
  if (missing.length > 0) {
    throw unavailable(
      `missing ${missing.join(' and ')}: install ${missing.length > 1 ? 'them' : 'it'} ` +
        `(Debian: apt-get install ${missing.join(' ')})`,
    );
  }
  if (!/\boverlay$/m.test(here.filesystems)) {
    throw unavailable(
      'this kernel has no overlay file system, on which every container stands: run `modprobe overlay`, ' +
        'or use a kernel with CONFIG_OVERLAY_FS',
    );
  }
  const warnings: string[] = [];
  if (here.find('skopeo') === undefined) {
    warnings.push('missing skopeo: images cannot be pulled, loaded or saved (Debian: apt-get install skopeo)');
  }
  if (settings.init && here.find(settings.initPath) === undefined) {
    warnings.push(`missing ${settings.initPath}: containers with --init cannot start (Debian: apt-get install tini)`);
  }
  const rules = settings.network.iptables || settings.network.ip6tables;
  if (rules && settings.network.firewallBackend === 'iptables' && here.find('iptables-restore') === undefined) {
    throw unavailable('missing iptables: install it (Debian: apt-get install iptables), or use --iptables=false');
  }
  return warnings;
}
