/** The network's kernel (network/kernel.ts) on real Linux. */
import { rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BridgePlan, InterfacePlan, Sysctl } from '../drivers/plan.ts';
import {
  addressBytes,
  addressFromBytes,
  formatAddress,
  formatPrefix,
  parseInterface,
  prefixOf,
} from '../ipam/address.ts';
import type { HostLink, Kernel, Survey } from '../network/kernel.ts';
import { unavailable } from '../errors.ts';
import { SysError } from './libc.ts';
import { adoptNamespace, createNamespace, dropNamespace, inNamespace, listNamespaces } from './namespace.ts';
import { addAddress, decodeAddress, deleteAddress, listAddresses, RTM_NEWADDR } from './netlink/address.ts';
import type { AddressInfo } from './netlink/address.ts';
import * as link from './netlink/link.ts';
import { addRoute, decodeRoute, isMainTable, listRoutes, RTM_NEWROUTE } from './netlink/route.ts';
import { NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';
import { createLinkReaper } from './link-reaper.ts';
import { writeSysctl } from './sysctl.ts';

const LO_INDEX = 1;

export interface LinuxKernel extends Kernel {
  close(): void;
}

/** Works in the network namespace that the process is in when this is called. */
export function createLinuxKernel(): LinuxKernel {
  const socket = openNetlink(NETLINK_ROUTE);
  const reaper = createLinkReaper();

  const find = (name: string): link.LinkInfo | undefined => {
    try {
      const [answer] = socket.transact([link.getLink(name)]);
      return answer && link.decodeLink(answer.payload);
    } catch (error) {
      if (error instanceof SysError && error.code === 'ENODEV') return undefined;
      throw error;
    }
  };
  const need = (name: string): link.LinkInfo => {
    const found = find(name);
    if (!found) throw new Error(`no such link: ${name}`);
    return found;
  };

  return {
    survey: () => survey(socket),
    ensureBridge(plan) {
      const present = find(plan.name);
      if (!present) {
        // One datagram: a bridge without Berth's mark is never seen, not even after a crash.
        const create = link.createBridge(plan.name, plan.mac, plan.mtu);
        explaining('bridge', () => socket.transact([create, link.setAlias(plan.name, plan.owner)]));
      } else if (present.kind !== 'bridge') throw new Error(`${plan.name} is no bridge`);
      else if (plan.owner !== '' && present.mtu !== plan.mtu) socket.transact([link.setMtu(plan.name, plan.mtu)]);
      completeBridge(socket, plan, need(plan.name).index);
    },
    enslave(hostName, bridge) {
      socket.transact([link.setMaster(hostName, need(bridge).index)]);
    },
    setSysctls: applySysctls,
    createNamespace(path, interfaces) {
      const inside = createNamespace(path, () => openNetlink(NETLINK_ROUTE));
      try {
        if (interfaces.length > 0) {
          const masters = interfaces.map(({ bridge }) => need(bridge).index);
          inNamespace(path, (fd) => {
            explaining('veth', () =>
              socket.transact(interfaces.flatMap((plan, slot) => veth(plan, masters[slot] ?? 0, fd))),
            );
            for (const plan of interfaces) applySysctls(plan.sysctls);
          });
        }
        inside.transact([link.setUp(LO_INDEX, 'lo'), ...interfaces.flatMap((plan) => configure(inside, plan))]);
      } catch (error) {
        inside.close();
        dropNamespace(path);
        throw error;
      }
      // A socket would keep the namespace alive.
      inside.close();
    },
    adoptNamespace,
    dropNamespace,
    listNamespaces,
    removeDirectory(directory) {
      try {
        rmdirSync(directory);
      } catch {
        // Not empty, or not there: both are fine.
      }
    },
    async linksGone(names, patience) {
      // Looking first would need the kernel's RTNL lock, which its own clean-up holds for up to 80 ms at a time.
      if (patience > 0) await sleep(patience);
      for (const name of names) await reaper.delete(name);
    },
    close() {
      socket.close();
      reaper.close();
    },
  };
}

function survey(socket: NetlinkSocket): Survey {
  const links = socket
    .transact([link.listLinks()])
    .flatMap(({ type, payload }) => (type === link.RTM_NEWLINK ? [link.decodeLink(payload)] : []));
  const nameOf = new Map(links.map(({ index, name }) => [index, name]));
  const named = (index: number): string => nameOf.get(index) ?? '';
  return {
    links: links.map(({ name, kind, master, alias }): HostLink => ({ name, kind, master: named(master), alias })),
    addresses: socket.transact([listAddresses()]).flatMap(({ type, payload }) => {
      if (type !== RTM_NEWADDR) return [];
      const { bytes, prefixLength, link: index } = decodeAddress(payload);
      const address = addressFromBytes(bytes);
      return address ? [{ link: named(index), address: `${formatAddress(address)}/${prefixLength}` }] : [];
    }),
    routes: socket.transact([listRoutes()]).flatMap(({ type, payload }) => {
      if (type !== RTM_NEWROUTE) return [];
      const route = decodeRoute(payload);
      const address = route.destination && addressFromBytes(route.destination);
      if (!isMainTable(route) || !address || route.prefixLength === 0) return [];
      return [{ link: named(route.link), destination: formatPrefix(prefixOf(address, route.prefixLength)) }];
    }),
  };
}

function completeBridge(socket: NetlinkSocket, plan: BridgePlan, index: number): void {
  if (plan.owner !== '') socket.transact([link.setAlias(plan.name, plan.owner)]);
  // Before the addresses: IPv6 ones are refused while the link has IPv6 switched off.
  applySysctls(plan.sysctls);
  if (plan.owner !== '') removeStaleAddresses(socket, plan, index);
  for (const text of plan.addresses) {
    try {
      socket.transact([addAddress(addressInfo(text, index), `${text} to ${plan.name}`)]);
    } catch (error) {
      if (!(error instanceof SysError) || error.code !== 'EEXIST') throw error;
    }
  }
  socket.transact([link.setUp(index, plan.name)]);
}

/** What the kernel's 'Unknown device type' and EPERM mean to whoever runs the daemon. */
function explaining(kind: 'bridge' | 'veth', body: () => unknown): void {
  try {
    body();
  } catch (error) {
    if (error instanceof SysError && error.code === 'EOPNOTSUPP') {
      throw unavailable(
        `this kernel cannot make ${kind} interfaces: load the module ${kind} (CONFIG_${kind.toUpperCase()})`,
        error,
      );
    }
    if (error instanceof SysError && error.code === 'EPERM') {
      throw unavailable(`making a ${kind} interface was refused: berthd needs CAP_NET_ADMIN`, error);
    }
    throw error;
  }
}

/** Of an earlier run with other settings. Link-local ones are the kernel's own. */
function removeStaleAddresses(socket: NetlinkSocket, plan: BridgePlan, index: number): void {
  for (const { type, payload } of socket.transact([listAddresses()])) {
    if (type !== RTM_NEWADDR) continue;
    const info = decodeAddress(payload);
    const address = addressFromBytes(info.bytes);
    if (info.link !== index || !address || (address.family === 6 && address.value >> 118n === 0x3fan)) continue;
    const text = `${formatAddress(address)}/${info.prefixLength}`;
    if (!plan.addresses.includes(text)) socket.transact([deleteAddress(info, `${text} from ${plan.name}`)]);
  }
}

function veth({ hostName, mtu, name, mac, isolated }: InterfacePlan, master: number, namespaceFd: number): Request[] {
  const pair = link.createVeth({ hostName, master, mtu, peer: { name, mac, namespaceFd } });
  return isolated ? [pair, link.isolatePort(hostName)] : [pair];
}

function configure(inside: NetlinkSocket, { name, addresses, routes }: InterfacePlan): Request[] {
  // Not simply 2: a kernel with tunnel modules puts their devices (tunl0, sit0) into every new namespace.
  const [answer] = inside.transact([link.getLink(name)]);
  if (!answer) throw new Error(`the kernel does not show ${name}`);
  const { index } = link.decodeLink(answer.payload);
  return [
    link.setUp(index, name),
    ...addresses.map((text) => addAddress(addressInfo(text, index), `${text} to ${name}`)),
    ...routes.map(({ to, via }) => {
      const destination = parseInterface(to);
      const gateway = parseInterface(`${via}/${via.includes(':') ? 128 : 32}`);
      if (!destination || !gateway) throw new Error(`no route: ${to} via ${via}`);
      const { prefix, address } = destination;
      return addRoute(
        {
          family: prefix.family,
          destination: prefix.length === 0 ? undefined : Buffer.from(addressBytes(address)),
          prefixLength: prefix.length,
          gateway: Buffer.from(addressBytes(gateway.address)),
          link: index,
        },
        `${to} via ${via}`,
      );
    }),
  ];
}

/** A kernel without IPv6 has nothing to switch off. */
function applySysctls(sysctls: readonly Sysctl[]): void {
  for (const { name, value } of sysctls) {
    try {
      writeSysctl(name, value);
    } catch (error) {
      const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!absent || !name.startsWith('net/ipv6/')) throw error;
    }
  }
}

function addressInfo(text: string, index: number): AddressInfo {
  const parsed = parseInterface(text);
  if (!parsed) throw new Error(`no address: ${text}`);
  return { bytes: Buffer.from(addressBytes(parsed.address)), prefixLength: parsed.prefix.length, link: index };
}
