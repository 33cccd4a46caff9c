/** One network more or less for a container that runs. */
import { conflict, forbidden, invalidParameter, messageOf, notFound, system } from '../errors.ts';
import type { EndpointSettings } from '../model/container.ts';
import { Claims, releaseClaims } from './claims.ts';
import { refreshFiles } from './container-files.ts';
import type { NetworkContext } from './context.ts';
import { detach } from './detach.ts';
import { dropLeases, obtainLeases } from './dhcp.ts';
import { defaultRoutes } from './gateway.ts';
import type { Placed } from './gateway.ts';
import { onBridges } from './heal.ts';
import { tellShims } from './host-links.ts';
import { findNetwork } from './lookup.ts';
import { needsResolver, sandboxNames } from './names.ts';
import { portTargets } from './ports.ts';
import { movePorts } from './publish.ts';
import { checkSettings, refuseTogether, SHARED } from './request.ts';
import { newEndpoint, placed, planInterface, planNamespace } from './sandbox-record.ts';
import { publishEvent, tellLinked } from './sandboxes.ts';
import type { NetworkRecord } from './records.ts';
import type { SandboxState } from './state.ts';

export async function connectEndpoint(
  context: NetworkContext,
  containerId: string,
  ref: string,
  settings: EndpointSettings,
): Promise<void> {
  const { deps, state } = context;
  const before = openSandboxOf(context, containerId);
  const { sandbox, endpoints } = before;
  const network = findNetwork(state.networks(), ref);
  if (endpoints.some(({ networkId }) => networkId === network.id)) {
    throw forbidden(`endpoint with name ${sandbox.containerName} already exists in network ${network.name}`);
  }
  const others = placed(context, endpoints);
  refuseTogether([...others.map((one) => one.network), network]);
  checkSettings(network, settings);

  await using claims = new Claims(context);
  if (Claims.needed([{ network }])) {
    await claims.add(sandbox, [{ network, settings }]);
    refuseChanged(context, before);
  }
  await using undo = new AsyncDisposableStack();
  const endpoint = newEndpoint(context, sandbox, { network, settings }, endpoints, claims.of.get(network.id));
  if (claims.of.size === 0) undo.defer(() => state.addresses.release(network.id, endpoint.addresses, containerId));
  const plan = planInterface(context, { endpoint, network });
  state.putSandbox({ sandbox, endpoints: [...endpoints, endpoint] });
  // Ran last, when the endpoint is no more.
  undo.defer(async () => rearrange(context, containerId, [...others, { endpoint, network }]));
  undo.defer(() => {
    // Another endpoint may have been lost meanwhile.
    const now = state.sandbox(containerId);
    if (now) state.putSandbox({ ...now, endpoints: now.endpoints.filter(({ id }) => id !== endpoint.id) });
  });
  if (plan) {
    onBridges(context, [{ network }], () => deps.kernel.addInterface(sandbox.namespacePath, plan));
    undo.defer(async () => detach(context, sandbox, plan));
  }
  undo.defer(async () => dropLeases(context, [endpoint]));
  await obtainLeases(context, before, [endpoint]);
  await rearrange(context, containerId, others);
  undo.move();
  claims.keep();
  publishEvent(context, 'connect', network, containerId);
}

export async function disconnectEndpoint(
  context: NetworkContext,
  containerId: string,
  ref: string,
  { force }: { force: boolean },
): Promise<void> {
  const { deps, state } = context;
  const { sandbox, endpoints } = openSandboxOf(context, containerId);
  const network = findNetwork(state.networks(), ref);
  const endpoint = endpoints.find(({ networkId }) => networkId === network.id);
  if (!endpoint) throw notFound(`container ${containerId} is not connected to network ${network.name}`);
  const before = placed(context, endpoints);
  // Its name goes first, then ports and routes leave it, then the interface; the address is free when nobody has it any more.
  state.putSandbox({ sandbox, endpoints: endpoints.filter((one) => one !== endpoint) });
  const failures: unknown[] = [];
  await rearrange(context, containerId, before).catch((error: unknown) => failures.push(error));
  try {
    await dropLeases(context, [endpoint]);
    await detach(context, sandbox, planInterface(context, { endpoint, network }));
  } catch (error) {
    failures.push(error);
  }
  state.addresses.release(network.id, endpoint.addresses, containerId);
  await releaseClaims(context, [endpoint]);
  publishEvent(context, 'disconnect', network, containerId);
  if (failures.length === 0) return;
  const text = failures.map(messageOf).join('; ');
  if (!force) throw system(`container ${containerId} failed to leave network ${network.name}: ${text}`, failures[0]);
  deps.log.warn('a container left a network, but not everything was cleaned up', {
    network: network.name,
    error: text,
  });
}

function openSandboxOf({ state }: NetworkContext, containerId: string): SandboxState {
  const found = state.sandbox(containerId);
  if (!found) throw system(`container ${containerId} has no open sandbox`);
  if (found.sandbox.kind !== 'own') throw invalidParameter(SHARED);
  return found;
}

/** While the cluster was asked the container may have ended, or been connected to another network. */
function refuseChanged(context: NetworkContext, before: SandboxState): void {
  const now = openSandboxOf(context, before.sandbox.containerId);
  if (now.sandbox.id === before.sandbox.id && now.endpoints === before.endpoints) return;
  throw conflict(`the networks of container ${before.sandbox.containerName} changed meanwhile: try again`);
}

/** Default routes, published ports, names and files follow the endpoints that the sandbox has now, unless it is being closed. */
export async function rearrange(
  context: NetworkContext,
  containerId: string,
  before: readonly Placed[],
): Promise<void> {
  const { deps, state } = context;
  const found = state.sandbox(containerId);
  if (!found || context.closing.has(found.sandbox.id)) return;
  const after = placed(context, found.endpoints);
  const { sandbox } = found;
  const routes = defaultRoutes(after);
  if (!same(routes, defaultRoutes(before))) deps.kernel.setDefaultRoutes(sandbox.namespacePath, routes);
  if (needsResolver(after)) await deps.attendant.putNames(sandboxNames(sandbox, after, deps.settings));
  else if (needsResolver(before)) await deps.attendant.dropNames(sandbox.id);
  if (state.sandbox(containerId)?.sandbox.id !== sandbox.id || context.closing.has(sandbox.id)) return;
  if (!same(portTargets(before), portTargets(after))) await movePorts(context, containerId, after);
  refreshFiles(context, sandbox, before, after);
  tellShims(context, [...before, ...after]);
  tellLinked(context, containerId);
}

/**
 * The daemon ended in the middle of a connect or disconnect; which endpoints there are was said before. `before`: the networks that
 * the container was on. What only the network knew has been put already: names, and what was published.
 */
export async function finishRearranging(
  context: NetworkContext,
  containerId: string,
  before: readonly NetworkRecord[],
): Promise<void> {
  const { deps, state } = context;
  const found = state.sandbox(containerId);
  if (found?.sandbox.kind !== 'own') return;
  const { sandbox } = found;
  const after = placed(context, found.endpoints);
  const { interfaces, defaults } = planNamespace(context, after);
  deps.kernel.repairNamespace(sandbox.namespacePath, interfaces, defaults);
  deps.kernel.setDefaultRoutes(sandbox.namespacePath, defaults);
  await movePorts(context, containerId, after);
  refreshFiles(
    context,
    sandbox,
    before.map((network) => ({ network })),
    after,
  );
  tellLinked(context, containerId);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
