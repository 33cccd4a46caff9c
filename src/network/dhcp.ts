/**
 * Endpoints whose addresses a DHCP server lends. berth-netd holds the leases (leases.ts); here they become part of the endpoint's record, from
 * which everything else is planned: interface, default route, names, hosts file, `inspect`.
 */
import { messageOf, unavailable } from '../errors.ts';
import { rearrange } from './connect.ts';
import { refreshFiles } from './container-files.ts';
import type { NetworkContext } from './context.ts';
import { isLeased, timeoutOf } from './dhcp-options.ts';
import { defaultRoutes } from './gateway.ts';
import type { Placed } from './gateway.ts';
import type { Lease, LeaseChange, LeaseWish } from './leases.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';
import { placed } from './sandbox-record.ts';
import { tellLinked } from './sandboxes.ts';
import type { SandboxState } from './state.ts';

const leased = (endpoints: readonly Placed[]): Placed[] => endpoints.filter(({ network }) => isLeased(network));

/**
 * Gets addresses for those of `endpoints` that are on such networks; their interfaces are up. They are in the sandbox's record when it resolves,
 * and default routes and files match. Rejects with Unavailable; what was lent until then is given back when the endpoints go.
 */
export async function obtainLeases(
  context: NetworkContext,
  { sandbox }: Pick<SandboxState, 'sandbox'>,
  endpoints: readonly EndpointRecord[],
): Promise<void> {
  const { deps, state } = context;
  const wanted = leased(placed(context, endpoints));
  if (wanted.length === 0) return;
  const before = placed(context, state.sandbox(sandbox.containerId)?.endpoints ?? []);
  const results = await Promise.allSettled(
    wanted.map(async (one) => ({
      id: one.endpoint.id,
      lease: await deps.attendant.obtainLease(wishOf(sandbox, one)),
    })),
  );
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') continue;
    const name = wanted[index]?.network.name ?? '';
    throw unavailable(`no address on network ${name}: ${messageOf(result.reason)}`, result.reason);
  }
  for (const result of results) {
    if (result.status === 'fulfilled') record(context, result.value.id, result.value.lease);
  }
  follow(context, sandbox.containerId, before);
}

/** Leases that were there before this daemon; what became of them meanwhile is so in the record when this resolves. */
export async function keepLeases(context: NetworkContext, { sandbox, endpoints }: SandboxState): Promise<void> {
  const { deps } = context;
  const before = placed(context, endpoints);
  let changed = false;
  for (const one of leased(before)) {
    try {
      const lease = await deps.attendant.keepLease(wishOf(sandbox, one), one.endpoint.lease);
      record(context, one.endpoint.id, lease);
      changed ||= terms(lease) !== terms(one.endpoint.lease);
    } catch (error) {
      deps.log.warn('the lease of a container is not renewed', {
        container: sandbox.containerName,
        network: one.network.name,
        error: messageOf(error),
      });
    }
  }
  if (changed) follow(context, sandbox.containerId, before);
}

/** Before their interfaces go: the server is told by them. */
export async function dropLeases({ deps, state }: NetworkContext, endpoints: readonly EndpointRecord[]): Promise<void> {
  const ended = endpoints.filter(({ lease, networkId }) => {
    const network = state.network(networkId);
    return lease !== undefined || (network !== undefined && isLeased(network));
  });
  await Promise.all(ended.map(async ({ id }) => deps.attendant.dropLease(id)));
}

/** From now on everything follows what becomes of leases. */
export function watchLeases(context: NetworkContext): void {
  context.deps.attendant.onLease((change) => {
    take(context, change).catch((error: unknown) => {
      context.deps.log.error('what a lease changed could not be carried out', { error: messageOf(error) });
    });
  });
}

async function take(context: NetworkContext, { endpointId, lease, reason }: LeaseChange): Promise<void> {
  const found = find(context, endpointId);
  if (!found) return;
  const { state, endpoint } = found;
  const before = placed(context, state.endpoints);
  record(context, endpointId, lease);
  if (terms(lease) === terms(endpoint.lease)) return;
  tell(context, state.sandbox, endpoint, { lease, reason });
  await rearrange(context, state.sandbox.containerId, before);
}

/** What others see of a lease: all but its time and who gave it. */
function terms(lease: Lease | undefined): string {
  if (!lease) return '';
  const { address, gateway, mtu, nameservers, domain } = lease;
  return JSON.stringify([address, gateway, mtu, nameservers, domain]);
}

function tell(
  { deps, state }: NetworkContext,
  { containerId, containerName }: SandboxRecord,
  { networkId, addresses }: EndpointRecord,
  { lease, reason }: { lease: Lease | undefined; reason: string },
): void {
  const network = state.network(networkId);
  if (!network) return;
  const { id, name, driver } = network;
  const fields = { container: containerName, network: name, before: addresses.join(' ') || 'none' };
  if (lease) deps.log.info('a container has another lease', { ...fields, address: lease.address });
  else deps.log.warn('a container has lost its address', { ...fields, reason });
  deps.publish('network', lease ? 'lease' : 'lease-lost', id, {
    container: containerId,
    name,
    type: driver,
    address: lease?.address ?? '',
    ...(reason !== '' && { reason }),
  });
}

function find(
  { state }: NetworkContext,
  endpointId: string,
): { state: SandboxState; endpoint: EndpointRecord } | undefined {
  for (const one of state.sandboxes()) {
    const endpoint = one.endpoints.find(({ id }) => id === endpointId);
    if (endpoint) return { state: one, endpoint };
  }
  return undefined;
}

/** Nothing happens when the endpoint is gone. */
function record(context: NetworkContext, endpointId: string, lease: Lease | undefined): void {
  const found = find(context, endpointId);
  if (!found) return;
  const { sandbox, endpoints } = found.state;
  const { lease: _, ...rest } = found.endpoint;
  const others = rest.addresses.filter((address) => address.includes(':'));
  const endpoint: EndpointRecord = {
    ...rest,
    addresses: [...(lease ? [lease.address] : []), ...others],
    ...(lease && { lease }),
  };
  context.state.putSandbox({
    sandbox,
    endpoints: endpoints.map((one) => (one.id === endpointId ? endpoint : one)),
  });
}

/** Default routes and files; names are put after it. */
function follow(context: NetworkContext, containerId: string, before: readonly Placed[]): void {
  const { deps, state } = context;
  const found = state.sandbox(containerId);
  if (!found) return;
  const after = placed(context, found.endpoints);
  deps.kernel.setDefaultRoutes(found.sandbox.namespacePath, defaultRoutes(after));
  refreshFiles(context, found.sandbox, before, after);
  tellLinked(context, containerId);
}

function wishOf(sandbox: SandboxRecord, { endpoint, network }: Placed): LeaseWish {
  return {
    endpointId: endpoint.id,
    namespacePath: sandbox.namespacePath,
    interfaceName: endpoint.interfaceName,
    mac: endpoint.mac,
    clientId: clientIdOf(sandbox.containerId, network),
    hostname: hostnameOf(sandbox),
    address: endpoint.settings.IPAMConfig?.IPv4Address ?? '',
    broadcast: network.driver === 'ipvlan',
    timeout: timeoutOf(network),
  };
}

/**
 * RFC 4361 section 6.1: type 255, a number for the interface, and a DUID, here from a UUID (RFC 6355). The container's, so that it gets
 * the same address when it starts again, with whatever MAC.
 */
const clientIdOf = (containerId: string, network: NetworkRecord): string =>
  `ff${network.id.slice(0, 8)}0004${containerId.slice(0, 32)}`;

/** RFC 1123 section 2.1; what is no such name the server would only refuse or mangle. */
function hostnameOf({ request, containerName }: SandboxRecord): string {
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
  const valid = (name: string): boolean => name.length <= 253 && name.split('.').every((part) => label.test(part));
  return [request.hostname, containerName].find(valid) ?? '';
}
