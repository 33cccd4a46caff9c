/** `GET /containers/{id}/stats`: who is looked at, how, and what is made of it. */
import { readCgroupCounters } from '../../linux/cgroup-stats.ts';
import { readInterfaceCounters, type InterfaceCounters } from '../../linux/interface-counters.ts';
import { machineMemory, readMachineCpu } from '../../linux/machine-cpu.ts';
import type { Json } from '../../model/json.ts';
import { invalidParameter } from '../../errors.ts';
import { isJoined } from '../attachments.ts';
import { type Context, cgroupOf } from '../context.ts';
import type { StatsOptions } from '../port.ts';
import { timestamp } from '../record.ts';
import type { Container } from '../registry.ts';
import type { Samplers } from './samplers.ts';
import { statsView, type Sample } from './view.ts';

/** The host's own interfaces are not the container's; one that it borrows is. */
function usesHostNetwork({ registry }: Context, { record }: Container): boolean {
  const mode = record.hostConfig.NetworkMode;
  const owner = isJoined(mode) ? registry.get(mode.slice('container:'.length)) : undefined;
  return (owner?.record.hostConfig.NetworkMode ?? mode) === 'host';
}

async function interfacesOf(context: Context, container: Container): Promise<ReadonlyMap<string, InterfaceCounters>> {
  const { init } = container.record;
  if (init === undefined || usesHostNetwork(context, container)) return new Map();
  // The process may end under this look.
  return readInterfaceCounters(init.pid).catch(() => new Map<string, InterfaceCounters>());
}

async function look(context: Context, container: Container): Promise<Sample | undefined> {
  if (!container.running) return undefined;
  const [cgroup, interfaces] = await Promise.all([
    readCgroupCounters(cgroupOf(context, container)),
    interfacesOf(context, container),
  ]);
  // Close to the container's own times, so that both cover the same span.
  const machine = await readMachineCpu();
  return cgroup === undefined ? undefined : { read: timestamp(), cgroup, machine, interfaces };
}

function onRemoval({ registry }: Context, container: Container, removed: () => void): Disposable {
  const off = container.moments.listen(() => registry.get(container.id) !== container && removed());
  return { [Symbol.dispose]: off };
}

/** Ends with the signal, with the removal of the container, or after one answer when `stream` is false. */
export function statsOf(
  context: Context,
  samplers: Samplers,
  container: Container,
  { stream, oneShot }: StatsOptions,
  signal: AbortSignal,
): AsyncIterable<Json> {
  if (stream && oneShot) throw invalidParameter('cannot have stream=true and one-shot=true');
  const view = (sample: Sample | undefined, before?: Sample): Json =>
    statsView({ id: container.id, name: `/${container.record.name}` }, sample, before, machineMemory());
  return answers();

  async function* answers(): AsyncGenerator<Json> {
    if (!stream && !container.running) return yield view(undefined);
    if (oneShot) return yield view(await look(context, container));
    let before: Sample | undefined;
    // Shares of a CPU need two looks: one answer alone is the second of them.
    let first = !stream;
    using _ = onRemoval(context, container, () => samplers.forget(container.id));
    for await (const sample of samplers.watch(container.id, async () => look(context, container), signal)) {
      if (!first) yield view(sample, before);
      if (!first && !stream) break;
      first = false;
      before = sample;
    }
  }
}
