/** VXLAN devices on the host: the port of a network's bridge behind which its containers on other hosts are. */
import type { TunnelPlan } from '../drivers/plan.ts';
import { conflict, unavailable } from '../errors.ts';
import { addressBytes, parseAddress } from '../ipam/address.ts';
import { explaining, findLink, hasCode, needLink } from './links.ts';
import * as link from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { holdBack } from './netlink/traffic.ts';
import { createVxlan, decodeVxlan, withoutLinkLocal } from './netlink/vxlan.ts';
import type { VxlanInfo } from './netlink/vxlan.ts';
import { applySysctls } from './sysctl.ts';

/**
 * Makes the device or completes the one that is there; see network/kernel.ts. True when it is a new one, which knows nobody. One that
 * was made here goes when it fails.
 */
export function ensureTunnel(socket: NetlinkSocket, plan: TunnelPlan): boolean {
  const bridge = needLink(socket, plan.bridge);
  const present = findLink(socket, plan.name);
  if (present && present.kind !== 'vxlan') throw new Error(`${plan.name} is no VXLAN device`);
  if (present && present.alias !== plan.owner) throw conflict(`${plan.name} is somebody else's VXLAN device`);
  const wanted = vxlanOf(plan, plan.link === undefined ? 0 : needLink(socket, plan.link).index);
  const fits = present !== undefined && sameVxlan(readVxlan(socket, plan.name), wanted);
  // Port and number of a device cannot be changed. 30 ms, for once in a cluster's life.
  if (present && !fits) socket.transact([link.deleteLink(plan.name)]);
  if (!fits) create(socket, plan, wanted);
  try {
    complete(socket, plan, bridge);
  } catch (error) {
    if (!fits) socket.transact([link.deleteLink(plan.name)]);
    throw error;
  }
  return !fits;
}

/** One datagram: a device without Berth's mark is never seen, not even after a crash. */
function create(socket: NetlinkSocket, { name, owner, mtu, vni, port }: TunnelPlan, wanted: VxlanInfo): void {
  try {
    explaining('vxlan', [], () => socket.transact([createVxlan(name, mtu, wanted), link.setAlias(name, owner)]));
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw conflict(`another VXLAN device of this host has number ${vni} on UDP port ${port}`, error);
  }
}

function complete(socket: NetlinkSocket, { name, bridge, mtu, port }: TunnelPlan, master: LinkInfo): void {
  const present = needLink(socket, name);
  if (present.mtu !== mtu) socket.transact([link.setMtu(name, mtu)]);
  if (present.master !== master.index) {
    explaining('vxlan', [bridge], () => socket.transact([link.setMaster(name, master.index)]));
  }
  socket.transact([withoutLinkLocal(name), link.tunnelPort(name)]);
  // Where the host has switched IPv6 off it is off on every new link, and the kernel takes no neighbours of the containers'.
  applySysctls([{ name: `net/ipv6/conf/${name}/disable_ipv6`, value: '0' }]);
  keepGatewayHome(socket, present.index, link.macBytes(master.mac));
  if (present.up) return;
  try {
    socket.transact([link.setUp(present.index, name)]);
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error;
    throw unavailable(`UDP port ${port}, by which hosts reach each other, is in use by another program`, error);
  }
}

/**
 * The bridge has the same MAC and address on every host: an answer to what it sends would reach the receiver's own. Without such filters
 * in the kernel it is the receiver that drops it: its port takes frames of known containers only.
 */
function keepGatewayHome(socket: NetlinkSocket, index: number, mac: Buffer): void {
  try {
    socket.transact(holdBack(mac, index));
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EOPNOTSUPP')) throw error;
  }
}

function readVxlan(socket: NetlinkSocket, name: string): VxlanInfo | undefined {
  const [answer] = socket.transact([link.getLink(name)]);
  return answer && decodeVxlan(answer.payload);
}

function vxlanOf({ vni, local, port }: TunnelPlan, index: number): VxlanInfo {
  const address = parseAddress(local);
  if (!address) throw new Error(`no underlay address: ${local}`);
  return { vni, local: Buffer.from(addressBytes(address)), link: index, port, learning: false, proxy: true };
}

const sameVxlan = (a: VxlanInfo | undefined, b: VxlanInfo): boolean =>
  a !== undefined &&
  a.vni === b.vni &&
  a.port === b.port &&
  a.link === b.link &&
  a.learning === b.learning &&
  a.proxy === b.proxy &&
  (a.local?.equals(b.local ?? Buffer.alloc(0)) ?? false);
