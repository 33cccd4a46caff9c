/** Bridges on the host. */
import type { BridgePlan, VethPlan } from '../drivers/plan.ts';
import { addressFromBytes } from '../ipam/address.ts';
import { unavailable } from '../errors.ts';
import { portFlags } from './interfaces.ts';
import { explaining, findLink, hasCode, needLink } from './links.ts';
import { decodeAddress, deleteAddress, listAddresses, RTM_NEWADDR } from './netlink/address.ts';
import { NetlinkError } from './netlink/error.ts';
import * as link from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import { setNeighbour } from './netlink/neighbour.ts';
import { addConnectedRoute } from './netlink/route.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';
import { addressInfo, addressRequest, addressText, connectedRoute } from './plan-requests.ts';
import { applySysctls } from './sysctl.ts';

/** Makes the bridge or completes the one that is there; see network/kernel.ts. A bridge that was made here goes when it fails. */
export function ensureBridge(socket: NetlinkSocket, plan: BridgePlan): void {
  const present = findLink(socket, plan.name);
  if (present) {
    if (present.kind !== 'bridge') throw new Error(`${plan.name} is no bridge`);
    if (plan.owner !== '') adjust(socket, plan, present);
    complete(socket, plan, present.index);
    return;
  }
  if (plan.owner === '') throw unavailable(`bridge device ${plan.name} does not exist: it must be created manually`);
  // One datagram: a bridge without Berth's mark is never seen, not even after a crash.
  const create = link.createBridge(plan.name, plan.mac, plan.mtu);
  explaining('bridge', [], () => socket.transact([create, link.setAlias(plan.name, plan.owner)]));
  try {
    complete(socket, plan, needLink(socket, plan.name).index);
  } catch (error) {
    socket.transact([link.deleteLink(plan.name)]);
    throw error;
  }
}

/** What an earlier run with other settings left otherwise. */
function adjust(socket: NetlinkSocket, plan: BridgePlan, present: LinkInfo): void {
  if (present.mtu !== plan.mtu) socket.transact([link.setMtu(plan.name, plan.mtu)]);
  if (present.alias !== plan.owner) socket.transact([link.setAlias(plan.name, plan.owner)]);
  removeStaleAddresses(socket, plan, present.index);
}

function complete(socket: NetlinkSocket, plan: BridgePlan, index: number): void {
  // Before the addresses: IPv6 ones are refused while the link has IPv6 switched off.
  applySysctls(plan.sysctls);
  for (const text of plan.addresses) addMissing(socket, addressRequest(text, index, plan.name));
  socket.transact([link.setUp(index, plan.name)]);
  if (plan.owner === '') return;
  // The kernel makes them with the address and never again. On another's bridge they may be missing on purpose.
  for (const text of plan.addresses) {
    const route = connectedRoute(text, index);
    if (route) addMissing(socket, addConnectedRoute(route, text));
  }
}

/** Whose bridge was deleted becomes a port again; what a port is beside goes with the bridge. */
export function enslave(socket: NetlinkSocket, plan: VethPlan): void {
  const { hostName, bridge } = plan;
  const { index } = needLink(socket, bridge);
  explaining('veth', [bridge], () => socket.transact([link.setMaster(hostName, index), ...portFlags(plan)]));
  // Whoever used the address after the bridge had it and before the port forwards has lost his question (ARP, ND), and the
  // kernel asks again a second later, whatever else is sent meanwhile: one deletion in twenty took 1,008 ms to heal.
  for (const text of plan.addresses) {
    try {
      socket.transact([setNeighbour(addressInfo(text, index).bytes, plan.mac, index)]);
    } catch (error) {
      // A bridge without that family, or a full table: then it is asked.
      if (!(error instanceof NetlinkError)) throw error;
    }
  }
}

function addMissing(socket: NetlinkSocket, request: Request): void {
  try {
    socket.transact([request]);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

/** Link-local ones are the kernel's own. */
function removeStaleAddresses(socket: NetlinkSocket, plan: BridgePlan, index: number): void {
  for (const { type, payload } of socket.transact([listAddresses(index)])) {
    if (type !== RTM_NEWADDR) continue;
    const info = decodeAddress(payload);
    const address = addressFromBytes(info.bytes);
    if (info.link !== index || !address || (address.family === 6 && address.value >> 118n === 0x3fan)) continue;
    const text = addressText(info);
    if (!plan.addresses.includes(text)) socket.transact([deleteAddress(info, `${text} from ${plan.name}`)]);
  }
}
