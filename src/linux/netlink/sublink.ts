/**
 * Links that stand on another link, or on none, over rtnetlink (linux/if_link.h). All are ifinfomsg with IFLA_LINKINFO
 * { IFLA_INFO_KIND, IFLA_INFO_DATA }, and IFLA_LINK with the ifindex of the link below in the namespace of the socket:
 *
 *     macvlan   IFLA_MACVLAN_MODE = 1  u32  1 private, 2 vepa, 4 bridge, 8 passthru
 *     ipvlan    IFLA_IPVLAN_MODE = 1   u16  0 l2, 1 l3, 2 l3s     IFLA_IPVLAN_FLAGS = 2  u16  1 private, 2 vepa
 *     vlan      IFLA_VLAN_ID = 1       u16  1 to 4094 (IEEE 802.1Q)
 *     dummy     nothing
 */
import type { IpvlanFlag, IpvlanMode, MacvlanMode } from '../../drivers/plan.ts';
import { IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINK, IFLA_MTU, IFLA_NET_NS_FD, linkInfo, linkRequest } from './link.ts';
import { encodeLinkHeader, macBytes, RTM_DELLINK, RTM_NEWLINK, VETH_INFO_PEER } from './link.ts';
import { encodeAttributes, NLM_F_CREATE, NLM_F_EXCL, raw, text, u16, u32 } from './message.ts';
import type { Attribute } from './message.ts';
import type { Request } from './socket.ts';

const IFLA_TARGET_NETNSID = 46;
const MACVLAN_MODES: Readonly<Record<MacvlanMode, number>> = { private: 1, vepa: 2, bridge: 4, passthru: 8 };
const IPVLAN_MODES: Readonly<Record<IpvlanMode, number>> = { l2: 0, l3: 1, l3s: 2 };
const IPVLAN_FLAGS: Readonly<Record<IpvlanFlag, number>> = { bridge: 0, private: 1, vepa: 2 };

/** A link on the link `parent` (an ifindex). */
export interface Sublink {
  name: string;
  parent: number;
  /** '' for the kernel's choice. */
  mac: string;
  /** 0 for the parent's. */
  mtu: number;
  /** Where it is born; undefined for the socket's own. */
  namespaceFd: number | undefined;
}

export const createMacvlan = (link: Sublink, mode: MacvlanMode): Request =>
  createSublink('macvlan', link, [u32(1, MACVLAN_MODES[mode])]);

export const createIpvlan = (link: Sublink, mode: IpvlanMode, flag: IpvlanFlag): Request =>
  createSublink('ipvlan', link, [u16(1, IPVLAN_MODES[mode]), u16(2, IPVLAN_FLAGS[flag])]);

export const createVlan = (name: string, parent: number, id: number): Request =>
  createSublink('vlan', { name, parent, mac: '', mtu: 0, namespaceFd: undefined }, [u16(1, id)]);

export const createDummy = (name: string): Request => ({
  ...linkRequest(`create dummy ${name}`, RTM_NEWLINK, 0, [text(IFLA_IFNAME, name), linkInfo('dummy', [])]),
  flags: NLM_F_CREATE | NLM_F_EXCL,
});

/** A veth pair in the socket's own namespace, of which both ends are down and in no bridge. */
export const createLoosePair = (name: string, peer: string): Request => ({
  ...linkRequest(`create veth ${name}`, RTM_NEWLINK, 0, [
    text(IFLA_IFNAME, name),
    linkInfo('veth', [
      raw(
        VETH_INFO_PEER,
        Buffer.concat([
          encodeLinkHeader({ index: 0, flags: 0, change: 0 }),
          encodeAttributes([text(IFLA_IFNAME, peer)]),
        ]),
      ),
    ]),
  ]),
  flags: NLM_F_CREATE | NLM_F_EXCL,
});

function createSublink(
  kind: 'macvlan' | 'ipvlan' | 'vlan',
  { name, parent, mac, mtu, namespaceFd }: Sublink,
  data: Attribute[],
): Request {
  return {
    ...linkRequest(`create ${kind} ${name}`, RTM_NEWLINK, 0, [
      ...(mac === '' ? [] : [raw(IFLA_ADDRESS, macBytes(mac))]),
      u32(IFLA_LINK, parent),
      text(IFLA_IFNAME, name),
      ...(mtu === 0 ? [] : [u32(IFLA_MTU, mtu)]),
      ...(namespaceFd === undefined ? [] : [u32(IFLA_NET_NS_FD, namespaceFd)]),
      linkInfo(kind, data),
    ]),
    flags: NLM_F_CREATE | NLM_F_EXCL,
  };
}

/** A link inside the namespace that the socket's own numbers `nsid` (since Linux 4.16). Blocks some 20 ms, as every deletion. */
export const deleteLinkInside = (nsid: number, index: number): Request =>
  linkRequest(`delete link ${index} of namespace ${nsid}`, RTM_DELLINK, index, [u32(IFLA_TARGET_NETNSID, nsid)]);
