/** Clients that go away in the middle, and such as do not read: nothing of them stays, and the next call works. */
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { slowRegistryOn } from './slow-registry.ts';
import { leavesNothing, works } from './support.ts';
import { prepareContainers, vanishing } from './vanishing.ts';

interface Shared {
  host: Host;
  daemon: Daemon;
  registry: string;
}

scenarios(
  { client: 'hostile clients' },
  async (host) => {
    const [daemon, registry] = await Promise.all([host.startDaemon(), slowRegistryOn(host)]);
    await works(daemon);
    await prepareContainers(daemon);
    return { host, daemon, registry: registry.host, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
  },
  {
    ...Object.fromEntries(
      Object.entries(vanishing).map(([name, once]) => [
        name,
        async ({ daemon, registry }: Shared) => leavesNothing(daemon, () => once(daemon, registry)),
      ]),
    ),
    'the docker CLI, killed in the middle': async ({ host, daemon, registry }) => {
      const commands = [
        ['pull', `${registry}/slow:1`],
        ['attach', 'noisy'],
        ['logs', '-f', 'noisy'],
        ['events'],
        ['stats', 'noisy'],
        ['wait', 'silent'],
        ['exec', '-i', 'silent', 'timeout', '4', 'cat'],
        ['save', '-o', '/dev/null', 'busybox'],
        ['cp', 'noisy:/bin', '-'],
        ['run', '--name', 'killed', 'busybox', 'sleep', '1000'],
      ];
      await leavesNothing(daemon, async () => {
        const argv = ['timeout', '-s', 'KILL', '1.5'];
        const killed = commands.map((command) =>
          host.exec([...argv, ...daemon.dockerArgv(...command)], { env: daemon.clientEnv, input: '' }),
        );
        await Promise.all(killed);
        await daemon.dockerOk('rm', '-f', 'killed');
      });
    },
  },
);
