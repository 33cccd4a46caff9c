/** From command line and daemon.json to DaemonSettings. Every refusal is an InvalidParameter with dockerd's text. */
import { invalidParameter, messageOf } from '../errors.ts';
import { parseArgv } from './argv.ts';
import type { FlagValue, FlagValues } from './argv.ts';
import { clusterSettings } from './cluster-config.ts';
import { parseDaemonJson } from './file.ts';
import { daemonFlags } from './flags.ts';
import { networkSettings } from './network-config.ts';
import type { DaemonSettings, TlsSettings } from './settings.ts';
import * as values from './values.ts';

export interface Config {
  settings: DaemonSettings;
  /** For the log, once there is one. */
  warnings: string[];
}

/** Typed access with the table's defaults. `given` is true for what the command line or the file says. */
export class Options {
  readonly #given: FlagValues;
  constructor(given: FlagValues) {
    this.#given = given;
  }
  given(name: string): boolean {
    return this.#given.has(name);
  }
  #value(name: string): FlagValue | undefined {
    return this.#given.get(name) ?? daemonFlags.find((flag) => flag.name === name)?.default;
  }
  bool(name: string): boolean {
    return this.#value(name) === true;
  }
  int(name: string): number {
    const value = this.#value(name);
    return typeof value === 'number' ? value : 0;
  }
  string(name: string): string {
    const value = this.#value(name);
    return typeof value === 'string' ? value : '';
  }
  list(name: string): string[] {
    const value = this.#value(name);
    return Array.isArray(value) ? [...(value as string[])] : [];
  }
}

/** `read` returns a file's text, undefined when it does not exist. */
export function loadConfig(argv: readonly string[], read: (path: string) => string | undefined): Config {
  const flags = parseArgv(argv);
  const file = new Options(flags).string('config-file');
  let fromFile: FlagValues = new Map();
  try {
    const text = read(file);
    if (text === undefined && flags.has('config-file')) {
      throw invalidParameter(`open ${file}: no such file or directory`);
    }
    fromFile = parseDaemonJson(text ?? '', flags);
  } catch (error) {
    throw invalidParameter(`unable to configure the Docker daemon with file ${file}: ${messageOf(error)}`, error);
  }
  const options = new Options(new Map([...fromFile, ...flags]));
  return { settings: toSettings(options), warnings: warningsOf(options) };
}

function toSettings(options: Options): DaemonSettings {
  const dataRoot = absolute('data-root', options.string(options.given('graph') ? 'graph' : 'data-root'));
  const execRoot = absolute('exec-root', options.string('exec-root'));
  const socket = `${execRoot}/berth.sock`;
  const shared = dataRoot === '/var/lib/berth';
  const ownImages = options.given('image-root') ? absolute('image-root', options.string('image-root')) : undefined;
  const hosts = options.list('host').map((text) => values.host(text, socket));
  const tls = tlsSettings(options);
  const settings: DaemonSettings = {
    hosts: hosts.length > 0 ? [...new Set(hosts)] : [`unix://${socket}`],
    group: options.string('group'),
    dataRoot,
    execRoot,
    pidfile: absolute('pidfile', options.given('pidfile') ? options.string('pidfile') : `${execRoot}/berth.pid`),
    imageRoot: ownImages ?? (shared ? '/var/lib/containers/storage' : `${dataRoot}/storage`),
    imageRunRoot: shared && ownImages === undefined ? '/run/containers/storage' : `${execRoot}/storage`,
    logLevel: oneOf('invalid logging level', options.string('log-level'), ['debug', 'info', 'warn', 'error', 'fatal']),
    logFormat: oneOf('invalid log format', options.string('log-format'), ['text', 'json']),
    debug: options.bool('debug'),
    labels: values.labels(options.list('label')),
    runtime: runtime(options.string('default-runtime')),
    initPath: absolute('init-path', options.string('init-path')),
    init: options.bool('init'),
    defaultShmSize: values.bytes(options.string('default-shm-size')),
    defaultUlimits: options.list('default-ulimit').map(values.ulimit),
    cgroupParent: options.string('cgroup-parent'),
    insecureRegistries: options.list('insecure-registry').map(values.insecureRegistry),
    registryMirrors: options.list('registry-mirror').map(values.registryMirror),
    shutdownTimeout: atLeast('shutdown-timeout', options.int('shutdown-timeout'), -1),
    seccompProfile: options.string('seccomp-profile'),
    noNewPrivileges: options.bool('no-new-privileges'),
    liveRestore: options.bool('live-restore'),
    network: networkSettings(options),
    cluster: clusterSettings(options),
    plainTcp: tls === undefined && (options.given('tls') || options.given('tlsverify')),
    ...(tls && { tls }),
  };
  return settings;
}

function tlsSettings(options: Options): TlsSettings | undefined {
  if (!options.bool('tls') && !options.bool('tlsverify')) return undefined;
  return {
    ca: options.string('tlscacert'),
    cert: options.string('tlscert'),
    key: options.string('tlskey'),
    verify: options.bool('tlsverify'),
  };
}

function absolute(flag: string, path: string): string {
  if (!path.startsWith('/') || path.includes('\0'))
    throw invalidParameter(`--${flag} must be an absolute path: "${path}"`);
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

function oneOf<T extends string>(text: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw invalidParameter(`${text}: ${value}`);
  return found;
}

export function atLeast(flag: string, value: number, least: number): number {
  if (value < least) throw invalidParameter(`invalid --${flag}: ${value}`);
  return value;
}

function runtime(name: string): string {
  if (name === 'crun' || name === 'runc' || name.startsWith('/')) return name;
  throw invalidParameter(`specified default runtime '${name}' does not exist: Berth knows crun, runc and a path`);
}

function warningsOf(options: Options): string[] {
  const warnings = daemonFlags
    .filter((flag) => flag.ignored !== undefined && options.given(flag.name))
    .map((flag) => `--${flag.name} is ignored: Berth has no ${flag.ignored}`);
  if (options.given('graph')) warnings.push('--graph is deprecated: use --data-root');
  const driver = options.string('log-driver');
  if (driver !== 'json-file') warnings.push(`--log-driver=${driver} is ignored: Berth keeps logs itself, as json-file`);
  return warnings;
}
