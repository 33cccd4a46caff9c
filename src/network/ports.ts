/** What a sandbox publishes: by which endpoints, and what that means for the host and the firewall. */
import { bridgeOptions } from '../drivers/bridge/options.ts';
import type { PortRule } from '../drivers/plan.ts';
import { BerthError } from '../errors.ts';
import type { PortMap } from '../model/container.ts';
import { acquirePorts, releasePorts } from '../ports/acquire.ts';
import { portRules } from '../ports/rules.ts';
import { wantedPorts } from '../ports/wanted.ts';
import type { PortTarget, WantedPort } from '../ports/wanted.ts';
import type { NetworkContext } from './context.ts';
import { bareAddressOf, gatewayEndpoint } from './gateway.ts';
import type { Placed } from './gateway.ts';
import type { NetworkRecord, PortBinding, SandboxRecord } from './records.ts';

export interface PortRequest {
  exposed: readonly string[];
  portBindings: PortMap;
  publishAll: boolean;
}

/** What macvlan and ipvlan send does not pass the host: there is nothing that it could hand on. dockerd ignores ports there, too. */
const publishes = ({ driver }: NetworkRecord): boolean => driver !== 'macvlan' && driver !== 'ipvlan';

/**
 * Ports lead to the endpoint by which the sandbox leaves; where that is another for each family, to both. Internal networks
 * publish nothing.
 */
export function portTargets(endpoints: readonly Placed[]): PortTarget[] {
  const [ipv4, ipv6] = ([4, 6] as const).map((family) => {
    const leading = gatewayEndpoint(endpoints, family);
    return leading && publishes(leading.network) ? leading : undefined;
  });
  const targetOf = ({ endpoint, network }: Placed, families: readonly (4 | 6)[]): PortTarget => {
    // Of another driver's networks they mean nothing: their rules are made without them.
    const options = network.driver === 'bridge' ? network.options : {};
    const { gatewayMode4, gatewayMode6, hostBinding } = bridgeOptions(options);
    return {
      networkId: network.id,
      ipv4: families.includes(4) ? bareAddressOf(endpoint, 4) : '',
      ipv6: families.includes(6) ? bareAddressOf(endpoint, 6) : '',
      mode4: gatewayMode4,
      mode6: gatewayMode6,
      // Of the default bridge it is the daemon's --ip.
      defaultHostAddress: hostBinding,
    };
  };
  if (ipv4 && ipv4.endpoint === ipv6?.endpoint) return [targetOf(ipv4, [4, 6])];
  return [
    ...(ipv4 ? [{ ...targetOf(ipv4, [4]), ipv6Elsewhere: ipv6 !== undefined }] : []),
    ...(ipv6 ? [targetOf(ipv6, [6])] : []),
  ];
}

/** Holds host ports for all that is asked, or for nothing: Docker's Conflict names what is in the way. */
export async function publishPorts(
  context: NetworkContext,
  sandbox: Pick<SandboxRecord, 'id' | 'containerName'>,
  endpoints: readonly Placed[],
  request: PortRequest,
): Promise<PortBinding[]> {
  for (const family of [4, 6] as const) {
    const leading = gatewayEndpoint(endpoints, family)?.network;
    if (!leading || publishes(leading) || Object.keys(request.portBindings).length === 0) continue;
    context.deps.log.warn(`${leading.driver} driver does not support port mappings`, {
      container: sandbox.containerName,
    });
    break;
  }
  const wanted = portTargets(endpoints).flatMap((target): WantedPort[] => wantedPorts(request, target));
  if (wanted.length === 0) return [];
  try {
    return await acquirePorts({
      allocator: context.ports,
      attendant: context.deps.attendant,
      owner: { id: sandbox.id, name: sandbox.containerName },
      wanted,
      proxy: context.deps.settings.userlandProxy,
    });
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    const { id = '' } = gatewayEndpoint(endpoints, 4)?.endpoint ?? gatewayEndpoint(endpoints, 6)?.endpoint ?? {};
    const place = `driver failed programming external connectivity on endpoint ${sandbox.containerName} (${id})`;
    throw new BerthError(error.kind, `${place}: ${error.message}`, { cause: error });
  }
}

export async function unpublishPorts(
  context: NetworkContext,
  sandboxId: string,
  bindings: readonly PortBinding[],
): Promise<void> {
  if (bindings.length === 0) return;
  await releasePorts({
    allocator: context.ports,
    attendant: context.deps.attendant,
    ownerId: sandboxId,
    ports: bindings,
  });
}

/** Those that the firewall carries. */
export function portRulesOf(context: NetworkContext, bindings: readonly PortBinding[]): PortRule[] {
  const { iptables, ip6tables } = context.deps.settings;
  const carried = (family: 4 | 6): boolean => (family === 4 ? iptables : iptables && ip6tables);
  return portRules(bindings, (networkId) => context.state.network(networkId)?.bridge ?? '').filter(({ address }) =>
    carried(address.includes(':') ? 6 : 4),
  );
}
