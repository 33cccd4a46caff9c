/** Debian's docker-registry on a throw-away host, for daemons there. */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { registryConfig, type Registry } from '../images/support.ts';
import type { Host } from './host.ts';
import { childrenOf } from './snapshot.ts';
import { until } from './wait.ts';

/** With `auth` it knows user 'u' with password 'secret' only. */
export async function startRegistryOn(host: Host, auth = false, port = 5000): Promise<Registry> {
  const directory = `${host.root}/registry-${port}`;
  mkdirSync(directory);
  const argv = ['docker-registry', 'serve', registryConfig(directory, port, auth)];
  const child = host.spawn(argv, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await until(async () => (await host.exec(['socat', '-u', '/dev/null', `TCP:127.0.0.1:${port}`])).code === 0, 15_000);
  return {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      // nsenter stands between.
      for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid);
      await exited;
    },
  };
}
