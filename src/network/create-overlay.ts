/** The record of a new network of driver `overlay`, the same on all hosts. Pure; `context.networks` are those of this host and the cluster's. */
import { bridgeName } from '../drivers/overlay/names.ts';
import { overlayDriver } from '../drivers/overlay/driver.ts';
import { VXLAN_IDS, vxlanIds } from '../drivers/overlay/options.ts';
import { conflict, forbidden, system } from '../errors.ts';
import { allocateSubnets, checkSubnets, knownIpamDriver } from './create-ipam.ts';
import type { CreateContext, Creation, Wish } from './create.ts';
import { notUsed, ofFamilies } from './create-bridge.ts';
import type { NetworkRecord } from './records.ts';
import type { DefaultPool } from './settings.ts';

/** Docker's for networks of a swarm (--default-addr-pool), apart from those of one host. */
const POOLS: readonly DefaultPool[] = [{ base: '10.0.0.0/8', size: 24 }];
/** Docker's first; those below 4096 are left to whoever thinks of VLANs. */
const FIRST_VNI = 4097;
/** 24 bits (RFC 7348 section 5). */
const LAST_VNI = 0xff_ffff;

export function overlayNetwork({ base, ipamDriver, config }: Wish, context: CreateContext): Creation {
  overlayDriver.checkOptions(base.options);
  const used = ofFamilies(config, base);
  const subnets = allocateSubnets({
    ...context,
    settings: { ...context.settings, defaultAddressPools: POOLS },
    networkName: base.name,
    driver: knownIpamDriver(ipamDriver),
    config: used,
    families: [...(base.ipv4 ? [4 as const] : []), ...(base.ipv6 ? [6 as const] : [])],
    withoutGateway: { 4: false, 6: false },
  });
  checkSubnets('overlay', { ipv4: base.ipv4, ipv6: base.ipv6, subnets });
  return {
    network: {
      ...base,
      driver: 'overlay',
      ipam: { ...base.ipam, driver: knownIpamDriver(ipamDriver) },
      subnets,
      // On every host the bridge has the same, so that a container's gateway is its own host wherever it is.
      mac: context.mac,
      bridge: bridgeName(base.id),
      vni: chooseVni(base, context.networks),
    },
    warning: notUsed(config, used),
  };
}

function chooseVni({ options }: NetworkRecord, networks: readonly NetworkRecord[]): number {
  const taken = new Map(networks.flatMap(({ vni, name }) => (vni === undefined ? [] : [[vni, name] as const])));
  const asked = vxlanIds(options);
  if (asked.length > 1) {
    throw forbidden(`${VXLAN_IDS}: ${asked.join(',')}: a network of Berth has one, whatever the number of its subnets`);
  }
  const [wanted] = asked;
  if (wanted !== undefined) {
    const holder = taken.get(wanted);
    if (holder !== undefined) throw conflict(`VXLAN identifier ${wanted} is in use by network ${holder}`);
    return wanted;
  }
  for (let vni = FIRST_VNI; vni <= LAST_VNI; vni++) if (!taken.has(vni)) return vni;
  throw system('every VXLAN identifier is in use');
}
