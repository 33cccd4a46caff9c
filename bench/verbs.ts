/** What the network suites ask of an engine, the same for each: over the API's socket, or by Podman's own client. */
import { EngineClient } from './api.ts';
import type { Peer } from './peers/peer.ts';
import { run } from './process.ts';

export interface Verbs {
  /** 'dockerd'; 'podman (its client)' where a client's process is part of every measurement. */
  readonly name: string;
  /** Driver: bridge unless said. */
  createNetwork(name: string, driver?: string): Promise<void>;
  removeNetwork(name: string): Promise<void>;
  connect(network: string, container: string, aliases?: readonly string[]): Promise<void>;
  disconnect(network: string, container: string): Promise<void>;
  /** A container that sleeps, not yet started; each of `ports` of the host leads to the same one of the container. */
  create(name: string, options: NewContainer): Promise<void>;
  start(name: string): Promise<void>;
  /** By force. */
  remove(name: string): Promise<void>;
  inspect(name: string): Promise<Inspected>;
  close(): void;
}

export interface NewContainer {
  network: string;
  ports?: readonly number[];
  /** Publish there only; '' (the default) means every address, IPv4 and IPv6. */
  hostIp?: string;
}

export interface Inspected {
  State: { Pid: number };
  NetworkSettings: { Networks: Record<string, { IPAddress: string; Gateway: string }> };
}

export const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

export const verbsOf = (peer: Peer): Verbs =>
  peer.socket === undefined ? clientVerbs(peer) : apiVerbs(peer.name, peer.socket);

export function apiVerbs(name: string, socket: string): Verbs {
  const client = new EngineClient(socket);
  const call = async (method: string, path: string, body?: unknown): Promise<void> => {
    await client.call(method, path, body);
  };
  return {
    name,
    createNetwork: (network, Driver = 'bridge') =>
      call('POST', '/networks/create', { Name: network, Driver, CheckDuplicate: true }),
    removeNetwork: (network) => call('DELETE', `/networks/${network}`),
    connect: (network, Container, Aliases = []) =>
      call('POST', `/networks/${network}/connect`, { Container, EndpointConfig: { Aliases } }),
    disconnect: (network, Container) => call('POST', `/networks/${network}/disconnect`, { Container, Force: false }),
    create: (container, { network, ports = [], hostIp = '' }) =>
      call('POST', `/containers/create?name=${container}`, {
        Image: 'busybox',
        Cmd: ['sleep', '1000000'],
        ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])),
        HostConfig: {
          NetworkMode: network,
          PortBindings: Object.fromEntries(
            ports.map((port) => [`${port}/tcp`, [{ HostIp: hostIp, HostPort: `${port}` }]]),
          ),
        },
      }),
    start: (container) => call('POST', `/containers/${container}/start`),
    remove: (container) => call('DELETE', `/containers/${container}?force=1`),
    inspect: (container) => client.call<Inspected & Record<string, unknown>>('GET', `/containers/${container}/json`),
    close: () => client.close(),
  };
}

function clientVerbs(peer: Peer): Verbs {
  const call = async (...args: string[]): Promise<void> => {
    await run(peer.client(args));
  };
  return {
    name: `${peer.name} (its client)`,
    createNetwork: (network, driver = 'bridge') => call('network', 'create', '-d', driver, network),
    removeNetwork: (network) => call('network', 'rm', network),
    connect: (network, container, aliases = []) =>
      call('network', 'connect', ...aliases.flatMap((alias) => ['--alias', alias]), network, container),
    disconnect: (network, container) => call('network', 'disconnect', network, container),
    create: (container, { network, ports = [], hostIp = '' }) =>
      call(
        'create',
        `--name=${container}`,
        `--network=${network}`,
        ...ports.flatMap((port) => ['-p', `${hostIp && `${hostIp}:`}${port}:${port}`]),
        'busybox',
        'sleep',
        '1000000',
      ),
    start: (container) => call('start', container),
    remove: (container) => call('rm', '-f', '-t', '0', container),
    async inspect(container) {
      const [first] = JSON.parse(await run(peer.client(['inspect', container]))) as Inspected[];
      if (!first) throw new Error(`podman inspect ${container} says nothing`);
      return first;
    },
    close: () => undefined,
  };
}
