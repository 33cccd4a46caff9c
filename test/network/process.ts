/**
 * The network alone, as a process on a throw-away host: one JSON line in, one out. It stands for the daemon where a test
 * is about the network itself; it can be killed and started again on the same store.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createFirewall } from '../../src/firewall/index.ts';
import { createLinuxKernel } from '../../src/linux/kernel.ts';
import { textFiles } from '../../src/linux/text-files.ts';
import type { Logger } from '../../src/log.ts';
import { createNetworkController, instanceName } from '../../src/network/controller.ts';
import { FakeAttendant } from '../../src/network/fake-attendant.ts';
import { FakeCluster, FakeClusterStore } from '../../src/network/fake-cluster.ts';
import type { Sandbox, SandboxRequest } from '../../src/network/port.ts';
import type { NetworkSettings } from '../../src/network/settings.ts';
import { defaults, request } from '../../src/network/testing-world.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';

export interface ProcessOptions {
  root: string;
  settings: Partial<NetworkSettings>;
  backend: 'nftables' | 'iptables';
}

export type Call =
  | { call: 'restore'; running: Record<string, { pid: number; name: string }> }
  | { call: 'open'; id: string; request?: Partial<SandboxRequest> }
  | { call: 'close' | 'view'; id: string }
  | { call: 'inspect'; ref: string }
  | { call: 'shutdown'; keep: boolean };

async function serve({ root, settings, backend }: ProcessOptions): Promise<void> {
  // The libuv pool's threads are born here and not inside a container's namespace.
  await stat('/');
  const execRoot = `${root}/run`;
  mkdirSync(execRoot, { recursive: true });
  const store = openSqliteStore(`${root}/berth.db`);
  const warnings: string[] = [];
  const note = (message: string): void => void warnings.push(message);
  const log: Logger = { debug() {}, info() {}, warn: note, error: note };
  const { sandboxes, networks, shutdown } = createNetworkController({
    settings: { ...defaults, ...settings },
    execRoot,
    store,
    kernel: createLinuxKernel({ ruleMarks: [] }),
    firewall: createFirewall({
      backend,
      settings: { instance: instanceName(execRoot), directRouting: false, acceptMark: '' },
      log,
    }),
    attendant: new FakeAttendant(),
    cluster: new FakeCluster(new FakeClusterStore()),
    files: textFiles,
    publish: () => undefined,
    log,
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    now: () => new Date().toISOString(),
    later: (milliseconds, body) => void setTimeout(body, milliseconds),
  });
  const opened = async (asked: SandboxRequest): Promise<Omit<Sandbox, 'ready'>> => {
    const { ready, ...sandbox } = await sandboxes.open(asked);
    await ready;
    return sandbox;
  };
  const perform = async (call: Call): Promise<unknown> => {
    switch (call.call) {
      case 'restore':
        return sandboxes.restore(new Map(Object.entries(call.running)), new Map());
      case 'open':
        mkdirSync(`${root}/c/${call.id}`, { recursive: true });
        return opened(request(call.id, { containerName: call.id, filesDir: `${root}/c/${call.id}`, ...call.request }));
      case 'close':
        return sandboxes.close(call.id);
      case 'view':
        return sandboxes.view(call.id);
      case 'inspect':
        return networks.inspect(call.ref, { verbose: false, scope: '' });
      case 'shutdown':
        return shutdown({ keep: call.keep });
    }
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const began = performance.now();
    const answer = await perform(JSON.parse(line) as Call).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: String(error) }),
    );
    const ms = performance.now() - began;
    process.stdout.write(`${JSON.stringify({ ...answer, ms, warnings: warnings.splice(0) })}\n`);
  }
}

const [options] = process.argv.slice(2);
if (options !== undefined) await serve(JSON.parse(options) as ProcessOptions);
