/**
 * From the flags of `run` and `create` to the body of `POST /containers/create`. What needs the machine (files, the
 * client's environment and directory) comes in, so that this is pure. What the daemon checks with a better text is
 * left to it.
 */
import type { Healthcheck } from '../../model/container.ts';
import type { Json } from '../../model/json.ts';
import type { Values } from '../command.ts';
import { parseBps, parseIops, parseWeight } from './block-io.ts';
import { checkLabel, parseEnvFile, parseLabelFile, resolveEnv, toMap } from './env.ts';
import { UNSUPPORTED } from './flags.ts';
import {
  capabilities,
  checkDeviceRule,
  checkMode,
  checkSysctl,
  parseDevice,
  parseRestart,
  parseSecurityOption,
  parseUlimit,
} from './limits.ts';
import { parseMount, parseTmpfs, parseVolumes } from './mounts.ts';
import { parseExtraHost, parseNetworks } from './network.ts';
import { parsePorts } from './ports.ts';
import { isIp, parseBytes, parseCpus, parseDuration, parseFlag, parseSwap } from './values.ts';

export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** Text of a file; throws an Error in Go's words ('open /x: no such file or directory'). */
  read: (path: string) => string;
  absolute: (path: string) => string;
  /** Of the client's terminal. */
  size: [height: number, width: number];
}

export interface CreateRequest {
  body: Json;
  attach: { stdin: boolean; stdout: boolean; stderr: boolean };
  tty: boolean;
  autoRemove: boolean;
}

const given = <T>(values: Values, flag: string, parse: (text: string) => T): T | undefined =>
  values.given(flag) && values.string(flag) !== '' ? parseFlag(flag, values.string(flag), parse) : undefined;

const each = <T>(values: Values, flag: string, parse: (text: string) => T): T[] =>
  values.list(flag).map((text) => parseFlag(flag, text, parse));

function attachments(values: Values, detach: boolean): CreateRequest['attach'] {
  const names = each(values, 'attach', (text) => {
    const name = text.toLowerCase();
    if (name === 'stdin' || name === 'stdout' || name === 'stderr') return name;
    throw new Error('valid streams are STDIN, STDOUT and STDERR');
  });
  if (detach) return { stdin: false, stdout: false, stderr: false };
  if (names.length === 0) return { stdin: values.bool('interactive'), stdout: true, stderr: true };
  return { stdin: names.includes('stdin'), stdout: names.includes('stdout'), stderr: names.includes('stderr') };
}

function healthcheck(values: Values): Healthcheck | undefined {
  const times = {
    Interval: 'health-interval',
    Timeout: 'health-timeout',
    StartPeriod: 'health-start-period',
    StartInterval: 'health-start-interval',
  } as const;
  const command = values.string('health-cmd');
  const some =
    command !== '' || values.given('health-retries') || Object.values(times).some((flag) => values.given(flag));
  if (values.bool('no-healthcheck')) {
    if (some) throw new Error('--no-healthcheck conflicts with --health-* options');
    return { Test: ['NONE'] };
  }
  if (!some) return undefined;
  const check: Healthcheck = command === '' ? {} : { Test: ['CMD-SHELL', command] };
  for (const [field, flag] of Object.entries(times) as [keyof typeof times, string][]) {
    const time = given(values, flag, parseDuration);
    if (time === undefined) continue;
    if (time < 0) throw new Error(`--${flag} cannot be negative`);
    check[field] = time;
  }
  if (values.given('health-retries')) {
    check.Retries = values.int('health-retries');
    if (check.Retries < 0) throw new Error('--health-retries cannot be negative');
  }
  return check;
}

function environment(values: Values, { env, read }: Surroundings): string[] {
  const files = values.list('env-file').flatMap((path) => parseEnvFile(read(path), path, env));
  return [...files, ...each(values, 'env', (entry) => resolveEnv(entry, env))];
}

function labels(values: Values, { read }: Surroundings): Record<string, string> {
  const files = values.list('label-file').flatMap((path) => parseLabelFile(read(path), path));
  return toMap([...files, ...each(values, 'label', checkLabel)]);
}

/** Only what was asked for. */
function blockIo(values: Values): Json {
  const weight = values.string('blkio-weight');
  if (weight !== '' && !/^\d{1,5}$/.test(weight)) {
    throw new Error(
      `invalid argument ${JSON.stringify(weight)} for "--blkio-weight" flag: strconv.ParseUint: parsing ${JSON.stringify(weight)}: invalid syntax`,
    );
  }
  const lists = {
    BlkioWeightDevice: each(values, 'blkio-weight-device', parseWeight),
    BlkioDeviceReadBps: each(values, 'device-read-bps', parseBps),
    BlkioDeviceReadIOps: each(values, 'device-read-iops', parseIops),
    BlkioDeviceWriteBps: each(values, 'device-write-bps', parseBps),
    BlkioDeviceWriteIOps: each(values, 'device-write-iops', parseIops),
  };
  const asked = Object.entries(lists).filter(([, list]) => list.length > 0);
  return { ...(weight === '' ? {} : { BlkioWeight: Number(weight) }), ...Object.fromEntries(asked) };
}

function resources(values: Values): Json {
  const swappiness = values.int('memory-swappiness');
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw new Error(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  return {
    CpuShares: values.int('cpu-shares'),
    Memory: given(values, 'memory', parseBytes) ?? 0,
    NanoCpus: given(values, 'cpus', parseCpus) ?? 0,
    CgroupParent: values.string('cgroup-parent'),
    CpuPeriod: values.int('cpu-period'),
    CpuQuota: values.int('cpu-quota'),
    CpusetCpus: values.string('cpuset-cpus'),
    CpusetMems: values.string('cpuset-mems'),
    ...blockIo(values),
    ...(values.given('cpu-rt-period') ? { CpuRealtimePeriod: values.int('cpu-rt-period') } : {}),
    ...(values.given('cpu-rt-runtime') ? { CpuRealtimeRuntime: values.int('cpu-rt-runtime') } : {}),
    Devices: each(values, 'device', (text) => text).map(parseDevice),
    ...(values.given('device-cgroup-rule')
      ? { DeviceCgroupRules: each(values, 'device-cgroup-rule', checkDeviceRule) }
      : {}),
    MemoryReservation: given(values, 'memory-reservation', parseBytes) ?? 0,
    MemorySwap: given(values, 'memory-swap', parseSwap) ?? 0,
    MemorySwappiness: swappiness,
    OomKillDisable: values.bool('oom-kill-disable'),
    PidsLimit: values.int('pids-limit'),
    Ulimits: each(values, 'ulimit', parseUlimit).toSorted((a, b) => (a.Name < b.Name ? -1 : 1)),
  };
}

function logging(values: Values): { Type: string; Config: Record<string, string> } {
  const Type = values.string('log-driver');
  const options = values.list('log-opt');
  if (Type === 'none' && options.length > 0) throw new Error(`invalid logging opts for driver ${Type}`);
  return { Type, Config: toMap(options) };
}

function address(text: string): string {
  if (!isIp(text.trim())) throw new Error(`IP address is not correctly formatted: ${text}`);
  return text.trim();
}

function searchDomain(text: string): string {
  const domain = text.trim().replace(/(?!^)\.$/, '');
  if (domain === '.' || /^[\w-]+(\.[\w-]+)*$/.test(domain)) return domain;
  throw new Error(`${text} is not a valid domain`);
}

function hostConfig(values: Values, around: Surroundings, mode: string, bindings: Json): Json {
  const volumes = parseVolumes(values.list('volume'), around.absolute);
  const restart = parseRestart(values.string('restart'));
  if (values.bool('rm') && !['', 'no'].includes(restart.Name)) {
    throw new Error('conflicting options: cannot specify both --restart and --rm');
  }
  const options = values.list('security-opt').map((text) => parseSecurityOption(text, around.read));
  const unmask = options.includes('systempaths=unconfined');
  const mounts = each(values, 'mount', (text) => parseMount(text, around.absolute));
  const caps = capabilities(values.list('cap-add'), values.list('cap-drop'));
  const tmpfs = parseTmpfs(values.list('tmpfs'));
  return {
    ...resources(values),
    Binds: volumes.binds,
    ContainerIDFile: values.string('cidfile'),
    LogConfig: logging(values),
    NetworkMode: mode,
    PortBindings: bindings,
    RestartPolicy: restart,
    AutoRemove: values.bool('rm'),
    VolumeDriver: values.string('volume-driver'),
    VolumesFrom: values.list('volumes-from'),
    ConsoleSize: around.size,
    ...(values.given('annotation') ? { Annotations: toMap(values.list('annotation')) } : {}),
    CapAdd: caps.add,
    CapDrop: caps.drop,
    CgroupnsMode: checkMode('cgroupns', values.string('cgroupns')),
    Dns: each(values, 'dns', address),
    DnsOptions: [...values.list('dns-option'), ...values.list('dns-opt')],
    DnsSearch: each(values, 'dns-search', searchDomain),
    ExtraHosts: each(values, 'add-host', parseExtraHost),
    GroupAdd: values.list('group-add'),
    IpcMode: values.string('ipc'),
    Links: values.list('link'),
    OomScoreAdj: values.int('oom-score-adj'),
    PidMode: checkMode('pid', values.string('pid')),
    Privileged: values.bool('privileged'),
    PublishAllPorts: values.bool('publish-all'),
    ReadonlyRootfs: values.bool('read-only'),
    SecurityOpt: options.filter((option) => !option.startsWith('systempaths=')),
    ...(Object.keys(tmpfs).length === 0 ? {} : { Tmpfs: tmpfs }),
    UTSMode: checkMode('uts', values.string('uts')),
    UsernsMode: checkMode('userns', values.string('userns')),
    ShmSize: given(values, 'shm-size', parseBytes) ?? 0,
    ...(values.given('sysctl') ? { Sysctls: toMap(each(values, 'sysctl', checkSysctl)) } : {}),
    Runtime: values.string('runtime'),
    ...(values.given('init') ? { Init: values.bool('init') } : {}),
    ...(mounts.length === 0 ? {} : { Mounts: mounts }),
    // An empty list masks nothing; null means the daemon's own lists.
    MaskedPaths: unmask ? [] : null,
    ReadonlyPaths: unmask ? [] : null,
  };
}

/** `words`: the image, and the command with its arguments. Throws FlagError, Error. */
export function createBody(
  values: Values,
  words: readonly string[],
  around: Surroundings,
  detach = false,
): CreateRequest {
  for (const { name } of UNSUPPORTED) if (values.given(name)) throw new Error(`--${name} is not supported by Berth`);
  const pull = values.string('pull');
  if (!['always', 'missing', 'never'].includes(pull)) {
    throw new Error(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`);
  }
  const attach = attachments(values, detach);
  const networks = parseNetworks(values);
  const ports = parsePorts(values.list('publish'), values.list('expose'));
  const [image = '', ...command] = words;
  const interactive = values.bool('interactive');
  const tty = values.bool('tty');
  const health = healthcheck(values);
  const body: Json = {
    Hostname: values.string('hostname'),
    Domainname: values.string('domainname'),
    User: values.string('user'),
    AttachStdin: attach.stdin,
    AttachStdout: attach.stdout,
    AttachStderr: attach.stderr,
    ExposedPorts: ports.exposed,
    Tty: tty,
    OpenStdin: interactive,
    StdinOnce: interactive && attach.stdin,
    Env: environment(values, around),
    Cmd: command.length === 0 ? null : command,
    ...(health === undefined ? {} : { Healthcheck: health }),
    Image: image,
    Volumes: parseVolumes(values.list('volume'), around.absolute).volumes,
    WorkingDir: values.string('workdir'),
    Entrypoint: values.given('entrypoint') ? [values.string('entrypoint')] : null,
    OnBuild: null,
    Labels: labels(values, around),
    ...(values.given('stop-signal') ? { StopSignal: values.string('stop-signal') } : {}),
    ...(values.given('stop-timeout') ? { StopTimeout: values.int('stop-timeout') } : {}),
    HostConfig: hostConfig(values, around, networks.mode, ports.bindings),
    NetworkingConfig: { EndpointsConfig: networks.endpoints },
  };
  return { body, attach, tty, autoRemove: values.bool('rm') };
}
