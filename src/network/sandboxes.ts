/**
 * Sandboxes: opened when a container starts, closed when it ends. The store is written before the kernel is changed, so
 * that after a crash at any point restore() knows what may be there.
 */
import { conflict, messageOf } from '../errors.ts';
import type { EndpointSettings } from '../model/container.ts';
import { Claims, releaseClaims, renameClaims } from './claims.ts';
import type { Claim } from './claims.ts';
import { connectEndpoint, disconnectEndpoint } from './connect.ts';
import { hostsTextOf, pathsIn, writeFiles } from './container-files.ts';
import type { NetworkContext } from './context.ts';
import { endNamespace } from './detach.ts';
import { dropLeases, obtainLeases } from './dhcp.ts';
import { onBridges } from './heal.ts';
import { tellShims } from './host-links.ts';
import { findNetwork } from './lookup.ts';
import { needsResolver, sandboxNames } from './names.ts';
import type { ContainerWish, PublishChange, Sandbox, Sandboxes, SandboxRequest } from './port.ts';
import { portRulesOf, publishPorts, unpublishPorts } from './ports.ts';
import { changePublished } from './publish.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord, SandboxSettings } from './records.ts';
import { actualMode, understand } from './request.ts';
import type { EndpointWish, Wish } from './request.ts';
import { restoreSandboxes } from './restore.ts';
import { newEndpoint, placed, planNamespace } from './sandbox-record.ts';
import type { SandboxState } from './state.ts';
import { sandboxView } from './views.ts';

/** Milliseconds that the kernel is given to end a namespace by itself; it needs some 30. */
const PATIENCE = 100;

export class SandboxController implements Sandboxes {
  readonly #context: NetworkContext;
  /** Container → the end of what its sandbox is not ready without. */
  readonly #unfinished = new Map<string, Promise<void>>();

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  check(wish: ContainerWish): void {
    this.#understand(wish);
  }

  #understand(wish: ContainerWish): Wish {
    return understand(wish, this.#context.state.networks(), this.#context.hostGateways());
  }

  networkOf(ref: string): { id: string; name: string; driver: string } {
    const networks = this.#context.state.networks();
    const { id, name, driver } = findNetwork(networks, actualMode(ref, networks));
    return { id, name, driver };
  }

  reserve(containerId: string, endpoints: Readonly<Record<string, EndpointSettings>>): void {
    const { state } = this.#context;
    state.addresses.keep(containerId, endpoints, state.networks());
  }

  forget(containerId: string): void {
    this.#context.state.addresses.forget(containerId);
  }

  async open(request: SandboxRequest): Promise<Sandbox> {
    const { state } = this.#context;
    let wish = this.#understand(request);
    // A start that failed half-way may have left one.
    if (state.sandbox(request.containerId)) {
      await this.close(request.containerId);
      // Networks may have gone meanwhile. From here on nothing is awaited until they are in use.
      wish = this.#understand(request);
    }
    if (wish.kind === 'joined') return joinSandbox(this.#context, request, wish.owner);
    await using claims = new Claims(this.#context);
    // Where there is nothing to claim nothing is awaited either.
    if (Claims.needed(wish.endpoints)) {
      await claims.add({ ...request, request }, wish.endpoints);
      wish = this.#understand(request);
      if (wish.kind === 'joined') throw new Error('a wish does not change');
    }
    const sandbox = await openSandbox(this.#context, request, wish.endpoints, claims.of);
    claims.keep();
    const settled = sandbox.ready.catch(() => undefined);
    this.#unfinished.set(request.containerId, settled);
    void settled.then(() => {
      if (this.#unfinished.get(request.containerId) === settled) this.#unfinished.delete(request.containerId);
    });
    return sandbox;
  }

  async close(containerId: string): Promise<void> {
    await this.#unfinished.get(containerId);
    const record = this.#context.state.sandbox(containerId);
    if (record) await closeSandbox(this.#context, record);
  }

  async connect(containerId: string, network: string, settings: EndpointSettings): Promise<void> {
    await connectEndpoint(this.#context, containerId, network, settings);
  }

  async disconnect(containerId: string, network: string, options: { force: boolean }): Promise<void> {
    await disconnectEndpoint(this.#context, containerId, network, options);
  }

  async publish(containerId: string, change: PublishChange): Promise<void> {
    await changePublished(this.#context, containerId, change);
  }

  view(containerId: string): ReturnType<Sandboxes['view']> {
    const record = this.#context.state.sandbox(containerId);
    return record && sandboxView(record, this.#context.state, `${this.#context.namespaceDirectory}/default`);
  }

  async rename(containerId: string, name: string): Promise<void> {
    const { state, deps, ports } = this.#context;
    const record = state.sandbox(containerId);
    if (!record) return;
    const sandbox = { ...record.sandbox, containerName: name };
    const all = placed(this.#context, record.endpoints);
    if (sandbox.kind === 'own' && needsResolver(all)) {
      await deps.attendant.putNames(sandboxNames(sandbox, all, deps.settings));
    }
    const { endpoints } = state.sandbox(containerId) ?? record;
    state.putSandbox({ sandbox, endpoints });
    ports.rename(sandbox.id, name);
    await renameClaims(this.#context, sandbox, endpoints);
  }

  async restore(...arguments_: Parameters<Sandboxes['restore']>): Promise<void> {
    await restoreSandboxes(this.#context, ...arguments_);
  }
}

function joinSandbox({ state, deps }: NetworkContext, request: SandboxRequest, owner: string): Sandbox {
  const other = state.sandbox(owner);
  if (!other) throw conflict(`cannot join network of a non running container: ${owner}`);
  const record: SandboxRecord = {
    ...other.sandbox,
    id: deps.randomHex(32),
    containerId: request.containerId,
    containerName: request.containerName,
    kind: 'joined',
    // Of a chain a → b → c the last one's, whose end ends them all.
    owner: other.sandbox.kind === 'joined' ? other.sandbox.owner : owner,
    ports: [],
  };
  state.putSandbox({ sandbox: record, endpoints: [] });
  return shown(record, Promise.resolve());
}

async function openSandbox(
  context: NetworkContext,
  request: SandboxRequest,
  wishes: readonly EndpointWish[],
  claims: ReadonlyMap<string, Claim>,
): Promise<Sandbox> {
  const { deps, state, namespaceDirectory } = context;
  const id = deps.randomHex(32);
  const own = wishes.every(({ network }) => context.driverOf(network).ownNamespace);
  await using undo = new AsyncDisposableStack();

  const sandbox: SandboxRecord = {
    id,
    containerId: request.containerId,
    containerName: request.containerName,
    kind: own ? 'own' : 'host',
    namespacePath: own ? `${namespaceDirectory}/${id.slice(0, 12)}` : '',
    owner: '',
    ...pathsIn(request.filesDir),
    request: settingsOf(request),
    ports: [],
  };
  const endpoints: EndpointRecord[] = [];
  for (const wish of wishes) {
    const claim = claims.get(wish.network.id);
    const endpoint = newEndpoint(context, sandbox, wish, endpoints, claim);
    if (!claim) undo.defer(() => state.addresses.release(endpoint.networkId, endpoint.addresses, request.containerId));
    endpoints.push(endpoint);
  }
  const all = placed(context, endpoints);
  // Checks what endpoints ask of their driver before anything is made.
  const { interfaces, defaults } = planNamespace(context, all);
  const record: SandboxState = { sandbox, endpoints };
  // From here on the networks are in use: nobody removes them.
  state.putSandbox(record);
  undo.defer(() => tellShims(context, all));
  undo.defer(() => state.deleteSandbox(record));
  if (own) {
    onBridges(context, all, () => deps.kernel.createNamespace(sandbox.namespacePath, interfaces, defaults));
    undo.defer(async () => endNamespace(context, sandbox, all));
  }
  tellShims(context, all);
  writeFiles(context, sandbox, all);
  tellLinked(context, sandbox.containerId);
  undo.move();
  return shown(sandbox, furnish(context, record));
}

/** What leads to a sandbox: its ports and its names. closeSandbox() takes away what there is of them when this fails. */
async function furnish(context: NetworkContext, made: SandboxState): Promise<void> {
  const { deps, state } = context;
  const { sandbox } = made;
  await obtainLeases(context, made, made.endpoints);
  const record = state.sandbox(sandbox.containerId) ?? made;
  const all = placed(context, record.endpoints);
  const publish = async (): Promise<void> => {
    const ports = await publishPorts(context, sandbox, all, sandbox.request);
    if (ports.length === 0) return;
    const now = state.sandbox(sandbox.containerId) ?? record;
    state.putSandbox({ ...now, sandbox: { ...now.sandbox, ports } });
    await context.changeRules({ add: { ports: portRulesOf(context, ports) } });
  };
  const name = async (): Promise<void> => {
    if (needsResolver(all)) await deps.attendant.putNames(sandboxNames(sandbox, all, deps.settings));
  };
  if (sandbox.kind === 'own') {
    // Both have ended before anybody cleans up.
    const failed = (await Promise.allSettled([publish(), name()])).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
  for (const { network } of all) publishEvent(context, 'connect', network, sandbox.containerId);
}

const settingsOf = (request: SandboxRequest): SandboxSettings => ({
  hostname: request.hostname,
  domainname: request.domainname,
  dns: request.dns,
  dnsSearch: request.dnsSearch,
  dnsOptions: request.dnsOptions,
  extraHosts: request.extraHosts,
  links: request.links,
  exposed: request.exposed,
  portBindings: request.portBindings,
  publishAll: request.publishAll,
  netAdmin: request.netAdmin,
});

/** Containers of the default bridge that are linked to this one find it under its new address. */
export function tellLinked(context: NetworkContext, containerId: string): void {
  const { state, deps } = context;
  for (const { sandbox, endpoints } of state.sandboxes()) {
    if (sandbox.kind !== 'own' || !sandbox.request.links.some((link) => link.containerId === containerId)) continue;
    try {
      deps.files.write(sandbox.hostsPath, hostsTextOf(context, sandbox, placed(context, endpoints)));
    } catch (error) {
      deps.log.warn('the hosts file of a linked container could not be changed', {
        container: sandbox.containerName,
        error: messageOf(error),
      });
    }
  }
}

/** Goes on past errors and reports them all at its end. */
export async function closeSandbox(context: NetworkContext, record: SandboxState): Promise<void> {
  const { deps, state } = context;
  const { sandbox, endpoints } = record;
  const borrowed = state.joinedTo(sandbox.containerId).length > 0;
  const all = placed(context, endpoints);
  await using undone = new AsyncDisposableStack();
  context.closing.add(sandbox.id);
  undone.defer(() => void context.closing.delete(sandbox.id));
  for (const { network } of all) {
    undone.defer(() => publishEvent(context, 'disconnect', network, sandbox.containerId));
  }
  undone.defer(async () => releaseClaims(context, endpoints));
  undone.defer(() => tellShims(context, all));
  undone.defer(() => state.deleteSandbox(record));
  const hostNames = endpoints.flatMap(({ hostName }) => (hostName === '' ? [] : [hostName]));
  const release = (): void => {
    for (const { networkId, addresses } of endpoints) {
      state.addresses.release(networkId, addresses, sandbox.containerId);
    }
  };
  if (!borrowed) undone.defer(release);
  if (sandbox.kind !== 'own') return;
  undone.defer(() => {
    // Whoever shares the namespace keeps it alive: then the interface is deleted, and the address is free only after that.
    const gone = deps.kernel
      .linksGone(hostNames, borrowed ? 0 : PATIENCE)
      .then(() => (borrowed ? release() : undefined))
      .catch((error: unknown) => deps.log.warn('an interface was left behind', { error: messageOf(error) }));
    context.leaving.add(gone);
    void gone.finally(() => context.leaving.delete(gone));
  });
  undone.defer(async () => endNamespace(context, sandbox, all));
  undone.defer(async () => dropLeases(context, endpoints));
  undone.defer(async () => unpublishPorts(context, sandbox.id, sandbox.ports));
  const ports = portRulesOf(context, sandbox.ports);
  if (ports.length > 0) undone.defer(async () => context.changeRules({ remove: { ports } }));
  // The first to go: the name of what no longer answers leads nowhere.
  if (needsResolver(all)) undone.defer(async () => deps.attendant.dropNames(sandbox.id));
}

export function publishEvent(
  { deps }: NetworkContext,
  action: 'connect' | 'disconnect',
  { id, name, driver }: NetworkRecord,
  container: string,
): void {
  deps.publish('network', action, id, { container, name, type: driver });
}

function shown(
  { id, namespacePath, hostnamePath, hostsPath, resolvConfPath }: SandboxRecord,
  ready: Promise<void>,
): Sandbox {
  return { id, namespacePath: namespacePath || undefined, hostnamePath, hostsPath, resolvConfPath, ready };
}
