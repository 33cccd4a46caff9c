/** A container that asks for another until it is there: its name, and an answer to a ping. */
import { createInterface } from 'node:readline';
import type { ClusterMember } from '../../test/overlay/hosts.ts';
import { ended } from './callers.ts';

export interface Asking extends AsyncDisposable {
  /** Resolves to when (performance.now()) the container of that name was found and answered. */
  until: (name: string) => Promise<number>;
}

/**
 * iputils' ping, of the machine: it asks for the name and ends at once when there is none, else it sends every 5 ms until something
 * comes back. A program takes some 3 ms: so much too late it says so.
 */
const SCRIPT = `while read -r name; do
  until /usr/bin/ping -c 1 -w 5 -i 0.005 "$name" >/dev/null 2>&1; do usleep 1000; done
  echo "$name"
done`;

export async function startAsking({ host, daemon }: ClusterMember, container: string): Promise<Asking> {
  const child = host.spawn(daemon.dockerArgv('exec', '-i', container, 'sh', '-c', SCRIPT), {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...daemon.clientEnv },
  });
  if (!child.stdout) throw new Error('a client has no pipe');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async until(name) {
      child.stdin?.write(`${name}\n`);
      const { value, done } = await lines.next();
      if (done === true || value !== name) throw new Error(`${name} was not found: ${String(value)}`);
      return performance.now();
    },
    ...ended(child),
  };
}
