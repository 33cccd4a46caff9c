/** What port bindings mean to the firewall, and to `inspect`. */
import type { PortRule } from '../drivers/plan.ts';
import { BerthError } from '../errors.ts';
import type { PortMap } from '../model/container.ts';
import type { PortBinding } from '../network/records.ts';
import { familyOf, parseContainerPorts } from './spec.ts';

/**
 * Those that the firewall can carry: of one family throughout, and not at [::1], whose packets no rule can send elsewhere (IPv6
 * has no route_localnet). `bridge` gives the network's, '' for none.
 */
export function portRules(bindings: readonly PortBinding[], bridge: (networkId: string) => string): PortRule[] {
  return bindings.flatMap(({ networkId, protocol, hostAddress, hostPort, address, port }) => {
    const name = bridge(networkId);
    if (name === '' || hostAddress === '::1' || familyOf(hostAddress) !== familyOf(address)) return [];
    return [{ bridge: name, protocol, hostAddress, hostPort, address, port }];
  });
}

/**
 * NetworkSettings.Ports: what is exposed and not published has null, what is routed an empty HostPort; keys in the order in
 * which Go prints a map.
 */
export function portMap(bindings: readonly PortBinding[], exposed: readonly string[]): PortMap {
  const entries = new Map<string, PortMap[string]>();
  for (const key of exposed) {
    const ports = exposedPorts(key);
    if (!ports) continue;
    const { first, last, protocol } = ports;
    for (let port = first; port <= last; port++) entries.set(`${port}/${protocol}`, null);
  }
  for (const { protocol, port, hostAddress, hostPort } of bindings) {
    const key = `${port}/${protocol}`;
    const list = entries.get(key) ?? [];
    list.push({ HostIp: hostAddress, HostPort: hostPort === 0 ? '' : String(hostPort) });
    entries.set(key, list);
  }
  return Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** An image may say EXPOSE $PORT: that hinders nobody to look at its containers. */
function exposedPorts(key: string): ReturnType<typeof parseContainerPorts> | undefined {
  try {
    return parseContainerPorts(key);
  } catch (error) {
    if (error instanceof BerthError) return undefined;
    throw error;
  }
}
