/** `POST /containers/{id}/ports`: what a container publishes changes, whether it runs or not. Berth's own. */
import { conflict, invalidParameter, notFound } from '../errors.ts';
import type { HostConfig, PortMap, PortMapEntry } from '../model/container.ts';
import { isJoined } from './attachments.ts';
import { type Context, publish, save } from './context.ts';
import { normalizeBindings, withBound } from './port-specs.ts';
import type { Container } from './registry.ts';

export interface PortChange {
  add: PortMap;
  /** null: all bindings of the port. Empty fields of an entry stand for any. */
  remove: PortMap;
}

const isRange = (text: string): boolean => text === '' || text.includes('-');

/** Whether the host port that `wanted` names may have come of an entry that leaves it open. */
function mayBe({ HostPort }: PortMapEntry, wanted: PortMapEntry): boolean {
  const [first = '', last = first] = HostPort.split('-');
  return HostPort === '' || (Number(wanted.HostPort) >= Number(first) && Number(wanted.HostPort) <= Number(last));
}

/**
 * Without an address a port is bound to all of both families, and shown as two bindings: each of them means both, for the
 * record has one entry.
 */
const inRecordsWords = (wanted: PortMapEntry, entries: readonly PortMapEntry[]): PortMapEntry =>
  ['0.0.0.0', '::'].includes(wanted.HostIp) && !entries.some(({ HostIp }) => HostIp === wanted.HostIp)
    ? { ...wanted, HostIp: '' }
    : wanted;

/** The entries that are left: all go that have the words of `wanted`, else the first that may have become it. */
function without(entries: readonly PortMapEntry[], wanted: PortMapEntry): PortMapEntry[] {
  const there = entries.filter(({ HostIp }) => wanted.HostIp === '' || HostIp === wanted.HostIp);
  const exact = there.filter(({ HostPort }) => wanted.HostPort === '' || HostPort === wanted.HostPort);
  const open = there.find((entry) => isRange(entry.HostPort) && mayBe(entry, wanted));
  const going = exact.length > 0 ? exact : [open];
  return entries.filter((entry) => !going.includes(entry));
}

/** The bindings after the change. NotFound for what is not published, Conflict for what is already. */
export function changedBindings(before: PortMap, { add, remove }: PortChange, name: string): PortMap {
  const after = new Map(Object.entries(before).map(([port, entries]) => [port, [...(entries ?? [])]]));
  for (const [port, entries] of Object.entries(remove)) {
    const left = after.get(port) ?? [];
    if (left.length === 0) throw notFound(`No public port '${port}' published for ${name}`);
    let now = entries === null ? [] : left;
    for (const wanted of entries ?? []) {
      const next = without(now, inRecordsWords(wanted, left));
      if (next.length === now.length) {
        throw notFound(`No public port '${port}' published for ${name} at ${wanted.HostIp || '*'}:${wanted.HostPort}`);
      }
      now = next;
    }
    after.delete(port);
    if (now.length > 0) after.set(port, now);
  }
  for (const [port, entries] of Object.entries(add)) {
    const there = after.get(port) ?? [];
    for (const entry of entries ?? []) {
      const same = there.some(({ HostIp, HostPort }) => HostIp === entry.HostIp && HostPort === entry.HostPort);
      if (same && entry.HostPort !== '') {
        throw conflict(`Bind for ${entry.HostIp || '0.0.0.0'}:${entry.HostPort} failed: port is already allocated`);
      }
      there.push(entry);
    }
    after.set(port, there);
  }
  return Object.fromEntries(after);
}

/** Every port in one spelling; without entries, one that is added gets any host port, and one that is removed loses all. */
export function normalizedChange({ add, remove }: PortChange): PortChange {
  const map = (ports: PortMap, none: PortMapEntry[] | null): PortMap =>
    Object.fromEntries(
      Object.entries(normalizeBindings(ports)).map(([port, entries]) => [port, entries?.length ? entries : none]),
    );
  return { add: map(add, [{ HostIp: '', HostPort: '' }]), remove: map(remove, null) };
}

/** `-P` written out, so that single ports can be taken back from it. */
function writtenOut({ PortBindings, PublishAllPorts }: HostConfig, exposed: readonly string[]): PortMap {
  if (!PublishAllPorts) return PortBindings;
  const all = exposed.filter((port) => (PortBindings[port] ?? []).length === 0);
  return { ...PortBindings, ...Object.fromEntries(all.map((port) => [port, [{ HostIp: '', HostPort: '' }]])) };
}

const asRecorded = (remove: PortMap, before: PortMap): PortMap =>
  Object.fromEntries(
    Object.entries(remove).map(([port, entries]) => [
      port,
      entries && entries.map((wanted) => inRecordsWords(wanted, before[port] ?? [])),
    ]),
  );

const bound = (ports: PortMap): PortMap =>
  Object.fromEntries(Object.entries(ports).filter(([, entries]) => entries !== null && entries.length > 0));

export async function publishPorts(
  context: Context,
  container: Container,
  asked: PortChange,
): Promise<{ Ports: PortMap }> {
  const { sandboxes } = context;
  return container.lock.run(async () => {
    const { id, record, running } = container;
    const { hostConfig: host, config } = record;
    if (container.removing || record.state.Dead) {
      throw conflict(`container ${id} is marked for removal and its ports cannot be changed`);
    }
    if (isJoined(host.NetworkMode)) {
      throw invalidParameter('conflicting options: port publishing and the container type network mode');
    }
    if (host.NetworkMode === 'host') {
      throw invalidParameter('conflicting options: port publishing and the host network mode');
    }
    const change = normalizedChange(asked);
    const exposed = Object.keys(config.ExposedPorts ?? {});
    const before = writtenOut(host, exposed);
    const PortBindings = changedBindings(before, change, record.name);
    const after = withBound(config.ExposedPorts ?? {}, PortBindings);
    const whole = host.PublishAllPorts && Object.keys(after).every((port) => PortBindings[port] !== undefined);
    const wish = { portBindings: PortBindings, publishAll: whole };
    if (running) await sandboxes.publish(id, { add: change.add, remove: asRecorded(change.remove, before), wish });
    record.hostConfig = { ...host, PortBindings, PublishAllPorts: whole };
    record.config = { ...config, ExposedPorts: after };
    save(context, container);
    publish(context, container, 'update');
    return { Ports: bound(running ? (sandboxes.view(id)?.Ports ?? {}) : PortBindings) };
  });
}
