/** Starts and drives test/network/kernel-process.ts on a throw-away host. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { BridgePlan, VethPlan } from '../../src/drivers/plan.ts';
import type { Kernel, KernelEvent } from '../../src/network/kernel.ts';
import type { Host } from '../support/host.ts';
import { childrenOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';
import type { KernelExtra, KernelLine } from './kernel-process.ts';

const script = new URL('kernel-process.ts', import.meta.url).pathname;

type Remote<F> = F extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;

export interface KernelProcess extends AsyncDisposable {
  /** Every call as in Kernel, carried out in the process; listeners cannot be sent there: see `events`. */
  readonly kernel: { [K in Exclude<keyof Kernel, 'watch'>]: Remote<Kernel[K]> };
  readonly own: KernelExtra;
  /** Milliseconds that the last call took in the process. */
  readonly ms: number;
  watch(): Promise<void>;
  /** All events so far; tests may empty it. */
  readonly events: (KernelEvent & { at: number })[];
  /** Waits for an event that `matches` (5 s unless told): itself, with the time of its arrival. */
  event(matches: (event: KernelEvent) => boolean, timeout?: number): Promise<KernelEvent & { at: number }>;
  /** SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** Lets it end by itself: fails when something (a timer, a poll) keeps it going. */
  end(): Promise<void>;
}

export async function startKernel(host: Host): Promise<KernelProcess> {
  const child = host.spawn([process.execPath, '--disable-warning=ExperimentalWarning', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = child;
  assert.ok(stdin && stdout);
  const events: (KernelEvent & { at: number })[] = [];
  const waiting: ((line: KernelLine & { ms: number }) => void)[] = [];
  const ended = once(child, 'exit').then(() => assert.fail('the process of the kernel has ended'));
  // Nobody may be waiting when it does.
  ended.catch(() => undefined);
  let ms = 0;
  createInterface({ input: stdout }).on('line', (text) => {
    const line = JSON.parse(text) as KernelLine;
    if ('event' in line) events.push({ ...line.event, at: line.at });
    else waiting.shift()?.(line);
  });
  const ask = async (call: string, args: readonly unknown[]): Promise<unknown> => {
    const answer = new Promise<KernelLine>((resolve) => waiting.push(resolve));
    stdin.write(`${JSON.stringify({ call, args })}\n`);
    const line = await Promise.race([answer, ended]);
    assert.ok(!('event' in line));
    ms = line.ms;
    if (line.error !== undefined) throw new Error(line.error);
    return line.value;
  };
  const kernel = new Proxy(
    {},
    {
      get:
        (_, call: string) =>
        async (...args: unknown[]) =>
          ask(call, args),
    },
  );
  return {
    kernel: kernel as KernelProcess['kernel'],
    own: kernel as KernelExtra,
    get ms() {
      return ms;
    },
    watch: async () => void (await ask('watch', [])),
    events,
    async event(matches, timeout = 5000) {
      const found = (): (KernelEvent & { at: number }) | undefined => events.find(matches);
      await until(() => found() !== undefined, timeout, `an event among ${JSON.stringify(events)}`);
      const event = found();
      assert.ok(event);
      return event;
    },
    signal(signal) {
      // nsenter stops itself when its child is stopped, and does not go on with it.
      for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, signal);
      if (signal === 'SIGCONT') child.kill(signal);
    },
    async end() {
      const exited = once(child, 'exit');
      stdin.end();
      const [code] = (await exited) as [number | null];
      assert.equal(code, 0);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
      await exited;
      clearTimeout(timer);
    },
  };
}

export const bridgePlan = (name: string, plan: Partial<BridgePlan> = {}): BridgePlan => ({
  name,
  owner: `berth:test/${name}`,
  mac: '02:42:01:02:03:04',
  mtu: 1500,
  addresses: ['10.77.0.1/24', 'fd00:77::1/64'],
  sysctls: [{ name: `net/ipv6/conf/${name}/accept_ra`, value: '0' }],
  ...plan,
});

/** The n-th interface on a bridge of bridgePlan: addresses end in 10 + n. */
export const interfacePlan = (n: number, bridge: string, plan: Partial<VethPlan> = {}): VethPlan => ({
  kind: 'veth',
  name: 'eth0',
  mac: `02:42:0a:4d:00:${(10 + n).toString(16).padStart(2, '0')}`,
  mtu: 1500,
  hostName: `veth${n.toString(16).padStart(7, '0')}`,
  bridge,
  isolated: false,
  addresses: [`10.77.0.${10 + n}/24`, `fd00:77::${(10 + n).toString(16)}/64`],
  routes: [],
  sysctls: [],
  announce: { count: 0, interval: 1000 },
  ...plan,
});
