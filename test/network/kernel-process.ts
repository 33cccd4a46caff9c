/**
 * The kernel (linux/kernel.ts) alone, as a process on a throw-away host: one JSON line in (a call), one out (its answer);
 * events come as lines of their own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createSecureHost } from '../../src/cluster/secure-host.ts';
import { ruleMarks } from '../../src/firewall/index.ts';
import { createLinuxKernel } from '../../src/linux/kernel.ts';
import { runNft } from '../../src/linux/nftables.ts';
import { ownRuleWriter } from '../../src/linux/rule-writers.ts';
import type { Kernel, KernelEvent } from '../../src/network/kernel.ts';
import { createMemoryStore } from '../../src/store/memory.ts';

export type KernelCall = { call: keyof Kernel | keyof typeof extra; args: unknown[] };

export type KernelLine = { event: KernelEvent; at: number } | { value?: unknown; error?: string; ms: number };

const secureHost = createSecureHost({ store: createMemoryStore(), hasWireguard: () => true, port: 51820 });

const extra = {
  /** Of this host, for ensureWireguard() on the others. */
  publicKey: async (): Promise<string> => Promise.resolve(secureHost.key().publicKey.toString('base64')),
  /** Changes of rules that are the daemon's own. */
  nft: async (script: string): Promise<void> => runNft(script),
  async iptablesRestore(input: string): Promise<void> {
    const child = spawn('iptables-restore', ['--noflush'], { stdio: ['pipe', 'inherit', 'inherit'] });
    const writer = ownRuleWriter(child.pid ?? 0);
    child.stdin.end(input);
    await once(child, 'close');
    writer.done();
  },
};

export type KernelExtra = typeof extra;

const write = (line: KernelLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

// The libuv pool's threads are born here and not inside a container's namespace.
await stat('/');
const kernel = createLinuxKernel({ ruleMarks: ruleMarks('berth-x'), wireguardKey: () => secureHost.key() });
for await (const line of createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line) as KernelCall;
  const began = performance.now();
  try {
    if (call === 'watch') kernel.watch((event) => write({ event, at: Date.now() }));
    const perform = { ...kernel, ...extra }[call] as (...list: unknown[]) => unknown;
    const returned = call === 'watch' ? undefined : perform(...args);
    const ms = performance.now() - began;
    const value = await returned;
    write({ value, ms: returned instanceof Promise ? performance.now() - began : ms });
  } catch (error) {
    write({
      error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      ms: performance.now() - began,
    });
  }
}
kernel.close();
