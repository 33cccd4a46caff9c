/** Starts and drives test/network/process.ts on a throw-away host. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Sandbox, SandboxRequest, SandboxView } from '../../src/network/port.ts';
import type { NetworkSettings } from '../../src/network/settings.ts';
import type { ExecResult, Host } from '../support/host.ts';
import { childrenOf } from '../support/snapshot.ts';
import type { Call, ProcessOptions } from './process.ts';

const script = new URL('process.ts', import.meta.url).pathname;

/** One that was waited for. */
export type ReadySandbox = Omit<Sandbox, 'ready'>;

export interface NetworkProcess extends AsyncDisposable {
  /** What it warned of so far. */
  readonly warnings: string[];
  open(id: string, request?: Partial<SandboxRequest>): Promise<ReadySandbox & { ms: number }>;
  /** Milliseconds that it took. */
  close(id: string): Promise<number>;
  view(id: string): Promise<SandboxView>;
  inspect(ref: string): Promise<Record<string, unknown>>;
  restore(running?: Record<string, { pid: number; name: string }>): Promise<void>;
  shutdown(keep: boolean): Promise<void>;
  /** Ends the process, in no order. */
  kill9(): Promise<void>;
}

export async function startNetwork(
  host: Host,
  settings: Partial<NetworkSettings> = {},
  { backend = 'nftables', name = 'n' }: { backend?: 'nftables' | 'iptables'; name?: string } = {},
): Promise<NetworkProcess> {
  const options: ProcessOptions = { root: `${host.root}/${name}`, settings, backend };
  await host.run('mkdir', '-p', options.root);
  const child = host.spawn(
    [process.execPath, '--disable-warning=ExperimentalWarning', script, JSON.stringify(options)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const { stdin, stdout } = child;
  assert.ok(stdin && stdout);
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const warnings: string[] = [];
  const ask = async (call: Call): Promise<{ value: unknown; ms: number }> => {
    stdin.write(`${JSON.stringify(call)}\n`);
    const { value: line, done } = await lines.next();
    assert.ok(!done, `the network ended at ${call.call}`);
    const answer = JSON.parse(line) as { value?: unknown; error?: string; ms: number; warnings: string[] };
    warnings.push(...answer.warnings);
    if (answer.error !== undefined) throw new Error(answer.error);
    return { value: answer.value, ms: answer.ms };
  };
  const kill9 = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGKILL');
    await exited;
  };
  return {
    warnings,
    async open(id, request) {
      const { value, ms } = await ask({ call: 'open', id, ...(request ? { request } : {}) });
      return { ...(value as ReadySandbox), ms };
    },
    close: async (id) => (await ask({ call: 'close', id })).ms,
    view: async (id) => (await ask({ call: 'view', id })).value as SandboxView,
    inspect: async (ref) => (await ask({ call: 'inspect', ref })).value as Record<string, unknown>,
    async restore(running = {}) {
      await ask({ call: 'restore', running });
    },
    async shutdown(keep) {
      await ask({ call: 'shutdown', keep });
    },
    kill9,
    [Symbol.asyncDispose]: kill9,
  };
}

/** Runs a program inside the sandbox's namespace. */
export async function inside(host: Host, { namespacePath }: ReadySandbox, ...argv: string[]): Promise<ExecResult> {
  assert.ok(namespacePath);
  return host.exec(['nsenter', `--net=${namespacePath}`, '--', ...argv]);
}

export async function insideOk(host: Host, sandbox: ReadySandbox, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await inside(host, sandbox, ...argv);
  assert.equal(code, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

export const json = async <T>(text: Promise<string>): Promise<T> => JSON.parse(await text) as T;

export interface IpLink {
  ifname: string;
  address: string;
  mtu: number;
  flags: string[];
  master?: string;
  addr_info?: { family: string; local: string; prefixlen: number; scope: string }[];
}
