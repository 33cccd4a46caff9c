/** --ulimit, --device, --sysctl, --security-opt, --restart and the like. Pure; errors in docker's words. */
import type { DeviceMapping, Ulimit } from '../../model/container.ts';

const ULIMITS = new Set([
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]);

function limit(text: string): number {
  if (!/^-?\d{1,19}$/.test(text)) throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** 'nofile=1024:2048', -1 for no limit. */
export function parseUlimit(text: string): Ulimit {
  const equals = text.indexOf('=');
  if (equals < 0) throw new Error(`invalid ulimit argument: ${text}`);
  const Name = text.slice(0, equals);
  if (!ULIMITS.has(Name)) throw new Error(`invalid ulimit type: ${Name}`);
  const [soft = '', hard = soft, ...more] = text.slice(equals + 1).split(':');
  if (more.length > 0)
    throw new Error(
      `too many limit value arguments - ${text.slice(equals + 1)}, can only have up to two, \`soft[:hard]\``,
    );
  const [Soft, Hard] = [limit(soft), limit(hard)];
  if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
    throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
  return { Name, Hard, Soft };
}

/** HOST[:CONTAINER][:rwm] */
export function parseDevice(text: string): DeviceMapping {
  const isMode = (part: string): boolean => /^[rwm]{1,3}$/.test(part) && new Set(part).size === part.length;
  const [host = '', ...rest] = text.split(':');
  if (rest.length > 2) throw new Error(`bad format for path: ${text}`);
  const last = rest.at(-1);
  const mode = rest.length === 2 || (last !== undefined && isMode(last)) ? rest.pop() : undefined;
  const inside = rest[0] ?? host;
  if (mode !== undefined && !isMode(mode)) throw new Error(`bad mode specified: ${mode}`);
  if (!host.startsWith('/')) throw new Error(`${host} is not an absolute path`);
  if (!inside.startsWith('/')) throw new Error(`${inside} is not an absolute path`);
  return { PathOnHost: host, PathInContainer: inside, CgroupPermissions: mode ?? 'rwm' };
}

/** 'c 10:229 rwm' */
export function checkDeviceRule(text: string): string {
  if (/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text)) return text;
  throw new Error(`invalid device cgroup format '${text}'`);
}

/** Only what belongs to a namespace can be set for a container. */
export function checkSysctl(text: string): string {
  const name = text.split('=', 1)[0] ?? '';
  const known = [
    'kernel.msgmax',
    'kernel.msgmnb',
    'kernel.msgmni',
    'kernel.sem',
    'kernel.shmall',
    'kernel.shmmax',
    'kernel.shmmni',
    'kernel.shm_rmid_forced',
  ];
  if (!text.includes('=') || !(known.includes(name) || /^(net|fs\.mqueue)\../.test(name))) {
    throw new Error(`sysctl '${text}' is not allowed`);
  }
  return text;
}

/**
 * A seccomp profile is a file of the client's: its content is sent. `no-new-privileges` may stand alone, everything
 * else is NAME=VALUE (or, of old, NAME:VALUE). `read` gives a file's text.
 */
export function parseSecurityOption(text: string, read: (path: string) => string): string {
  if (text === 'no-new-privileges' || text.startsWith('systempaths=')) return text;
  const match = /^([^=:]+)[=:](.*)$/s.exec(text);
  if (match === null) throw new Error(`Invalid --security-opt: ${JSON.stringify(text)}`);
  const [, name = '', value = ''] = match;
  if (name !== 'seccomp' || value === 'unconfined' || value === 'builtin') return text;
  let profile: string;
  try {
    profile = read(value);
  } catch (error) {
    throw new Error(`opening seccomp profile (${value}) failed: ${(error as Error).message}`, { cause: error });
  }
  try {
    return `seccomp=${JSON.stringify(JSON.parse(profile))}`;
  } catch (error) {
    throw new Error(`compacting json for seccomp profile (${value}) failed: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** 'on-failure:3'. Which names there are is the daemon's matter. */
export function parseRestart(text: string): { Name: string; MaximumRetryCount: number } {
  if (text === '') return { Name: '', MaximumRetryCount: 0 };
  const [Name = '', count, ...more] = text.split(':');
  if (more.length > 0) throw new Error('invalid restart policy format: maximum retry count must be an integer');
  if (Name === '') throw new Error(`invalid restart policy format: no policy provided before colon`);
  if (count !== undefined && !/^[+-]?\d{1,9}$/.test(count)) {
    throw new Error('invalid restart policy format: maximum retry count must be an integer');
  }
  return { Name, MaximumRetryCount: Number(count ?? 0) };
}

/** Namespace modes of which the daemon would say less. */
export function checkMode(flag: 'pid' | 'userns' | 'uts' | 'cgroupns', mode: string): string {
  const ok = {
    pid: mode === '' || mode === 'host' || /^container:./.test(mode),
    userns: mode === '' || mode === 'host',
    uts: mode === '' || mode === 'host',
    cgroupns: mode === '' || mode === 'host' || mode === 'private',
  }[flag];
  const what = { pid: 'PID', userns: 'USER', uts: 'UTS', cgroupns: 'CGROUP' }[flag];
  if (!ok) throw new Error(`--${flag}: invalid ${what} mode`);
  return mode;
}

/** 'net_admin' and 'CAP_NET_ADMIN' are the same; ALL makes the others of its list idle; what is added is not dropped. */
export function capabilities(add: readonly string[], drop: readonly string[]): { add: string[]; drop: string[] } {
  const normal = (names: readonly string[]): Set<string> => {
    const set = new Set(
      names.map((name) => {
        const upper = name.trim().toUpperCase();
        return upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
      }),
    );
    return set.has('ALL') ? new Set(['ALL']) : set;
  };
  const added = normal(add);
  return { add: [...added].toSorted(), drop: [...normal(drop)].filter((name) => !added.has(name)).toSorted() };
}
