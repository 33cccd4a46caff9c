/** The network's kernel (network/kernel.ts) on real Linux. */
import { rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kernel } from '../network/kernel.ts';
import { enslave, ensureBridge } from './bridges.ts';
import { setDefaults } from './default-routes.ts';
import { configure, LO_INDEX, makePairs, removePairs } from './interfaces.ts';
import { createLinkReaper } from './link-reaper.ts';
import { adoptNamespace, createNamespace, dropNamespace, inNamespace, listNamespaces } from './namespace.ts';
import { setUp } from './netlink/link.ts';
import { NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { repair } from './repair.ts';
import { survey } from './survey.ts';
import { applySysctls } from './sysctl.ts';

export interface LinuxKernel extends Kernel {
  close(): void;
}

/** Works in the network namespace that the process is in when this is called. */
export function createLinuxKernel(): LinuxKernel {
  const host = openNetlink(NETLINK_ROUTE);
  const reaper = createLinkReaper();

  return {
    survey: () => survey(host),
    present: () => survey(host),
    watch() {},
    ensureBridge: (plan) => ensureBridge(host, plan),
    enslave: (hostName, bridge) => enslave(host, hostName, bridge),
    setSysctls: applySysctls,
    createNamespace(path, interfaces, defaults) {
      createNamespace(path, (fd) =>
        withSocket((inside) => {
          makePairs(host, fd, interfaces);
          configure(inside, interfaces, defaults, [setUp(LO_INDEX, 'lo')]);
        }),
      );
    },
    addInterface(path, plan) {
      inNamespace(path, (fd) =>
        withSocket((inside) => {
          makePairs(host, fd, [plan]);
          try {
            configure(inside, [plan], []);
          } catch (error) {
            removePairs(host, [plan]);
            throw error;
          }
        }),
      );
    },
    setDefaultRoutes(path, defaults) {
      inNamespace(path, () => withSocket((inside) => setDefaults(inside, defaults)));
    },
    repairNamespace(path, interfaces, defaults) {
      return inNamespace(path, (fd) => withSocket((inside) => repair(host, inside, fd, interfaces, defaults).changed));
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
      host.close();
      reaper.close();
    },
  };
}

/** A socket of the namespace that the thread is in. Closed at once: it would keep the namespace alive. */
function withSocket<T>(body: (inside: NetlinkSocket) => T): T {
  const inside = openNetlink(NETLINK_ROUTE);
  try {
    return body(inside);
  } finally {
    inside.close();
  }
}
