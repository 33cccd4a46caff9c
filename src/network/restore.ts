/**
 * Start and end of the daemon. At the start everything is made to match the store: networks, their bridges and rules; sandboxes whose
 * containers run are taken over; all other traces of an earlier run are removed. What is on the host is surveyed only to tell our
 * own from others', never to decide what should be.
 */
import { isHostLinkName } from '../drivers/bridge/endpoint.ts';
import { messageOf } from '../errors.ts';
import type { EndpointSettings } from '../model/container.ts';
import type { NetworkContext } from './context.ts';
import { finishRearranging } from './connect.ts';
import { endNamespace } from './detach.ts';
import { dropLeases, keepLeases } from './dhcp.ts';
import { healBridge, healSandbox } from './heal.ts';
import { linksOf as hostLinks, tellShims } from './host-links.ts';
import { instanceName, ownerOf } from './instance.ts';
import type { HostLink, Survey } from './kernel.ts';
import { needsResolver, sandboxNames } from './names.ts';
import { isPredefined, predefinedNetworks } from './predefined.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';
import { placed } from './sandbox-record.ts';
import { linksOf, storedState } from './state.ts';
import type { SandboxState } from './state.ts';

type Running = ReadonlyMap<string, { pid: number; name: string }>;

export async function restoreSandboxes(
  context: NetworkContext,
  running: Running,
  existing: ReadonlyMap<string, Readonly<Record<string, EndpointSettings>>>,
): Promise<void> {
  const { deps, state } = context;
  context.warnOfDefaultOptions();
  const stored = storedState(deps.store);
  const survey = deps.kernel.survey();
  restoreNetworks(context, survey, stored.networks);
  for (const [containerId, endpoints] of existing) state.addresses.keep(containerId, endpoints, state.networks());
  for (const record of stored.sandboxes) {
    const process = running.get(record.sandbox.containerId);
    if (process) await adopt(context, record, process);
    else {
      state.deleteSandbox(record);
      if (record.sandbox.kind === 'own') {
        await endSandbox(context, record);
      }
    }
  }
  await context.overlays.resume();
  const now = deps.kernel.survey();
  for (const network of state.networks()) tryToHeal(context, network, now);
  context.overlays.takeOver();
  tellShims(
    context,
    state.networks().map((network) => ({ network })),
  );
  await removeLeftovers(context, survey);
  await context.setRules();
  await completeSandboxes(context, now, existing);
  await deps.attendant.ready();
}

async function endSandbox(context: NetworkContext, { sandbox, endpoints }: SandboxState): Promise<void> {
  try {
    await dropLeases(context, endpoints);
    await endNamespace(context, sandbox, placed(context, endpoints));
  } catch (error) {
    context.deps.log.warn('an interface was left behind', { error: messageOf(error) });
  }
}

/** The others shall work, whatever is in the way of one: a UDP port that another program has, a link of its name. */
function tryToHeal(context: NetworkContext, network: NetworkRecord, survey: Survey): void {
  try {
    healBridge(context, network, survey);
  } catch (error) {
    if (isPredefined(network.name)) throw error;
    context.deps.log.error('a network could not be made again', { network: network.name, error: messageOf(error) });
  }
}

function restoreNetworks(context: NetworkContext, survey: Survey, stored: readonly NetworkRecord[]): void {
  const { deps, state } = context;
  const predefined = predefinedNetworks({
    settings: deps.settings,
    owner: ownerOf(deps.execRoot, 'bridge'),
    survey,
    stored,
    randomHex: (bytes) => deps.randomHex(bytes),
    now: deps.now(),
    log: deps.log,
  });
  const links = new Map(survey.links.map((link) => [link.name, link]));
  const own = stored.filter(({ name }) => !isPredefined(name));
  const networks = [...predefined, ...own.map((network) => onBridgeThatIsThere(context, network, links))];
  deps.store.transaction(() => {
    for (const { id } of stored) deps.store.delete('network', id);
    for (const network of networks) state.putNetwork(network);
  });
  for (const network of networks) {
    // Those that span hosts are made for who is on them, which is not known yet.
    if (network.configOnly || network.driver === 'overlay') continue;
    const { bridge, links = [], sysctls } = context.driverOf(network).planNetwork(context.configOf(network));
    try {
      deps.kernel.setSysctls(sysctls);
      if (bridge) deps.kernel.ensureBridge(bridge);
      for (const link of links) deps.kernel.ensureLink(link);
    } catch (error) {
      // The others shall work; what is on the default bridge is what a daemon without a network is for.
      if (isPredefined(network.name)) throw error;
      deps.log.error('a network could not be made again', { network: network.name, error: messageOf(error) });
    }
  }
}

/** Somebody made a bridge of its name before us, after a reboot: it is used and left, as when the network is made on one that is there. */
function onBridgeThatIsThere(
  context: NetworkContext,
  network: NetworkRecord,
  links: ReadonlyMap<string, HostLink>,
): NetworkRecord {
  const link = links.get(network.bridge);
  if (network.bridge === '' || network.foreignBridge || !link || link.alias === context.owner(network)) return network;
  context.deps.log.warn(`bridge ${network.bridge} is somebody else's now: it is used as it is`, {
    network: network.name,
  });
  return { ...network, foreignBridge: true };
}

async function adopt(
  context: NetworkContext,
  record: SandboxState,
  process: { pid: number; name: string },
): Promise<void> {
  const { deps, state } = context;
  const sandbox = { ...record.sandbox, containerName: process.name };
  // A network that is there no more (--bridge=none) leaves its endpoints without a home.
  const endpoints = record.endpoints.filter(({ networkId }) => state.network(networkId));
  state.putSandbox({ sandbox, endpoints });
  const warn = (text: string, fields: Record<string, unknown>): void =>
    deps.log.warn(text, { container: sandbox.containerName, ...fields });
  for (const endpoint of endpoints) {
    const strange = endpoint.lease ? [] : state.addresses.retake(sandbox.containerId, endpoint);
    if (strange.length > 0) {
      warn('a running container has an address that its network no longer has: restart it', {
        addresses: strange.join(' '),
      });
    }
  }
  if (sandbox.kind !== 'own') return;
  try {
    deps.kernel.adoptNamespace(sandbox.namespacePath, process.pid);
  } catch (error) {
    // The process may have ended a moment ago; the engine finds out and closes the sandbox.
    warn('the network of a container cannot be taken over', { error: messageOf(error) });
    return;
  }
  try {
    await keepLeases(context, { sandbox, endpoints });
    await resume(context, state.sandbox(sandbox.containerId) ?? { sandbox, endpoints }, warn);
  } catch (error) {
    warn('names or published ports of a container could not be taken over', { error: messageOf(error) });
  }
}

/** Its names and ports, in the process that has kept them if it is still there. */
async function resume(
  context: NetworkContext,
  { sandbox, endpoints }: SandboxState,
  warn: (text: string, fields: Record<string, unknown>) => void,
): Promise<void> {
  const { deps, ports } = context;
  const held = sandbox.ports.filter(({ hostPort }) => hostPort !== 0);
  if (held.length > 0) {
    ports.take({ id: sandbox.id, name: sandbox.containerName }, held);
    for (const { hostAddress, hostPort, code } of await deps.attendant.holdPorts(sandbox.id, held)) {
      warn('a published port is in use by another process now', { port: `${hostAddress}:${hostPort}`, code });
    }
  }
  const all = placed(context, endpoints);
  if (needsResolver(all)) await deps.attendant.putNames(sandboxNames(sandbox, all, deps.settings));
}

/** What somebody took away while there was no daemon, and a connect or disconnect in the middle of which there was none any more. */
async function completeSandboxes(
  context: NetworkContext,
  { links }: Survey,
  existing: ReadonlyMap<string, Readonly<Record<string, EndpointSettings>>>,
): Promise<void> {
  const { deps, state } = context;
  const linkNames = new Set(links.map(({ name }) => name));
  const networks = new Map(state.networks().map((network) => [network.name, network]));
  for (const { sandbox, endpoints } of state.sandboxes()) {
    const { containerId, containerName, kind } = sandbox;
    if (kind !== 'own') continue;
    const before = Object.keys(existing.get(containerId) ?? {}).flatMap((name) => networks.get(name) ?? []);
    const changed =
      before.length > 0 &&
      (before.length !== endpoints.length || before.some(({ id }) => !endpoints.some((one) => one.networkId === id)));
    try {
      if (changed) await finishRearranging(context, containerId, before);
      else if (mayBeDamaged(sandbox, endpoints, linkNames)) healSandbox(context, containerId);
    } catch (error) {
      deps.log.warn('the network of a container could not be completed', {
        container: containerName,
        error: messageOf(error),
      });
    }
  }
}

/** A pair without its end on the host; of other links nothing is seen here, and who may take them away himself has done so on purpose. */
const mayBeDamaged = (
  { request }: SandboxRecord,
  endpoints: readonly EndpointRecord[],
  links: ReadonlySet<string>,
): boolean =>
  endpoints.some(({ hostName, interfaceName }) =>
    hostName === '' ? interfaceName !== '' && !request.netAdmin : !links.has(hostName),
  );

/** Namespaces in our directory, bridges with our mark and veths in our bridges that nobody owns. */
async function removeLeftovers(context: NetworkContext, survey: Survey): Promise<void> {
  const { deps, state, namespaceDirectory } = context;
  const sandboxes = state.sandboxes();
  const paths = new Set(sandboxes.map(({ sandbox }) => sandbox.namespacePath));
  for (const name of deps.kernel.listNamespaces(namespaceDirectory)) {
    const path = `${namespaceDirectory}/${name}`;
    if (!paths.has(path)) deps.kernel.dropNamespace(path);
  }
  const owned = new Set(sandboxes.flatMap(({ endpoints }) => endpoints.map(({ hostName }) => hostName)));
  const mark = `${instanceName(deps.execRoot)}:`;
  const ofNetworks = state
    .networks()
    .flatMap((network) =>
      network.foreignBridge || !context.isHere(network)
        ? []
        : [...linksOf(network), ...hostLinks(context, network).map(({ name }) => name)],
    );
  const mine = new Set([...ofNetworks, context.overlays.secure.name]);
  const orphans = survey.links.filter(
    ({ name, kind, master, alias }) =>
      (kind === 'veth' && mine.has(master) && isHostLinkName(name) && !owned.has(name)) ||
      (alias.startsWith(mark) && !mine.has(name)),
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
  const stays = keep || state.sandboxes().length > 0;
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(async () => deps.attendant.close({ keep: stays }));
  cleanup.defer(async () => deps.cluster.close({ keep: stays }));
  if (stays) return;
  cleanup.defer(() => deps.kernel.removeDirectory(namespaceDirectory));
  cleanup.defer(async () => {
    if (deps.settings.iptables) await deps.firewall.remove();
  });
  // By the mark: where ours was deleted, another daemon may have made its own under that name since.
  const { links } = deps.kernel.survey();
  const mark = `${instanceName(deps.execRoot)}:`;
  const own = links.filter(({ alias }) => alias.startsWith(mark));
  cleanup.defer(async () =>
    deps.kernel.linksGone(
      own.map(({ name }) => name),
      0,
    ),
  );
}
