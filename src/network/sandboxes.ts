/**
 * Sandboxes: opened when a container starts, closed when it ends. The store is written before the kernel is changed, so
 * that after a crash at any point restore() knows what may be there.
 */
import { hostLinkName, macOf } from '../drivers/bridge/endpoint.ts';
import { conflict, messageOf } from '../errors.ts';
import { addressBytes, parseInterface } from '../ipam/address.ts';
import type { EndpointSettings } from '../model/container.ts';
import { pathsIn, writeFiles } from './container-files.ts';
import type { NetworkContext } from './context.ts';
import type { Sandbox, Sandboxes, SandboxRequest } from './port.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';
import { parseMac, understand } from './request.ts';
import type { Wish } from './request.ts';
import { healBridge, restoreSandboxes } from './restore.ts';
import type { SandboxState } from './state.ts';
import { sandboxView } from './views.ts';

/** Milliseconds that the kernel is given to end a namespace by itself; it needs some 30. */
const PATIENCE = 100;

export class SandboxController implements Sandboxes {
  readonly #context: NetworkContext;

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  check(request: Omit<SandboxRequest, 'filesDir'>): void {
    this.#understand(request);
  }

  #understand(request: Omit<SandboxRequest, 'filesDir'>): Wish {
    return understand(request, this.#context.state.networks(), this.#context.hostGateways());
  }

  async open(request: SandboxRequest): Promise<Sandbox> {
    const { state } = this.#context;
    const wish = this.#understand(request);
    // A start that failed half-way may have left one.
    if (state.sandbox(request.containerId)) await this.close(request.containerId);
    if (wish.kind === 'joined') return this.#join(request, wish.owner);
    return this.#connect(request, wish.network, wish.settings);
  }

  #join(request: SandboxRequest, owner: string): Sandbox {
    const { state, deps } = this.#context;
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
    };
    state.putSandbox({ sandbox: record, endpoints: [] });
    return shown(record);
  }

  async #connect(request: SandboxRequest, network: NetworkRecord, settings: EndpointSettings): Promise<Sandbox> {
    const { deps, state, namespaceDirectory } = this.#context;
    const driver = this.#context.driverOf(network);
    const id = deps.randomHex(32);
    await using undo = new AsyncDisposableStack();

    const addresses = state.allocate(network);
    undo.defer(() => state.release(network.id, addresses));
    const sandbox: SandboxRecord = {
      id,
      containerId: request.containerId,
      containerName: request.containerName,
      kind: driver.ownNamespace ? 'own' : 'host',
      namespacePath: driver.ownNamespace ? `${namespaceDirectory}/${id.slice(0, 12)}` : '',
      owner: '',
      ...pathsIn(request.filesDir),
    };
    const endpoint: EndpointRecord = {
      id: deps.randomHex(32),
      sandboxId: id,
      networkId: network.id,
      addresses,
      mac: network.driver === 'bridge' ? macFor(settings, addresses, deps.randomHex) : '',
      hostName: network.driver === 'bridge' ? hostLinkName(deps.randomHex(4)) : '',
      settings,
    };
    const record: SandboxState = { sandbox, endpoints: [endpoint] };
    state.putSandbox(record);
    undo.defer(() => state.deleteSandbox(record));

    if (driver.ownNamespace) {
      const interfaces = driver.planEndpoint(this.#context.configOf(network), endpoint, 0);
      try {
        deps.kernel.createNamespace(sandbox.namespacePath, interfaces);
      } catch (error) {
        if (!healBridge(this.#context, network)) throw error;
        deps.kernel.createNamespace(sandbox.namespacePath, interfaces);
      }
      undo.defer(() => deps.kernel.dropNamespace(sandbox.namespacePath));
    }
    writeFiles(this.#context, request, network, addresses);
    undo.move();
    deps.publish('network', 'connect', network.id, attributesOf(network, request.containerId));
    return shown(sandbox);
  }

  async close(containerId: string): Promise<void> {
    const record = this.#context.state.sandbox(containerId);
    if (record) await closeSandbox(this.#context, record);
  }

  view(containerId: string): ReturnType<Sandboxes['view']> {
    const record = this.#context.state.sandbox(containerId);
    return record && sandboxView(record, this.#context.state, `${this.#context.namespaceDirectory}/default`);
  }

  rename(containerId: string, name: string): void {
    const record = this.#context.state.sandbox(containerId);
    if (record) this.#context.state.putSandbox({ ...record, sandbox: { ...record.sandbox, containerName: name } });
  }

  async restore(running: ReadonlyMap<string, { pid: number; name: string }>): Promise<void> {
    await restoreSandboxes(this.#context, running);
  }
}

/** Goes on past errors and reports them all at its end. */
export async function closeSandbox(context: NetworkContext, record: SandboxState): Promise<void> {
  const { deps, state } = context;
  const { sandbox, endpoints } = record;
  const borrowed = state.joinedTo(sandbox.containerId).length > 0;
  await using undone = new AsyncDisposableStack();
  for (const endpoint of endpoints) {
    const network = state.network(endpoint.networkId);
    if (network) {
      undone.defer(() => deps.publish('network', 'disconnect', network.id, attributesOf(network, sandbox.containerId)));
    }
  }
  undone.defer(() => state.deleteSandbox(record));
  const hostNames = endpoints.flatMap(({ hostName }) => (hostName === '' ? [] : [hostName]));
  const release = (): void => {
    for (const { networkId, addresses } of endpoints) state.release(networkId, addresses);
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
  undone.defer(() => deps.kernel.dropNamespace(sandbox.namespacePath));
}

function macFor(
  settings: EndpointSettings,
  addresses: readonly string[],
  randomHex: (bytes: number) => string,
): string {
  if (settings.MacAddress !== '') return parseMac(settings.MacAddress);
  const ipv4 = addresses.flatMap((text) => parseInterface(text)?.address ?? []).find(({ family }) => family === 4);
  return ipv4 ? macOf(addressBytes(ipv4)) : parseMac(`0242.${randomHex(4).replace(/^(.{4})/, '$1.')}`);
}

const attributesOf = (network: NetworkRecord, container: string): Record<string, string> => ({
  container,
  name: network.name,
  type: network.driver,
});

function shown({ id, namespacePath, hostnamePath, hostsPath, resolvConfPath }: SandboxRecord): Sandbox {
  return { id, namespacePath: namespacePath || undefined, hostnamePath, hostsPath, resolvConfPath };
}
