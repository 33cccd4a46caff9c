/**
 * What dockerd refuses in a create request by looking at it alone (no state, no host), with its texts. What depends on
 * the image, the network or the machine is refused by their owners.
 */
import { isIP } from 'node:net';
import { invalidParameter } from '../errors.ts';
import type {
  ContainerConfig,
  Healthcheck,
  HostConfig,
  NetworkingConfig,
  PortMap,
  RestartPolicy,
} from '../model/container.ts';

export interface CreateParts {
  config: ContainerConfig;
  hostConfig: HostConfig;
  networking: NetworkingConfig;
}

const PORT = /^(\d{1,5})(?:-(\d{1,5}))?$/;

function checkPort(text: string): void {
  const match = PORT.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || first > last || last > 65535) {
    throw invalidParameter(`invalid port specification: ${JSON.stringify(text)}`);
  }
}

/** '80', '80/tcp', '8000-8010/udp'. */
function checkPortKey(key: string): void {
  const [port = '', protocol, ...more] = key.split('/');
  checkPort(port);
  if (protocol !== undefined && (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase()) || more.length > 0)) {
    throw invalidParameter(`invalid proto: ${[protocol, ...more].join('/')}`);
  }
}

export function checkPorts(bindings: PortMap): void {
  for (const [key, entries] of Object.entries(bindings)) {
    checkPortKey(key);
    for (const { HostIp, HostPort } of entries ?? []) {
      if (HostPort !== '') checkPort(HostPort);
      if (HostIp !== '' && isIP(HostIp) === 0)
        throw invalidParameter(`invalid host IP address: ${JSON.stringify(HostIp)}`);
    }
  }
}

/** Nanoseconds; dockerd refuses times below a millisecond. */
function checkHealth(health: Healthcheck): void {
  const times = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const;
  for (const name of times) {
    const value = health[name] ?? 0;
    if (value !== 0 && value < 1_000_000) {
      throw invalidParameter(`${name} in Healthcheck cannot be less than 1ms`);
    }
  }
  if ((health.Retries ?? 0) < 0) throw invalidParameter('Retries in Healthcheck cannot be negative');
}

function checkConfig(config: ContainerConfig): void {
  if (config.WorkingDir !== '' && !config.WorkingDir.startsWith('/')) {
    throw invalidParameter(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  // Words of /etc/hosts.
  for (const [what, name] of Object.entries({ hostname: config.Hostname, domainname: config.Domainname })) {
    if (/[\s\p{Cc}]/u.test(name)) throw invalidParameter(`invalid ${what} format: ${JSON.stringify(name)}`);
  }
  for (const entry of config.Env) {
    if (entry === '' || entry.startsWith('=')) throw invalidParameter(`invalid environment variable: ${entry}`);
  }
  if (config.Healthcheck !== undefined) checkHealth(config.Healthcheck);
  for (const key of Object.keys(config.ExposedPorts ?? {})) checkPortKey(key);
}

/** They become words of resolv.conf; a line break would write lines of its own. */
function checkDns({ Dns, DnsSearch, DnsOptions }: HostConfig): void {
  for (const address of Dns) {
    // With a zone ('fe80::1%eth0') it names a link.
    if (isIP(address) === 0) throw invalidParameter(`invalid DNS address: ${JSON.stringify(address)} is no IP address`);
  }
  for (const [what, words] of Object.entries({ 'DNS search domain': DnsSearch, 'DNS option': DnsOptions })) {
    const bad = words.find((word) => /[\s\p{Cc}]/u.test(word));
    if (bad !== undefined) throw invalidParameter(`invalid ${what}: ${JSON.stringify(bad)}`);
  }
}

export function checkRestartPolicy({ Name, MaximumRetryCount }: RestartPolicy): void {
  if (MaximumRetryCount < 0) {
    throw invalidParameter('invalid restart policy: maximum retry count cannot be negative');
  }
  if (MaximumRetryCount > 0 && Name !== 'on-failure') {
    throw invalidParameter("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  }
}

/** Of what dockerd has drivers for, and Berth has not: it must not look as if it had been done. */
function checkDrivers({ DeviceRequests, StorageOpt, Isolation = '' }: HostConfig): void {
  if (!['', 'default'].includes(Isolation.toLowerCase())) {
    throw invalidParameter(`invalid isolation: ${JSON.stringify(Isolation)} - linux only supports 'default'`);
  }
  for (const { Driver = '', Capabilities = [] } of DeviceRequests ?? []) {
    const wanted = Capabilities.map((all) => `[${all.join(' ')}]`).join(' ');
    throw invalidParameter(`could not select device driver ${JSON.stringify(Driver)} with capabilities: [${wanted}]`);
  }
  if (Object.keys(StorageOpt ?? {}).length > 0) {
    throw invalidParameter("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
}

function checkHost(host: HostConfig): void {
  checkDrivers(host);
  const { PortBindings, RestartPolicy, AutoRemove, ExtraHosts, OomScoreAdj, ShmSize } = host;
  checkDns(host);
  checkPorts(PortBindings);
  checkRestartPolicy(RestartPolicy);
  if (AutoRemove && RestartPolicy.Name !== '' && RestartPolicy.Name !== 'no') {
    throw invalidParameter("can't create 'AutoRemove' container with restart policy");
  }
  for (const entry of ExtraHosts ?? []) {
    if (!/^[^:=]+[:=]./s.test(entry)) throw invalidParameter(`bad format for add-host: ${JSON.stringify(entry)}`);
  }
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    throw invalidParameter(`invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (ShmSize < 0) throw invalidParameter('SHM size can not be less than 0');
}

/** A container in another's network has nothing of its own to set there. */
function checkJoined({ config, hostConfig, networking }: CreateParts): void {
  const refuse = (what: string): never => {
    throw invalidParameter(`conflicting options: ${what} and the container type network mode`);
  };
  if (hostConfig.NetworkMode === 'container:') {
    throw invalidParameter('invalid container format container:<name|id>');
  }
  if (config.Hostname !== '') throw invalidParameter('conflicting options: hostname and the network mode');
  if ((hostConfig.Links ?? []).length > 0) {
    throw invalidParameter(
      "conflicting options: container type network can't be used with links. This would result in undefined behavior",
    );
  }
  if (hostConfig.Dns.length > 0) throw invalidParameter('conflicting options: dns and the network mode');
  if ((hostConfig.ExtraHosts ?? []).length > 0) {
    throw invalidParameter('conflicting options: custom host-to-IP mapping and the network mode');
  }
  const addresses = Object.values(networking.EndpointsConfig).map(({ MacAddress }) => MacAddress);
  if ([config.MacAddress ?? '', ...addresses].some((address) => address !== '')) {
    throw invalidParameter('conflicting options: mac-address and the network mode');
  }
  if (Object.keys(hostConfig.PortBindings).length > 0 || hostConfig.PublishAllPorts) refuse('port publishing');
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) refuse('port exposing');
}

function checkNetworking({ config, hostConfig, networking }: CreateParts, version: number): void {
  const names = Object.keys(networking.EndpointsConfig);
  // Since 1.44 a container may start with several networks.
  if (version < 44 && names.length > 1) {
    throw invalidParameter(`Container cannot be created with multiple network endpoints: ${names.join(', ')}`);
  }
  const mode = hostConfig.NetworkMode;
  if (mode.startsWith('container:')) return checkJoined({ config, hostConfig, networking });
  if (mode !== 'host') return;
  if ((hostConfig.Links ?? []).length > 0) {
    throw invalidParameter(
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  }
}

export function validateCreate(parts: CreateParts, version: number): void {
  checkConfig(parts.config);
  checkHost(parts.hostConfig);
  checkNetworking(parts, version);
}
