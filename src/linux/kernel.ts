/** The network's kernel (network/kernel.ts) on real Linux. */
import { rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InterfacePlan } from '../drivers/plan.ts';
import type { Kernel } from '../network/kernel.ts';
import { createAnnouncer } from './announce.ts';
import { enslave, ensureBridge } from './bridges.ts';
import { setDefaults } from './default-routes.ts';
import { ensureLink, setReach } from './host-links.ts';
import { configure, LO_INDEX, makeInterfaces, removeInterfaces } from './interfaces.ts';
import { createLinkReaper } from './link-reaper.ts';
import { createMonitor } from './monitor.ts';
import type { Monitor } from './monitor.ts';
import { adoptNamespace, createNamespace, dropNamespace, inNamespace, listNamespaces } from './namespace.ts';
import { setUp } from './netlink/link.ts';
import { NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { createPeers } from './peers.ts';
import { repair } from './repair.ts';
import { isSublink, needKind, sublinksGone } from './sublinks.ts';
import { survey } from './survey.ts';
import { applySysctls } from './sysctl.ts';
import { ensureTunnel } from './tunnels.ts';
import { ensureWireguard, hasWireguard } from './wireguard.ts';
import type { WireguardKey } from './wireguard.ts';

export interface LinuxKernel extends Kernel {
  /** Whether ensureWireguard() can be called; loads the module. */
  hasWireguard(): boolean;
  close(): void;
}

/**
 * Works in the network namespace that the process is in when this is called. `ruleMarks`: by which rules of this daemon's are
 * known in the kernel's messages about them; those of another daemon on the host are not its to make again. `wireguardKey`: this
 * host's; without it no WireGuard device can be made.
 */
export function createLinuxKernel({
  ruleMarks,
  wireguardKey,
}: {
  ruleMarks: readonly Buffer[];
  wireguardKey?: (this: void) => WireguardKey;
}): LinuxKernel {
  const host = openNetlink(NETLINK_ROUTE);
  const reaper = createLinkReaper();
  const announcer = createAnnouncer();
  const peers = createPeers(host);
  /** Namespaces that were made or adopted here. */
  const paths = new Set<string>();
  let monitor: Monitor | undefined;

  const track = (path: string): void => {
    paths.add(path);
    monitor?.track(path);
  };
  const drop = (path: string): void => {
    paths.delete(path);
    monitor?.untrack(path);
    announcer.cancel(path);
    dropNamespace(path);
  };
  const announceAll = (path: string, plans: readonly InterfacePlan[], indexOf: (name: string) => number): void => {
    for (const plan of plans) announcer.announce(path, plan, indexOf(plan.name));
  };

  return {
    survey: () => survey(host),
    present: () => monitor?.present() ?? survey(host),
    watch(listener) {
      if (monitor) throw new Error('the kernel is watched already');
      monitor = createMonitor(host, ruleMarks, listener);
      for (const path of paths) monitor.track(path);
    },
    ensureBridge: (plan) => ensureBridge(host, plan),
    enslave: (plan) => enslave(host, plan),
    ensureTunnel(plan) {
      if (ensureTunnel(host, plan)) peers.forget(plan.name);
    },
    setPeers: async (plan, list) => peers.set(plan, list),
    changePeers: (plan, change) => peers.change(plan, change),
    ensureLink: (plan) => ensureLink(host, plan),
    needKind: (kind) => needKind(host, kind),
    setReach: (plan, addresses) => setReach(host, plan, addresses),
    ensureWireguard(plan) {
      if (!wireguardKey) throw new Error('this host has no WireGuard key');
      ensureWireguard(host, plan, wireguardKey());
    },
    hasWireguard,
    setSysctls: applySysctls,
    createNamespace(path, interfaces, defaults) {
      const indexOf = createNamespace(path, (fd) =>
        withSocket((inside) => {
          makeInterfaces(host, inside, fd, interfaces);
          return configure(inside, interfaces, defaults, [setUp(LO_INDEX, 'lo')]);
        }),
      );
      track(path);
      announceAll(path, interfaces, indexOf);
    },
    addInterface(path, plan) {
      const indexOf = inNamespace(path, (fd) =>
        withSocket((inside) => {
          makeInterfaces(host, inside, fd, [plan]);
          try {
            return configure(inside, [plan], []);
          } catch (error) {
            removeInterfaces(host, inside, [plan]);
            throw error;
          }
        }),
      );
      announceAll(path, [plan], indexOf);
    },
    setDefaultRoutes(path, defaults) {
      inNamespace(path, () => withSocket((inside) => setDefaults(inside, defaults)));
    },
    repairNamespace(path, interfaces, defaults) {
      const { changed, made } = inNamespace(path, (fd) =>
        withSocket((inside) => repair(host, inside, fd, interfaces, defaults)),
      );
      for (const { plan, index } of made) announcer.announce(path, plan, index);
      return changed;
    },
    adoptNamespace(path, pid) {
      adoptNamespace(path, pid);
      track(path);
    },
    async interfacesGone(path, plans) {
      await sublinksGone(host, reaper, path, plans.filter(isSublink));
    },
    dropNamespace: drop,
    listNamespaces,
    removeDirectory(directory) {
      try {
        rmdirSync(directory);
      } catch {
        // Not empty, or not there: both are fine.
      }
    },
    async linksGone(names, patience) {
      // Asking would need the kernel's RTNL lock, which its own clean-up holds for up to 80 ms at a time: the monitor is told.
      const left = monitor ? await monitor.gone(names, patience) : names;
      if (!monitor && patience > 0) await sleep(patience);
      await reaper.delete(left, (name) => monitor?.kindOf(name) === 'veth');
      for (const name of names) peers.forget(name);
    },
    close() {
      monitor?.close();
      announcer.close();
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
