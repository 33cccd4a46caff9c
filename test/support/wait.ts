import { setTimeout as sleep } from 'node:timers/promises';

/** Asks every 10 ms (then more rarely) until `holds`; throws after `timeout` milliseconds, naming `what`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  timeout = 15_000,
  what = 'the condition',
): Promise<void> {
  const end = performance.now() + timeout;
  for (let pause = 10; !(await holds()); pause = Math.min(pause * 1.5, 200)) {
    if (performance.now() > end) throw new Error(`${what} did not come true within ${timeout} ms`);
    await sleep(pause);
  }
}
