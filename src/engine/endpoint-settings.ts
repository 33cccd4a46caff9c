/** What dockerd refuses in the settings of an endpoint, with its texts. What depends on subnets is the network's. Pure. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { invalidParameter } from '../errors.ts';
import type { EndpointSettings } from '../model/container.ts';
import { isUserDefined } from './attachments.ts';

const SYSCTLS = 'com.docker.network.endpoint.sysctls';
/** Go's net.ParseMAC for 48 bits. */
const MAC = /^([0-9a-f]{2}([:-])[0-9a-f]{2}(\2[0-9a-f]{2}){4}|[0-9a-f]{4}(\.[0-9a-f]{4}){2})$/i;
const UNSPECIFIED = /^[0:.]*$/;

/** '::ffff:1.2.3.4' is the IPv4 address in it. */
const unmapped = (text: string): string => /^::ffff:(\d+(?:\.\d+){3})$/i.exec(text)?.[1] ?? text;

/** One error stands as it is, several as a list. */
const joined = (errors: readonly string[]): string =>
  errors.length === 1 ? (errors[0] ?? '') : `* ${errors.map((text) => text.replaceAll('\n', '\n\t')).join('\n* ')}`;

function addressErrors({ IPAMConfig }: EndpointSettings): string[] {
  const { IPv4Address = '', IPv6Address = '', LinkLocalIPs = [] } = IPAMConfig ?? {};
  const errors: string[] = [];
  const ipv4 = unmapped(IPv4Address);
  if (ipv4 !== '' && (!isIPv4(ipv4) || UNSPECIFIED.test(ipv4))) errors.push(`invalid IPv4 address: ${IPv4Address}`);
  if (IPv6Address !== '') {
    const bad = !isIPv6(IPv6Address) || IPv6Address.includes('%') || unmapped(IPv6Address) !== IPv6Address;
    if (bad || UNSPECIFIED.test(IPv6Address)) errors.push(`invalid IPv6 address: ${IPv6Address}`);
  }
  for (const address of LinkLocalIPs) {
    if (isIP(address) === 0 || UNSPECIFIED.test(address)) errors.push(`invalid link-local IP address: ${address}`);
  }
  return errors;
}

function sysctlErrors({ DriverOpts }: EndpointSettings): string[] {
  const text = DriverOpts?.[SYSCTLS];
  if (text === undefined) return [];
  return text.split(',').flatMap((sysctl) => {
    const [, family = '', , link = '', rest] = sysctl.split('.');
    const good = ['ipv4', 'ipv6', 'mpls'].includes(family) && ['IFNAME', 'ifname'].includes(link) && rest !== undefined;
    if (good) return [];
    return [
      `unrecognised network interface sysctl '${sysctl}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    ];
  });
}

/** Undefined when nothing is wrong. */
function problem(network: string, settings: EndpointSettings): string | undefined {
  const { IPAMConfig, Aliases, MacAddress, Links } = settings;
  const errors: string[] = [];
  if (!isUserDefined(network)) {
    if (IPAMConfig?.IPv4Address || IPAMConfig?.IPv6Address) {
      errors.push('user specified IP address is supported on user defined networks only');
    }
    if ((Aliases ?? []).length > 0) {
      errors.push('network-scoped alias is supported only for containers in user defined networks');
    }
  }
  errors.push(...addressErrors(settings));
  if (MacAddress !== '' && !MAC.test(MacAddress)) return `invalid MAC address ${MacAddress}`;
  errors.push(...sysctlErrors(settings));
  for (const link of Links ?? []) {
    if (link === '') errors.push('empty string specified for links');
    else if (link.split(':').length > 2) errors.push(`bad format for links: ${link}`);
  }
  // They become words of hosts files and of DNS answers.
  for (const alias of Aliases ?? []) {
    if (alias === '' || /[\s\p{Cc}]/u.test(alias))
      errors.push(`invalid network-scoped alias: ${JSON.stringify(alias)}`);
  }
  return errors.length === 0 ? undefined : `invalid endpoint settings:\n${joined(errors)}`;
}

/** Of `connect`. */
export function checkEndpoint(network: string, settings: EndpointSettings): void {
  const text = problem(network, settings);
  if (text !== undefined) throw invalidParameter(text);
}

/** Of `create`: all that is wrong with all of them. */
export function checkEndpoints(attachments: Readonly<Record<string, EndpointSettings>>): void {
  const errors = Object.entries(attachments).flatMap(([network, settings]) => {
    const text = problem(network, settings);
    return text === undefined ? [] : [`invalid config for network ${network}: ${text}`];
  });
  if (errors.length > 0) throw invalidParameter(joined(errors));
}

/** The addresses in one spelling each. */
export function normalized(settings: EndpointSettings): EndpointSettings {
  const { IPAMConfig } = settings;
  if (IPAMConfig === null) return settings;
  const { IPv4Address = '', IPv6Address = '', LinkLocalIPs = [] } = IPAMConfig;
  const asked = {
    ...(IPv4Address === '' ? {} : { IPv4Address: unmapped(IPv4Address) }),
    ...(IPv6Address === '' ? {} : { IPv6Address }),
    ...(LinkLocalIPs.length === 0 ? {} : { LinkLocalIPs: LinkLocalIPs.map(unmapped) }),
  };
  return { ...settings, IPAMConfig: asked };
}
