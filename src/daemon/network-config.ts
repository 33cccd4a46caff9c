/** The flags about networks, checked one by one and against each other. Pure. */
import { isIP } from 'node:net';
import { isInterfaceName } from '../drivers/names.ts';
import { invalidParameter } from '../errors.ts';
import { parsePrefix } from '../ipam/address.ts';
import { ipv6SubnetFault } from '../network/create-ipam.ts';
import type { Options } from './config.ts';
import type { DaemonNetworkSettings } from './settings.ts';
import * as values from './values.ts';

export function networkSettings(options: Options): DaemonNetworkSettings {
  const iptables = options.bool('iptables');
  const settings: DaemonNetworkSettings = {
    bridge: bridgeName(options.string('bridge')),
    bip: values.interfaceAddress('bip', options.string('bip'), 'ipv4'),
    bip6: values.interfaceAddress('bip6', options.string('bip6'), 'ipv6'),
    fixedCidr: values.cidr('fixed-cidr', options.string('fixed-cidr'), 'ipv4'),
    fixedCidr6: fixedCidr6(values.cidr('fixed-cidr-v6', options.string('fixed-cidr-v6'), 'ipv6')),
    defaultGateway: gateway(options.string('default-gateway'), 4),
    defaultGateway6: gateway(options.string('default-gateway-v6'), 6),
    mtu: options.int('mtu'),
    dns: options.list('dns').map(values.ip),
    dnsSearch: options.list('dns-search').map(values.dnsSearch),
    dnsOptions: options.list('dns-opt'),
    ipForward: options.bool('ip-forward'),
    ipForwardNoDrop: options.bool('ip-forward-no-drop'),
    // Without rules there is nothing to masquerade with; dockerd decides the same.
    ipMasq: options.bool('ip-masq') && iptables,
    icc: options.bool('icc'),
    iptables,
    ip6tables: options.bool('ip6tables'),
    ipv6: options.bool('ipv6'),
    firewallBackend: backend(options.string('firewall-backend')),
    userlandProxy: options.bool('userland-proxy'),
    ip: values.ip(options.string('ip')),
    hostGatewayIps: options
      .list('host-gateway-ip')
      .flatMap((text) => text.split(','))
      .map(values.ip),
    allowDirectRouting: options.bool('allow-direct-routing'),
    bridgeAcceptFwmark: firewallMark(options.string('bridge-accept-fwmark')),
    defaultNetworkOptions: values.mapOfMaps(options.list('default-network-opt')),
    defaultAddressPools: options.list('default-address-pool').map(values.addressPool),
  };
  checkTogether(settings);
  return settings;
}

function checkTogether(settings: DaemonNetworkSettings): void {
  const { bridge, bip, bip6, fixedCidr, fixedCidr6, defaultGateway, mtu } = settings;
  if (bridge !== '' && bip !== '') {
    throw invalidParameter('you specified -b & --bip, mutually exclusive options. Please specify only one');
  }
  if (!settings.iptables && !settings.icc) {
    throw invalidParameter(
      'you specified --iptables=false with --icc=false. ICC=false uses iptables to function. ' +
        'Please set --icc or --iptables to true',
    );
  }
  // 68 bytes is the least that IPv4 carries (RFC 791), 1280 the least of IPv6 (RFC 8200).
  if (mtu < 0 || (mtu > 0 && mtu < (settings.ipv6 ? 1280 : 68)) || mtu > 65535) {
    throw invalidParameter(`invalid default MTU: ${mtu}`);
  }
  if (bip !== '' && fixedCidr !== '' && !values.contains(bip, fixedCidr)) {
    throw invalidParameter(`--fixed-cidr ${fixedCidr} is not a subnet of the bridge's network (--bip ${bip})`);
  }
  if (bip6 !== '' && fixedCidr6 !== '' && !values.contains(bip6, fixedCidr6)) {
    throw invalidParameter(`--fixed-cidr-v6 ${fixedCidr6} is not a subnet of the bridge's network (--bip6 ${bip6})`);
  }
  if (bip !== '' && defaultGateway !== '' && !values.contains(bip, `${defaultGateway}/32`)) {
    throw invalidParameter(`--default-gateway ${defaultGateway} is not in the bridge's network (--bip ${bip})`);
  }
  if (settings.hostGatewayIps.length > 2) {
    throw invalidParameter(
      `--host-gateway-ip takes one IPv4 and one IPv6 address: ${settings.hostGatewayIps.join(', ')}`,
    );
  }
}

function bridgeName(name: string): string {
  if (name !== '' && !isInterfaceName(name)) {
    throw invalidParameter(`invalid bridge name "${name}": at most 15 characters, no space, '/' or ':'`);
  }
  return name;
}

function fixedCidr6(text: string): string {
  const prefix = parsePrefix(text);
  const fault = prefix ? ipv6SubnetFault(prefix) : '';
  if (fault !== '') throw invalidParameter(`invalid fixed-cidr-v6: ${fault}`);
  return text;
}

/** 'MARK' or 'MARK/MASK'. */
function firewallMark(text: string): string {
  if (text === '') return '';
  const [mark = '', mask] = text.split(/\/(.*)/s);
  const number = (part: string, what: string): string => {
    // As Go's strconv.ParseUint reads a number with base 0; a leading zero is octal.
    const plain = part.replace(/^0(?=[0-7]+$)/, '0o');
    const value = /^(0x[0-9a-f]+|0o[0-7]+|0b[01]+|\d+)$/i.test(plain) ? Number(plain) : Number.NaN;
    const fault = Number.isNaN(value) ? 'invalid syntax' : value > 0xffff_ffff ? 'value out of range' : '';
    if (fault === '') return String(value);
    throw invalidParameter(
      `invalid bridge-accept-fwmark: invalid firewall ${what} "${text}": strconv.ParseUint: parsing "${part}": ${fault}`,
    );
  };
  return mask === undefined ? number(mark, 'mark') : `${number(mark, 'mark')}/${number(mask, 'mask')}`;
}

function gateway(text: string, family: 4 | 6): string {
  if (text !== '' && isIP(text) !== family) {
    throw invalidParameter(`invalid argument "${text}": the default gateway must be an IPv${family} address`);
  }
  return text;
}

function backend(name: string): 'nftables' | 'iptables' {
  // An empty text is dockerd's own default.
  if (name === 'nftables' || name === '') return 'nftables';
  if (name === 'iptables') return 'iptables';
  throw invalidParameter(`invalid firewall-backend "${name}": it must be nftables or iptables`);
}
