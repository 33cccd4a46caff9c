/** Ports as requests write them: '80', '80/TCP', '8000-8010/udp'. Pure. */
import { invalidParameter } from '../errors.ts';
import type { PortMap, PortMapEntry } from '../model/container.ts';
import { parseContainerPorts } from '../ports/spec.ts';

/** '8000-8001' → ['8000/tcp', '8001/tcp']; InvalidParameter for what is no port. */
export function expandPort(text: string): string[] {
  const { first, last, protocol } = parseContainerPorts(text);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

export const expandPorts = (ports: Readonly<Record<string, object>>): Record<string, object> =>
  Object.fromEntries(Object.keys(ports).flatMap((text) => expandPort(text).map((port) => [port, {}])));

/** Every key as 'number/protocol'; the bindings of a port that is written in two ways come together. */
export function normalizeBindings(bindings: Readonly<PortMap>): PortMap {
  const result = new Map<string, PortMapEntry[]>();
  for (const [key, entries] of Object.entries(bindings)) {
    const [port = '', ...more] = expandPort(key);
    if (more.length > 0) throw invalidParameter(`invalid port specification: ${JSON.stringify(key)}`);
    result.set(port, [...(result.get(port) ?? []), ...(entries ?? [])]);
  }
  return Object.fromEntries(result);
}

/** `exposed` and everything that is bound. */
export const withBound = (exposed: Readonly<Record<string, object>>, bindings: PortMap): Record<string, object> => ({
  ...exposed,
  ...Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
});
