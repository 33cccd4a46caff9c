/** The record of a new network of driver `bridge`, and what its driver refuses. Pure. */
import { checkOptions } from '../drivers/bridge/check.ts';
import { bridgeOptions } from '../drivers/bridge/options.ts';
import { forbidden, invalidParameter, system } from '../errors.ts';
import { familyOfConfig } from './check-ipam.ts';
import { allocateSubnets, checkSubnets, knownIpamDriver } from './create-ipam.ts';
import type { CreateContext, Creation, Wish } from './create.ts';

export function bridgeNetwork({ base, ipamDriver, config }: Wish, context: CreateContext): Creation {
  checkOptions(base.options);
  const options = bridgeOptions(base.options);
  const bridge = options.name || `br-${base.id.slice(0, 12)}`;
  const link = context.survey.links.find(({ name }) => name === bridge);
  if (link && link.kind !== 'bridge') throw system(`existing interface ${bridge} is not a bridge`);
  const { gatewayMode4, gatewayMode6, inhibitIpv4 } = options;
  if ((gatewayMode4 === 'isolated' || gatewayMode6 === 'isolated') && !base.internal) {
    throw system("gateway mode 'isolated' can only be used for an internal network");
  }
  const used = ofFamilies(config, base);
  const subnets = allocateSubnets({
    ...context,
    networkName: base.name,
    driver: knownIpamDriver(ipamDriver),
    config: used,
    families: [...(base.ipv4 ? [4 as const] : []), ...(base.ipv6 ? [6 as const] : [])],
    withoutGateway: {
      // Nobody could use it: the bridge does not have it, and containers have no route.
      4: gatewayMode4 === 'isolated' || (inhibitIpv4 && base.internal),
      6: gatewayMode6 === 'isolated',
    },
  });
  checkSubnets('bridge', { ipv4: base.ipv4, ipv6: base.ipv6, subnets });
  // IPv6 carries at least 1280 bytes (RFC 8200 section 5); the kernel takes IPv6 away from a smaller link.
  if (base.ipv6 && options.mtu < 1280) throw invalidParameter(`invalid MTU number: ${options.mtu}`);
  const same = context.networks.find((network) => network.bridge === bridge);
  if (same) {
    throw forbidden(
      `cannot create network ${base.id} (${bridge}): conflicts with network ${same.id} (${bridge}): networks have same bridge name`,
    );
  }
  return {
    network: {
      ...base,
      driver: 'bridge',
      ipam: { ...base.ipam, driver: knownIpamDriver(ipamDriver) },
      subnets,
      mac: context.mac,
      bridge,
      // A bridge of the administrator's is used as it is, and stays when the network goes.
      foreignBridge: link !== undefined && !link.alias.startsWith(context.marks),
    },
    warning: notUsed(config, used),
  };
}

/** What of `config` is of families that the network has. */
export const ofFamilies = (config: Wish['config'], { ipv4, ipv6 }: Wish['base']): Wish['config'] =>
  config.filter((one) => (familyOfConfig(one) === 6 ? ipv6 : ipv4));

/** A warning about the rest; '' when there is none. */
export function notUsed(config: Wish['config'], used: Wish['config']): string {
  const left = config.filter((one) => !used.includes(one)).map(({ Subnet }) => Subnet);
  return left.length === 0 ? '' : `${left.join(', ')}: not used, because the network does not have that IP version`;
}
