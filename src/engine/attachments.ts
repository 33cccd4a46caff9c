/**
 * The networks a container is on. The record keeps them by name, whatever its NetworkMode says: connect and disconnect
 * change them, and the next start takes them as they are. Pure.
 */
import { BerthError, invalidParameter } from '../errors.ts';
import { NO_SETTINGS } from '../model/container.ts';
import type { EndpointSettings, HostConfig } from '../model/container.ts';
import type { ContainerWish, Sandboxes } from '../network/port.ts';

import type { ContainerRecord } from './record.ts';
import { capabilitiesOf } from './spec/capabilities.ts';

/** Of the default bridge, resolved. */
export type ContainerLink = ContainerWish['links'][number];

export type Attachments = Record<string, EndpointSettings>;

/** A network's name from a name, an ID or a unique prefix of one; undefined when there is no such network. */
export type NameOf = (ref: string) => string | undefined;

export const isJoined = (mode: string): boolean => mode.startsWith('container:');

/** Networks that somebody made: they have names to resolve, and addresses to ask for. */
export const isUserDefined = (name: string): boolean =>
  !['', 'default', 'bridge', 'host', 'none'].includes(name) && !isJoined(name);

type Lookup = Pick<Sandboxes, 'networkOf'>;

function lookUp(sandboxes: Lookup, ref: string): ReturnType<Sandboxes['networkOf']> | undefined {
  try {
    return sandboxes.networkOf(ref);
  } catch (error) {
    if (error instanceof BerthError && error.kind === 'NotFound') return undefined;
    throw error;
  }
}

export const nameOf =
  (sandboxes: Lookup): NameOf =>
  (ref) =>
    lookUp(sandboxes, ref)?.name;

export const networkIdOf = (sandboxes: Lookup, name: string): string | undefined => lookUp(sandboxes, name)?.id;

/** 'default' is the default bridge; a network that is not there yet keeps the word that was used for it. */
const canonical = (ref: string, names: NameOf): string =>
  ref === 'default' || ref === '' ? 'bridge' : (names(ref) ?? ref);

/** What a create request asks for: the network of its mode, and those that it has settings for. */
export function attachmentsOf(mode: string, asked: Readonly<Attachments>, names: NameOf): Attachments {
  if (isJoined(mode)) {
    // The stock client repeats the mode as the name of an endpoint.
    if (Object.keys(asked).some((name) => !isJoined(name))) {
      throw invalidParameter(
        'container sharing network namespace with another container or host cannot be connected to any other network',
      );
    }
    return {};
  }
  const found = new Map<string, EndpointSettings>();
  for (const [ref, settings] of Object.entries(asked)) {
    const name = canonical(ref, names);
    if (found.has(name)) throw invalidParameter(`network ${JSON.stringify(name)} is specified multiple times`);
    found.set(name, settings);
  }
  const main = canonical(mode, names);
  if (!found.has(main)) return { [main]: { ...NO_SETTINGS }, ...Object.fromEntries(found) };
  return Object.fromEntries(found);
}

/**
 * What the sandbox is opened as: the mode that was asked for while the container is on its network, else one of those
 * it is on. A container that was disconnected from all of them is on none.
 */
export function effectiveMode(mode: string, attachments: Readonly<Attachments>, names: NameOf): string {
  if (isJoined(mode)) return mode;
  const main = canonical(mode, names);
  if (Object.hasOwn(attachments, main)) return main;
  return Object.keys(attachments)[0] ?? 'none';
}

/** Names of the container on a user-defined network, the first of which is that of its addresses (PTR). */
export function dnsNames({ id, name, config }: ContainerRecord, aliases: readonly string[]): string[] {
  const short = id.slice(0, 12);
  return [...new Set([name, ...aliases, short, ...(config.Hostname === '' ? [] : [config.Hostname])])];
}

const publishes = (mode: string): boolean => mode !== 'host' && !isJoined(mode);

const ANY_MACHINE = -1n;

const mayChangeLinks = ({ CapAdd, CapDrop, Privileged }: HostConfig): boolean =>
  capabilitiesOf({ add: CapAdd ?? [], drop: CapDrop ?? [], privileged: Privileged }, ANY_MACHINE).includes(
    'CAP_NET_ADMIN',
  );

/** What is asked of the network for a container, at its creation and at each start. */
export function wishOf(
  record: Pick<ContainerRecord, 'id' | 'name' | 'config' | 'hostConfig' | 'networks'>,
  links: readonly ContainerLink[],
  names: NameOf,
): ContainerWish {
  const { id, name, config, hostConfig: host } = record;
  const endpoints = { ...record.networks };
  // A daemon without a default bridge (--bridge=none) gives those that would be on it no network at all.
  if (names('bridge') === undefined) delete endpoints['bridge'];
  const networkMode = effectiveMode(host.NetworkMode, endpoints, names);
  return {
    containerId: id,
    containerName: name,
    hostname: config.Hostname,
    domainname: config.Domainname,
    networkMode,
    endpoints,
    links,
    exposed: publishes(networkMode) ? Object.keys(config.ExposedPorts ?? {}) : [],
    portBindings: publishes(networkMode) ? host.PortBindings : {},
    publishAll: publishes(networkMode) && host.PublishAllPorts,
    dns: host.Dns,
    dnsSearch: host.DnsSearch,
    dnsOptions: host.DnsOptions,
    extraHosts: host.ExtraHosts ?? [],
    netAdmin: mayChangeLinks(host),
  };
}

/** Docker's warning for ports that nobody will publish; empty when there are none. */
export function discardedPorts({ NetworkMode, PortBindings, PublishAllPorts }: HostConfig): string[] {
  const asked = PublishAllPorts || Object.values(PortBindings).some((list) => list !== null && list.length > 0);
  return NetworkMode === 'host' && asked ? ['Published ports are discarded when using host network mode'] : [];
}

/** Only the networks that are there. */
export const known = (attachments: Readonly<Attachments>, names: NameOf): Attachments =>
  Object.fromEntries(Object.entries(attachments).filter(([name]) => names(name) !== undefined));
