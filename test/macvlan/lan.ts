/**
 * A LAN in namespaces of its own, which nothing leaves, and a throw-away host on it.
 *
 *     lanTest('name', async (host, lan) => {          // the host's eth0 and eth1 are on the LAN, it is HOST there
 *     await lan.router.exec(['ping', …]);           // ROUTER in each subnet, with OUTSIDE behind it
 *     await lan.peer.exec(['tcpdump', …]);          // PEER: a foreign machine
 *     await lan.reflect(true);                      // the switch sends frames back by the port they came from (802.1Qbg)
 *     });
 *
 * Three subnets lie on the wire, as many as networks of a test need: lan4(0), lan4(1), lan4(2). Docker does not let two networks
 * have one. eth2 of the host is a link that no one else is at, and its VLANs may be used at will.
 */
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { createHost } from '../support/host.ts';
import type { Host, HostOptions, Place } from '../support/host.ts';

export interface Lan extends AsyncDisposable {
  /** Where the switch is, the bridge `lan`. */
  readonly switch: Host;
  readonly router: Pick<Place, 'exec' | 'run'>;
  readonly peer: Pick<Place, 'exec' | 'run'>;
  host(options?: HostOptions): Promise<Host>;
  reflect(on: boolean): Promise<void>;
  /** MACs by which the peer hears who has this address. */
  whoHas(address: string): Promise<string[]>;
}

/** Documentation addresses (RFC 5737, RFC 3849), and those for benchmarks (RFC 2544): no machine's own. */
export const lan4 = (subnet: number, host: number): string => `198.18.${subnet}.${host}`;
export const lan6 = (subnet: number, host: string): string => `2001:db8:18${subnet}::${host}`;
export const subnet4 = (subnet: number): string => `${lan4(subnet, 0)}/24`;
export const subnet6 = (subnet: number): string => `${lan6(subnet, '')}/64`;
/** Last parts: .1 and ::1… */
export const ROUTER = { v4: 1, v6: '1' } as const;
export const HOST = { v4: 10, v6: '10' } as const;
export const PEER = { v4: 243, v6: 'f3' } as const;
/** Behind the router. */
export const OUTSIDE = { v4: '203.0.113.9', v6: '2001:db8:113::9' } as const;
const SUBNETS = [0, 1, 2];

const NO_REDIRECTS = `
table inet quiet {
  chain output {
    type filter hook output priority 0;
    icmp type redirect drop;
    icmpv6 type nd-redirect drop;
  }
}
`;

/** All answers are on the wire when the first packet is answered; a moment more for those of others. */
const WHO_HAS = `
tcpdump -nlei eth0 'arp[7] = 2' >$2/arp 2>$2/ready &
until grep -q listening $2/ready; do sleep 0.02; done
sleep 0.1
ip neigh flush dev eth0
ping -c1 -W1 $1 >/dev/null
sleep 0.2
kill $!
wait
cat $2/arp`;

export async function createLan(): Promise<Lan> {
  const wire = await createHost({
    // Its machines.
    leavesContainers: true,
    async attach(pid) {
      await batch(pid, ['link add lan type bridge mcast_snooping 0', 'link set lan up']);
    },
  });
  await using undo = new AsyncDisposableStack();
  undo.use(wire);
  const inside = await Promise.all([
    machine(wire, 'router', ROUTER, [`addr add ${OUTSIDE.v4}/32 dev lo`, `addr add ${OUTSIDE.v6}/128 dev lo`]),
    machine(wire, 'peer', PEER, []),
  ]);
  const [router, peer] = inside;
  await router.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding');
  // It says nobody that there is a shorter way: who learned it would ask there, and not everybody answers.
  await router.exec(['nft', '-f', '-'], { input: NO_REDIRECTS });
  await peer.run('ip', 'route', 'add', 'default', 'via', lan4(0, ROUTER.v4));
  await peer.run('ip', '-6', 'route', 'add', 'default', 'via', lan6(0, ROUTER.v6));
  undo.move();
  return {
    switch: wire,
    router,
    peer,
    async host(options = {}) {
      return createHost({ ...options, attach: async (pid) => plug(wire.pid, pid) });
    },
    async reflect(on) {
      const state = on ? 'on' : 'off';
      await wire.run('bridge', 'link', 'set', 'dev', 'port0', 'hairpin', state);
      await wire.run('bridge', 'link', 'set', 'dev', 'port1', 'hairpin', state);
    },
    async whoHas(address) {
      // On a busy machine tcpdump says that it listens before it does, or the answer is late.
      for (let tries = 5; ; tries--) {
        const { stdout } = await peer.exec(['sh', '-c', WHO_HAS, '-', address, wire.root]);
        const heard = [...stdout.matchAll(/is-at ([0-9a-f:]+)/g)].map(([, mac = '']) => mac);
        if (heard.length > 0 || tries === 1) return [...new Set(heard)];
      }
    },
    [Symbol.asyncDispose]: async () => wire[Symbol.asyncDispose](),
  };
}

/** One of the LAN's machines, with an address in each subnet. */
async function machine(
  wire: Host,
  name: string,
  { v4, v6 }: { v4: number; v6: string },
  more: readonly string[],
): Promise<Pick<Place, 'exec' | 'run'>> {
  await wire.run('ip', 'netns', 'add', name);
  await wire.run(...words(`ip link add p-${name} master lan type veth peer name eth0 netns ${name}`));
  await wire.run('ip', 'link', 'set', `p-${name}`, 'up');
  const enter = ['ip', 'netns', 'exec', name];
  const place: Pick<Place, 'exec' | 'run'> = {
    exec: async (argv, options) => wire.exec([...enter, ...argv], options),
    run: async (...argv) => wire.run(...enter, ...argv),
  };
  const lines = ['link set lo up', 'link set eth0 up', ...addresses('eth0', v4, v6), ...more];
  await place.exec(['ip', '-batch', '-'], { input: lines.map((line) => `${line}\n`).join('') });
  return place;
}

const addresses = (link: string, v4: number, v6: string): string[] =>
  SUBNETS.flatMap((subnet) => [
    `addr add ${lan4(subnet, v4)}/24 dev ${link}`,
    `addr add ${lan6(subnet, v6)}/64 dev ${link} nodad`,
  ]);

/** eth0 with the host's addresses, eth1 beside it with none; eth2 has nobody at its other end. */
async function plug(wire: number, host: number): Promise<void> {
  for (const n of [0, 1]) {
    await batch(wire, [
      `link add port${n} master lan type veth peer name eth${n} netns ${host}`,
      `link set port${n} up`,
    ]);
  }
  await batch(host, [
    ...['eth0', 'eth1'].map((name) => `link set ${name} up`),
    ...addresses('eth0', HOST.v4, HOST.v6),
    `route add default via ${lan4(0, ROUTER.v4)}`,
    `-6 route add default via ${lan6(0, ROUTER.v6)}`,
    'link add eth2 type veth peer name eth3',
    'link set eth2 up',
    'link set eth3 up',
  ]);
  // Not for eth0's addresses.
  const quiet = 'echo 1 >/proc/sys/net/ipv4/conf/eth1/arp_ignore';
  await execute('nsenter', ['-t', `${host}`, '-n', '--', 'sh', '-c', quiet]);
}

const words = (text: string): string[] => text.split(' ');
const execute = promisify(execFile);

/** Each line by `ip`, in the network namespace of that process alone. */
async function batch(pid: number, lines: readonly string[]): Promise<void> {
  for (const line of lines) await execute('nsenter', ['-t', `${pid}`, '-n', '--', 'ip', ...words(line)]);
}

/** A test on a host in a LAN. What it fails with is told before what it left. */
export function lanTest(name: string, body: (host: Host, lan: Lan, context: TestContext) => Promise<void>): void {
  void test(name, async (context) => {
    await using lan = await createLan();
    const host = await lan.host();
    let failure: unknown;
    await body(host, lan, context).catch((error: unknown) => (failure = error));
    try {
      await host[Symbol.asyncDispose]();
    } catch (error) {
      if (failure === undefined) throw error;
      process.stderr.write(`${name}: after the failure below: ${messageOf(error)}\n`);
    }
    if (failure !== undefined) throw failure as Error;
  });
}
