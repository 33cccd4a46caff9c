/** Clients that go away in the middle, and such as do not read: nothing of them stays, and the next call works. */
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import { slowRegistryOn } from './slow-registry.ts';
import { leavesNothing, works } from './support.ts';
import { prepareContainers, vanishing } from './vanishing.ts';

scenarios(
  { client: 'hostile clients' },
  async (host) => {
    const [daemon, registry] = await Promise.all([host.startDaemon(), slowRegistryOn(host)]);
    await works(daemon);
    await prepareContainers(daemon);
    return { daemon, registry: registry.host, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
  },
  Object.fromEntries(
    Object.entries(vanishing).map(([name, once]) => [
      name,
      async ({ daemon, registry }: { daemon: Daemon; registry: string }) =>
        leavesNothing(daemon, () => once(daemon, registry)),
    ]),
  ),
);
