/** Overlay networks made by the kernel (linux/kernel.ts) alone, on throw-away hosts on one wire; containers are namespaces. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { PeerPlan, TunnelPlan } from '../../src/drivers/plan.ts';
import { bridgePlan, interfacePlan, startKernel } from '../network/kernel-support.ts';
import type { KernelProcess } from '../network/kernel-support.ts';
import type { ExecResult, Host } from '../support/host.ts';
import { childrenOf } from '../support/snapshot.ts';
import { address4, address6 } from '../support/underlay.ts';
import type { Underlay } from '../support/underlay.ts';
import { until } from '../support/wait.ts';

export const BRIDGE = 'br-overlay';
export const TUNNEL = 'vx-0123456789ab';
export const GATEWAY = { ip4: '10.77.0.1', ip6: 'fd00:77::1', mac: '02:42:01:02:03:04' } as const;

/** Container n of the network, on whichever host: 10.77.0.<10 + n>, as interfacePlan() has it. */
export interface Container {
  n: number;
  ip4: string;
  ip6: string;
  mac: string;
  exec(...argv: string[]): Promise<ExecResult>;
  /** stdout; the program must succeed. */
  run(...argv: string[]): Promise<string>;
  /** Ended with the host's network at the latest. */
  spawn(...argv: string[]): ChildProcess;
  /** Whether one ping is answered within `patience` seconds. */
  pings(address: string, patience?: number): Promise<boolean>;
}

export interface OverlayHost extends AsyncDisposable {
  host: Host;
  process: KernelProcess;
  kernel: KernelProcess['kernel'];
  plan: TunnelPlan;
  container(n: number): Promise<Container>;
  /** Ends before the network does. */
  own: AsyncDisposableStack;
}

export const underlayAddress = (n: number, family: 4 | 6): string => (family === 4 ? address4(n) : address6(n));

export const tunnelPlan = (n: number, family: 4 | 6, plan: Partial<TunnelPlan> = {}): TunnelPlan => ({
  name: TUNNEL,
  owner: 'berth:test/overlay',
  bridge: BRIDGE,
  vni: 4097,
  local: underlayAddress(n, family),
  port: 4789,
  mtu: family === 4 ? 1450 : 1430,
  ...plan,
});

/** Container n as those on other hosts than `hostNumber` are told of it. */
export function peerPlan(n: number, hostNumber: number, family: 4 | 6): PeerPlan {
  const { mac, addresses } = interfacePlan(n, BRIDGE);
  return {
    mac,
    addresses: addresses.map((one) => one.replace(/\/.*$/, '')),
    host: underlayAddress(hostNumber, family),
  };
}

/** Host n with the network's bridge and tunnel, which knows nobody yet. */
export async function startOverlayHost(underlay: Underlay, n: number, family: 4 | 6): Promise<OverlayHost> {
  await using undo = new AsyncDisposableStack();
  const host = undo.use(await underlay.host(n));
  const process = undo.use(await startKernel(host));
  const { kernel } = process;
  const plan = tunnelPlan(n, family);
  const paths: string[] = [];
  const links = [BRIDGE, TUNNEL];
  // Before the process ends; what a failed test left is the host's end.
  undo.defer(async () => {
    for (const path of paths) await kernel.dropNamespace(path);
    await kernel.linksGone(links, 200);
  });
  await kernel.ensureBridge(bridgePlan(BRIDGE, { mtu: plan.mtu }));
  await kernel.ensureTunnel(plan);
  const own = undo.use(new AsyncDisposableStack());
  const stack = undo.move();
  return {
    own,
    host,
    process,
    kernel,
    plan,
    async container(number) {
      const path = `${host.root}/n/${number}`;
      const wanted = interfacePlan(number, BRIDGE, {
        mtu: plan.mtu,
        sysctls: [{ name: 'net/ipv6/conf/eth0/accept_ra', value: '0' }],
        announce: { count: 1, interval: 1000 },
      });
      await kernel.createNamespace(
        path,
        [wanted],
        [
          { via: GATEWAY.ip4, interface: 'eth0' },
          { via: GATEWAY.ip6, interface: 'eth0' },
        ],
      );
      paths.push(path);
      links.unshift(wanted.hostName);
      const [ip4 = '', ip6 = ''] = wanted.addresses.map((one) => one.replace(/\/.*$/, ''));
      const enter = ['nsenter', `--net=${path}`, '--'];
      return {
        n: number,
        ip4,
        ip6,
        mac: wanted.mac,
        exec: async (...argv) => host.exec([...enter, ...argv]),
        run: async (...argv) => host.run(...enter, ...argv),
        spawn(...argv) {
          const child = host.spawn([...enter, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
          own.defer(async () => endOf(child));
          return child;
        },
        pings: async (address, patience = 2) =>
          (await host.exec([...enter, 'ping', '-c1', `-W${patience}`, address])).code === 0,
      };
    },
    [Symbol.asyncDispose]: async () => stack[Symbol.asyncDispose](),
  };
}

/** An encapsulated frame as it was seen on the wire. */
export interface Frame {
  /** Underlay addresses. */
  from: string;
  to: string;
  vni: number;
  /** tcpdump's line of the frame inside: '02:42:… > 02:42:…, ethertype IPv4 (0x0800), length 98: …'. */
  inner: string;
}

export interface Wire extends AsyncDisposable {
  /** What was seen since the last call, up to now, but for the reports of multicast listeners, which Linux sends when it likes. */
  frames(): Promise<Frame[]>;
}

/** Sorted: 'from > to  MAC > MAC', once each. */
export const ways = (frames: readonly Frame[]): string[] =>
  [...new Set(frames.map(({ from, to, inner }) => `${from} > ${to}  ${inner.slice(0, 37)}`))].toSorted();

/** Listens to all that the hosts send to each other. `on`: one of them, which marks the ends of what frames() gives. */
export async function watchWire(underlay: Underlay, on: OverlayHost): Promise<Wire> {
  const child = underlay.wire.spawn(
    ['tcpdump', '-i', 'u0', '-l', '-nne', '--immediate-mode', '-B', '8192', 'udp port 4789 or udp port 9'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { stdout, stderr } = child;
  assert.ok(stdout && stderr);
  let ready = false;
  stderr.on('data', (data: Buffer) => (ready ||= data.toString().includes('listening on')));
  /** Of the frames, the n-th mark on the wire is n bytes long. */
  let mark = 0;
  let seenMark = 0;
  let frames: Frame[] = [];
  let outer: Omit<Frame, 'inner'> | undefined;
  createInterface({ input: stdout }).on('line', (line) => {
    seenMark = Number(/\.9: UDP, length (\d+)/.exec(line)?.[1] ?? seenMark);
    const found = / ([\da-f.:]+)\.\d+ > ([\da-f.:]+)\.4789: VXLAN, .*vni (\d+)/.exec(line);
    if (found) outer = { from: found[1] ?? '', to: found[2] ?? '', vni: Number(found[3]) };
    else if (outer) {
      frames.push({ ...outer, inner: line });
      outer = undefined;
    }
  });
  await until(() => ready, 5000, 'tcpdump');
  return {
    async frames() {
      mark++;
      // To nobody, and nobody is asked for.
      await on.host.run('ip', 'neigh', 'replace', address4(99), 'lladdr', '02:00:00:00:00:99', 'dev', 'under0');
      const send = `printf %${mark}s | socat -u STDIN UDP4:${address4(99)}:9`;
      // Again, when tcpdump was too slow for what was before it.
      await until(
        async () => {
          if (seenMark < mark) await on.host.run('sh', '-c', send);
          return seenMark >= mark;
        },
        5000,
        'the mark on the wire',
      );
      const seen = frames.filter(({ inner }) => !/multicast listener report|igmp/.test(inner));
      frames = [];
      return seen;
    },
    async [Symbol.asyncDispose]() {
      await endOf(child);
    },
  };
}

/** What nsenter started; it ends with it. */
async function endOf(child: ChildProcess): Promise<void> {
  for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid);
  await until(() => child.exitCode !== null || child.signalCode !== null);
}
