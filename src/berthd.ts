/** berthd: who is who. The order of its life stands in daemon/run.ts. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { composeCluster } from './cluster/compose.ts';
import { createSecureHost } from './cluster/secure-host.ts';
import { findProgram } from './daemon/preflight.ts';
import { runDaemon } from './daemon/run.ts';
import type { Parts, PartsContext } from './daemon/run.ts';
import { BERTH_VERSION } from './daemon/version.ts';
import { createEngine } from './engine/engine.ts';
import { createImages } from './engine/images/images.ts';
import { filesProgram } from './engine/files/worker.ts';
import type { ImageUse } from './engine/images/port.ts';
import { createFirewall, leaveBackend, ruleMarks } from './firewall/index.ts';
import type { FirewallChoice } from './firewall/index.ts';
import { hostAddresses } from './linux/host-addresses.ts';
import { createLinuxKernel } from './linux/kernel.ts';
import { linkMtu } from './linux/link-mtu.ts';
import { leaveHybridCgroups } from './linux/mounts.ts';
import { textFiles } from './linux/text-files.ts';
import { createAttendant, netdProgram } from './netd/client.ts';
import { createNetworkController, instanceName } from './network/controller.ts';

async function compose({ settings, store, events, log, hybridCgroups }: PartsContext): Promise<Parts> {
  const { dataRoot, execRoot } = settings;
  const { publish } = events;
  const { firewallBackend: backend, allowDirectRouting, bridgeAcceptFwmark } = settings.network;
  const rules = {
    settings: {
      instance: instanceName(execRoot),
      directRouting: allowDirectRouting,
      acceptMark: bridgeAcceptFwmark,
    },
    log,
  };
  const firewall = settings.network.iptables ? backend : 'none';
  await leaveBackend(store.get<FirewallChoice>('meta', 'firewall'), firewall, rules);
  store.put('meta', 'firewall', firewall);
  const tmpDir = `${dataRoot}/tmp`;
  mkdirSync(tmpDir, { recursive: true, mode: 0o700 });
  const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex');
  const secureHost = createSecureHost({
    store,
    hasWireguard: () => kernel.hasWireguard(),
    port: settings.cluster.wireguardPort,
  });
  const kernel = createLinuxKernel({
    ruleMarks: ruleMarks(rules.settings.instance),
    wireguardKey: () => secureHost.key(),
  });
  // The cluster asks who uses it, the network asks the cluster: the first question comes after both are there.
  let inUse: () => readonly string[] = () => [];
  const { cluster, managed } = composeCluster({
    settings: settings.cluster,
    store,
    directory: `${dataRoot}/cluster`,
    scratch: tmpDir,
    version: BERTH_VERSION,
    linkMtu,
    hostAddresses,
    secure: () => secureHost.host(),
    etcdProgram: () => findProgram('etcd'),
    inUse: () => inUse(),
    randomHex,
    log,
  });
  const network = createNetworkController({
    settings: settings.network,
    execRoot,
    store,
    kernel,
    firewall: createFirewall({ backend, ...rules }),
    attendant: createAttendant({ execRoot, program: netdProgram(process.argv[1] ?? ''), log }),
    cluster,
    files: textFiles,
    publish,
    log,
    randomHex,
    now: () => new Date().toISOString(),
    later: (milliseconds, body) => void setTimeout(body, milliseconds).unref(),
  });
  inUse = network.onSharedNetworks;
  // Images ask who uses them, containers ask for images: the first question comes after both are there.
  let use: ImageUse | undefined;
  const images = createImages({
    root: settings.imageRoot,
    runRoot: settings.imageRunRoot,
    insecureRegistries: settings.insecureRegistries,
    registryMirrors: settings.registryMirrors,
    tmpDir,
    use: () => use ?? { usersOf: () => [] },
    publish,
    log,
  });
  const engine = await createEngine({
    settings,
    store,
    images,
    sandboxes: network.sandboxes,
    publish,
    log,
    hybridCgroups,
    filesProgram: filesProgram(process.argv[1] ?? ''),
  });
  use = engine;
  return {
    containers: engine,
    files: engine.files,
    images,
    networks: network.networks,
    volumes: engine.volumes,
    cluster: managed,
    async restore() {
      // First: where the networks that span hosts lead is known from it.
      await managed.restore();
      await engine.restore();
      network.watch();
    },
    async shutdown() {
      await using cleanup = new AsyncDisposableStack();
      cleanup.defer(async () => managed.close());
      cleanup.defer(() => kernel.close());
      cleanup.defer(async () => network.shutdown({ keep: engine.counts().running > 0 }));
      await engine.shutdown();
    },
  };
}

// Filters of clients are regular expressions, which Docker matches in linear time: '((a+)+)+$' must not hold the daemon.
// After 50,000 steps back V8 goes on with its automaton, which knows none (not with look-around and back references).
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

void (async () => {
  process.exit(await runDaemon(process.argv.slice(2), { leaveHybridCgroups, compose }));
})();
