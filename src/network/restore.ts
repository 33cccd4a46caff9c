/**
 * Start and end of the daemon. At the start everything is made to match the store: the predefined networks, their bridges
 * and rules; sandboxes whose containers run are taken over; all other traces of an earlier run are removed. What is on the host is
 * surveyed only to tell our own from others', never to decide what should be.
 */
import { isHostLinkName } from '../drivers/bridge/endpoint.ts';
import { BRIDGE_NAME } from '../drivers/bridge/options.ts';
import { messageOf } from '../errors.ts';
import type { NetworkContext } from './context.ts';
import { ownerOf } from './instance.ts';
import type { Survey } from './kernel.ts';
import { predefinedNetworks } from './predefined.ts';
import type { NetworkRecord } from './records.ts';
import { storedState } from './state.ts';
import type { SandboxState } from './state.ts';

export async function restoreSandboxes(
  context: NetworkContext,
  running: ReadonlyMap<string, { pid: number; name: string }>,
): Promise<void> {
  const { deps, state } = context;
  const stored = storedState(deps.store);
  const survey = deps.kernel.survey();
  restoreNetworks(context, survey, stored.networks);
  for (const record of stored.sandboxes) {
    const process = running.get(record.sandbox.containerId);
    if (!process) {
      state.deleteSandbox(record);
      if (record.sandbox.kind === 'own') deps.kernel.dropNamespace(record.sandbox.namespacePath);
      continue;
    }
    adopt(context, record, process, survey);
  }
  await removeLeftovers(context, survey);
  await context.applyRules();
}

function restoreNetworks(context: NetworkContext, survey: Survey, stored: readonly NetworkRecord[]): void {
  const { deps, state } = context;
  const networks = predefinedNetworks({
    settings: deps.settings,
    owner: ownerOf(deps.execRoot, 'bridge'),
    survey,
    stored,
    randomHex: (bytes) => deps.randomHex(bytes),
    now: deps.now(),
    log: deps.log,
  });
  deps.store.transaction(() => {
    for (const { id } of stored) deps.store.delete('network', id);
    for (const network of networks) state.putNetwork(network);
  });
  for (const network of networks) {
    const { bridge, sysctls } = context.driverOf(network).planNetwork(context.configOf(network));
    deps.kernel.setSysctls(sysctls);
    if (bridge) deps.kernel.ensureBridge(bridge);
  }
}

/**
 * Somebody deleted our bridge: makes it again and gives it its ports back. False when it was there, or is not ours to
 * make.
 */
export function healBridge(context: NetworkContext, network: NetworkRecord): boolean {
  const { deps, state } = context;
  const { bridge, sysctls } = context.driverOf(network).planNetwork(context.configOf(network));
  const { links } = deps.kernel.survey();
  if (!bridge || network.foreignBridge || links.some(({ name }) => name === bridge.name)) return false;
  deps.log.warn(`bridge ${bridge.name} was deleted by someone else and is made again`);
  deps.kernel.setSysctls(sysctls);
  deps.kernel.ensureBridge(bridge);
  for (const { endpoint } of state.endpointsOf(network.id)) {
    const port = links.find(({ name }) => name === endpoint.hostName);
    if (port) deps.kernel.enslave(port.name, bridge.name);
  }
  return true;
}

function adopt(
  context: NetworkContext,
  record: SandboxState,
  process: { pid: number; name: string },
  survey: Survey,
): void {
  const { deps, state } = context;
  const sandbox = { ...record.sandbox, containerName: process.name };
  // A network that is there no more (--bridge=none) leaves its endpoints without a home.
  const endpoints = record.endpoints.filter(({ networkId }) => state.network(networkId));
  state.putSandbox({ sandbox, endpoints });
  for (const endpoint of endpoints) {
    const strange = state.retake(endpoint);
    if (strange.length > 0) {
      const fields = { container: sandbox.containerName, addresses: strange.join(' ') };
      deps.log.warn('a running container has an address that its network no longer has: restart it', fields);
    }
    const bridge = state.network(endpoint.networkId)?.options[BRIDGE_NAME];
    const link = survey.links.find(({ name }) => name === endpoint.hostName);
    if (bridge === undefined || !link || link.master === bridge) continue;
    deps.kernel.enslave(endpoint.hostName, bridge);
    deps.log.warn(`${endpoint.hostName} had lost its bridge`, { container: sandbox.containerName, bridge });
  }
  if (sandbox.kind !== 'own') return;
  try {
    deps.kernel.adoptNamespace(sandbox.namespacePath, process.pid);
  } catch (error) {
    // The process may have ended a moment ago; the engine finds out and closes the sandbox.
    deps.log.warn('the network of a container cannot be taken over', {
      container: sandbox.containerName,
      error: messageOf(error),
    });
  }
}

/** Namespaces in our directory and veths in our bridges that no sandbox owns. */
async function removeLeftovers({ deps, state, namespaceDirectory }: NetworkContext, survey: Survey): Promise<void> {
  const sandboxes = state.sandboxes();
  const paths = new Set(sandboxes.map(({ sandbox }) => sandbox.namespacePath));
  for (const name of deps.kernel.listNamespaces(namespaceDirectory)) {
    const path = `${namespaceDirectory}/${name}`;
    if (!paths.has(path)) deps.kernel.dropNamespace(path);
  }
  const owned = new Set(sandboxes.flatMap(({ endpoints }) => endpoints.map(({ hostName }) => hostName)));
  const bridges = new Set(
    state.networks().flatMap(({ foreignBridge, options }) => (foreignBridge ? [] : (options[BRIDGE_NAME] ?? []))),
  );
  const orphans = survey.links.filter(
    ({ name, kind, master }) => kind === 'veth' && bridges.has(master) && isHostLinkName(name) && !owned.has(name),
  );
  await deps.kernel.linksGone(
    orphans.map(({ name }) => name),
    0,
  );
}

/**
 * End of the daemon. `keep`: containers go on, so everything stays. Otherwise bridges, rules and directories of ours go.
 */
export async function shutdownNetworks(context: NetworkContext, keep: boolean): Promise<void> {
  const { deps, state, leaving, namespaceDirectory } = context;
  await Promise.all(leaving);
  if (keep || state.sandboxes().length > 0) return;
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => deps.kernel.removeDirectory(namespaceDirectory));
  cleanup.defer(async () => {
    if (deps.settings.iptables) await deps.firewall.remove();
  });
  // By the mark: where ours was deleted, another daemon may have made its own under that name since.
  const { links } = deps.kernel.survey();
  const bridges = state.networks().flatMap(({ name, foreignBridge, options }) => {
    const owner = ownerOf(deps.execRoot, name);
    const link = links.find((one) => one.name === options[BRIDGE_NAME] && one.alias === owner);
    return foreignBridge || !link ? [] : [link.name];
  });
  cleanup.defer(async () => deps.kernel.linksGone(bridges, 0));
}
