/**
 * Random verbs with `kill -9` of the daemon in between; after each new start the kernel, the files and the API must
 * tell the same. The seed is printed with a failure and repeats the verbs, though not the kernel's timing.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from './daemon.ts';
import type { Host } from './host.ts';
import { until } from './wait.ts';

const NETWORKS = ['bridge', 'none', 'host'] as const;

/** Numerical Recipes' linear congruential generator: small, and the same everywhere. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Each verb may be refused or cut off; what it leaves is the question. */
function verb(daemon: Daemon, names: readonly string[], random: (below: number) => number): Promise<unknown> {
  const name = names[random(names.length)] ?? '';
  const network = NETWORKS[random(NETWORKS.length)] ?? 'bridge';
  const verbs: (() => Promise<unknown>)[] = [
    () => daemon.docker('run', '-d', '--name', name, '--network', network, 'busybox', 'sleep', '1000'),
    () => daemon.docker('run', '-d', '--name', name, '--network', 'bridge', 'busybox', 'sleep', '1000'),
    () => daemon.docker('run', '--rm', '--network', network, 'busybox', 'true'),
    () => daemon.docker('rm', '-f', name),
    () => daemon.docker('stop', '-t', '0', name),
    () => daemon.docker('start', name),
    () => daemon.docker('restart', '-t', '0', name),
    () => daemon.docker('exec', name, 'true'),
    () => daemon.docker('kill', name),
  ];
  return verbs[random(verbs.length)]?.() ?? Promise.resolve();
}

interface Listed {
  Id: string;
  State: string;
  HostConfig: { NetworkMode: string };
}

/** Throws when something has no owner, or an owner lacks something. */
async function compare(host: Host, daemon: Daemon): Promise<void> {
  const { body } = await daemon.api<Listed[]>('GET', '/containers/json?all=1');
  const running = body.filter(({ State }) => State === 'running');
  const bridged = running.filter(({ HostConfig }) => ['bridge', 'default'].includes(HostConfig.NetworkMode));
  const sorted = (list: string[]): string[] => list.toSorted();
  assert.ok(
    body.every(({ State }) => ['created', 'running', 'exited'].includes(State)),
    `states: ${body.map(({ State }) => State).join(' ')}`,
  );
  const links = JSON.parse(await host.run('ip', '-j', 'link', 'show', 'type', 'veth')) as { master?: string }[];
  assert.equal(links.length, bridged.length, 'a veth for each running container on the bridge, and no other');
  assert.ok(links.every(({ master }) => master === 'docker0'));
  const ids = sorted(running.map(({ Id }) => Id));
  assert.deepEqual(sorted(readdirSync(`${daemon.execRoot}/c`)), ids, 'a bundle for each running container');
  assert.deepEqual(
    sorted(readdirSync(`${daemon.dataRoot}/containers`)),
    sorted(body.map(({ Id }) => Id)),
    'a directory for each container',
  );
  const groups = await host.run(
    'sh',
    '-c',
    `ls -d /sys/fs/cgroup/*${host.cgroupParent}/*/ 2>/dev/null | xargs -rn1 basename | sort -u`,
  );
  assert.deepEqual(groups.split('\n').filter(Boolean), ids, 'cgroups for each running container');
  const mounts = await host.run('sh', '-c', `grep -c "^overlay .*${daemon.execRoot}" /proc/mounts || :`);
  assert.equal(Number(mounts), running.length, 'a root file system for each running container');
  const monitors = await host.run('sh', '-c', 'pgrep -xc conmon || :');
  assert.equal(Number(monitors), running.length, 'a monitor for each running container');
  const { body: network } = await daemon.api<{ Containers: Record<string, { IPv4Address: string }> }>(
    'GET',
    '/networks/bridge',
  );
  assert.deepEqual(
    sorted(Object.keys(network.Containers)),
    sorted(bridged.map(({ Id }) => Id)),
    'an endpoint for each of them',
  );
  const addresses = Object.values(network.Containers).map(({ IPv4Address }) => IPv4Address);
  assert.equal(new Set(addresses).size, addresses.length, `no address twice: ${addresses.join(' ')}`);
}

export async function chaos(host: Host, rounds: number, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const names = ['one', 'two', 'three', 'four'];
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '--rm', 'busybox', 'true');
  for (let round = 0; round < rounds; round++) {
    const under = Array.from({ length: 4 }, () => verb(daemon, names, random));
    // From "hardly begun" to "all done".
    await sleep(random(250));
    await daemon.kill9();
    await Promise.allSettled(under);
    await daemon.restart();
    try {
      // The kernel ends namespaces some 30 ms after their last process.
      await until(
        () =>
          compare(host, daemon).then(
            () => true,
            () => false,
          ),
        4000,
      ).catch(() => undefined);
      await compare(host, daemon);
    } catch (error) {
      throw new Error(`seed ${seed}, round ${round}\n${daemon.log().split('\n').slice(-15).join('\n')}`, {
        cause: error,
      });
    }
  }
  await daemon.removeContainers();
  await until(
    () =>
      compare(host, daemon).then(
        () => true,
        () => false,
      ),
    4000,
  ).catch(() => undefined);
  await compare(host, daemon);
}
