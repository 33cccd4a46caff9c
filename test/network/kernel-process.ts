/**
 * The kernel (linux/kernel.ts) alone, as a process on a throw-away host: one JSON line in (a call), one out (its answer);
 * events come as lines of their own.
 */
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createLinuxKernel } from '../../src/linux/kernel.ts';
import type { Kernel, KernelEvent } from '../../src/network/kernel.ts';

export type KernelCall = { [K in keyof Kernel]: { call: K; args: unknown[] } }[keyof Kernel];

export type KernelLine = { event: KernelEvent; at: number } | { value?: unknown; error?: string; ms: number };

const write = (line: KernelLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

// The libuv pool's threads are born here and not inside a container's namespace.
await stat('/');
const kernel = createLinuxKernel();
for await (const line of createInterface({ input: process.stdin })) {
  const { call, args } = JSON.parse(line) as KernelCall;
  const began = performance.now();
  try {
    if (call === 'watch') kernel.watch((event) => write({ event, at: Date.now() }));
    const perform = kernel[call] as (...list: unknown[]) => unknown;
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
