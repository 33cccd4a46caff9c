/**
 * Throw-away hosts on one wire, for tests of what spans hosts.
 *
 *     await using underlay = await createUnderlay();
 *     await using a = await underlay.host(1, { outside: true });   // its link `under0` has address4(1) and address6(1)
 *     await using b = await underlay.host(2);
 *     await underlay.cut(2);                                       // host 2 hears nobody; join(2) ends that
 *     underlay.wire.spawn(['tcpdump', '-ni', 'u0', 'udp port 4789']); // all that the hosts send to each other
 *
 * The wire is a bridge in a namespace of its own, which nothing leaves. A host's eth0, if it has one, leads to its own outside.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createHost } from './host.ts';
import type { Host, HostOptions } from './host.ts';
import { until } from './wait.ts';

export interface Underlay extends AsyncDisposable {
  /** Where the bridge u0 is; host n is behind its port p<n>. */
  readonly wire: Host;
  /** The name says which addresses it has: 1 to 99. */
  host(n: number, options?: HostOptions): Promise<Host>;
  cut(n: number): Promise<void>;
  join(n: number): Promise<void>;
}

/** Documentation addresses (RFC 5737, RFC 3849). */
export const address4 = (n: number): string => `203.0.113.${n}`;
export const address6 = (n: number): string => `2001:db8:113::${n}`;

/** `mtu`: bytes that the wire carries. Dispose it after its hosts: `await using` does. */
export async function createUnderlay({ mtu = 1500 }: { mtu?: number } = {}): Promise<Underlay> {
  const wire = await createHost({
    async attach(pid) {
      await inNetworkOf(pid, 'ip', 'link', 'add', 'u0', 'mtu', `${mtu}`, 'type', 'bridge', 'mcast_snooping', '0');
      await inNetworkOf(pid, 'ip', 'link', 'set', 'u0', 'up');
    },
  });
  const plug = async (n: number, pid: number): Promise<void> => {
    const [outer, inner] = [`p${n}`, 'under0'];
    const outerEnd = ['link', 'add', outer, 'mtu', `${mtu}`, 'master', 'u0', 'type', 'veth'];
    const innerEnd = ['peer', 'name', inner, 'mtu', `${mtu}`, 'netns', `${pid}`];
    await inNetworkOf(wire.pid, 'ip', ...outerEnd, ...innerEnd);
    await inNetworkOf(wire.pid, 'ip', 'link', 'set', outer, 'up');
    await inNetworkOf(pid, 'ip', 'addr', 'add', `${address4(n)}/24`, 'dev', inner);
    await inNetworkOf(pid, 'ip', 'addr', 'add', `${address6(n)}/64`, 'dev', inner, 'nodad');
    await inNetworkOf(pid, 'ip', 'link', 'set', inner, 'up');
  };
  return {
    wire,
    async host(n, options = {}) {
      assert.ok(n >= 1 && n <= 99);
      return createHost({ ...options, attach: async (pid) => plug(n, pid) });
    },
    async cut(n) {
      await wire.run('ip', 'link', 'set', `p${n}`, 'down');
    },
    async join(n) {
      await wire.run('ip', 'link', 'set', `p${n}`, 'up');
    },
    async [Symbol.asyncDispose]() {
      // A host's namespace takes its end of the pair along when the kernel comes to it: on a busy machine, seconds later.
      await until(async () => !(await wire.run('ip', '-br', 'link')).includes('@'), 30_000).catch(() => undefined);
      await wire[Symbol.asyncDispose]();
    },
  };
}

const execute = promisify(execFile);

/** In the network namespace alone: PIDs are the test's. */
async function inNetworkOf(pid: number, ...argv: string[]): Promise<void> {
  await execute('nsenter', ['-t', `${pid}`, '-n', '--', ...argv]);
}
