/** The real berthd on a throw-away host, and the two clients that talk to it. See host.ts. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { ExecOptions, ExecResult, Host } from './host.ts';
import { childrenOf } from './snapshot.ts';
import { until } from './wait.ts';

const repository = new URL('../..', import.meta.url).pathname;

export interface DaemonOptions {
  /** Added to the flags that give the daemon its own roots. */
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Directory name below the host's root; two daemons with the same one share their roots. Default d0, d1, … */
  name?: string;
}

export interface Answer<T> {
  status: number;
  body: T;
}

export interface Daemon {
  /** Path of its API socket; works from the test process as well. */
  readonly socket: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Of berthd itself, as the test process sees it. */
  readonly pid: number;
  /** All it logged so far. */
  log(): string;
  /** The stock docker CLI against it, in the host. */
  docker: (...args: string[]) => Promise<ExecResult>;
  berth: (...args: string[]) => Promise<ExecResult>;
  /** stdout of the CLI without its last newline; throws when the exit code is not 0. */
  dockerOk: (...args: string[]) => Promise<string>;
  berthOk: (...args: string[]) => Promise<string>;
  /** argv of the two clients with the socket set, for spawn, strace, expect… */
  dockerArgv: (...args: string[]) => string[];
  berthArgv: (...args: string[]) => string[];
  clientEnv: NodeJS.ProcessEnv;
  /** One request of the API; `body` of the answer is parsed JSON, or the text when it is none. */
  api<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Answer<T>>;
  running(): boolean;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number>;
  kill9(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Starts it again with the same flags (after stop or kill9), or stops and starts it. */
  restart(): Promise<void>;
  /** docker rm -f of every container, past errors. */
  removeContainers(): Promise<void>;
}

/** How to run a composition root: its launcher when the bundle is newer than every source, else the source itself. */
export function programArgv(name: 'berth' | 'berthd'): string[] {
  const bundle = join(repository, 'dist', `${name === 'berth' ? 'berth-main' : name}.cjs`);
  const fresh = existsSync(bundle) && statSync(bundle).mtimeMs >= newestSource();
  if (fresh) return [join(repository, 'bin', name)];
  return [process.execPath, '--disable-warning=ExperimentalWarning', join(repository, 'src', `${name}.ts`)];
}

let newest: number | undefined;
function newestSource(): number {
  newest ??= Math.max(
    ...readdirSync(join(repository, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
  return newest;
}

/** The flags that give a daemon its own roots below the host's. */
export function rootFlags(host: Host, name: string): string[] {
  const root = join(host.root, name);
  return [
    `--data-root=${root}/data`,
    `--exec-root=${root}/run`,
    `--pidfile=${root}/run/berth.pid`,
    `--cgroup-parent=${host.cgroupParent}`,
    `--config-file=${root}/daemon.json`,
    `--host=unix://${root}/run/berth.sock`,
  ];
}

export async function startDaemon(host: Host, options: DaemonOptions, index: number): Promise<Daemon> {
  const name = options.name ?? `d${index}`;
  const root = join(host.root, name);
  mkdirSync(root, { recursive: true });
  if (!existsSync(`${root}/daemon.json`)) writeFileSync(`${root}/daemon.json`, '{}');
  const socket = `${root}/run/berth.sock`;
  const argv = [...programArgv('berthd'), ...rootFlags(host, name), ...(options.args ?? [])];
  const clientEnv: NodeJS.ProcessEnv = {
    DOCKER_HOST: `unix://${socket}`,
    DOCKER_CONFIG: `${root}/client`,
    BERTH_HOST: `unix://${socket}`,
    DOCKER_CONTEXT: '',
    DOCKER_API_VERSION: '',
  };
  const state: { process: ChildProcess | undefined; pid: number; log: string } = {
    process: undefined,
    pid: 0,
    log: '',
  };

  const start = async (): Promise<void> => {
    const child = host.spawn(argv, {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    state.process = child;
    const collect = (data: Buffer): void => void (state.log += data.toString());
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.once('exit', () => (state.process = state.process === child ? undefined : state.process));
    await until(
      async () => {
        assert.ok(state.process, `berthd ended before it was ready:\n${state.log}`);
        return ping(socket);
      },
      15_000,
      'readiness of berthd',
    ).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw new Error(`berthd did not get ready:\n${state.log}`, { cause: error });
    });
    // nsenter stands between: a process enters a PID namespace only by being born in it.
    state.pid = childrenOf(child.pid ?? 0)[0] ?? 0;
    assert.ok(state.pid > 0, 'berthd has no process');
  };
  const end = async (signal: NodeJS.Signals): Promise<number> => {
    const child = state.process;
    if (!child) return 0;
    const closed = once(child, 'exit');
    process.kill(state.pid, signal);
    const [code] = (await closed) as [number | null];
    return code ?? 137;
  };
  const execute = (argv: readonly string[], execOptions: ExecOptions = {}): Promise<ExecResult> =>
    host.exec(argv, { ...execOptions, env: { ...clientEnv, ...execOptions.env } });
  const ok = async (argv: readonly string[]): Promise<string> => {
    const { stdout, stderr, code } = await execute(argv);
    assert.equal(code, 0, `${argv.join(' ')}: exit code ${code}\n${stderr}${stdout}\nberthd said:\n${state.log}`);
    return stdout.replace(/\n$/, '');
  };
  const dockerArgv = (...args: string[]): string[] => ['docker', ...args];
  const berthArgv = (...args: string[]): string[] => [...programArgv('berth'), ...args];

  const daemon: Daemon = {
    socket,
    dataRoot: `${root}/data`,
    execRoot: `${root}/run`,
    clientEnv,
    get pid() {
      return state.pid;
    },
    log: () => state.log,
    dockerArgv,
    berthArgv,
    docker: (...args) => execute(dockerArgv(...args)),
    berth: (...args) => execute(berthArgv(...args)),
    dockerOk: (...args) => ok(dockerArgv(...args)),
    berthOk: (...args) => ok(berthArgv(...args)),
    api: (method, path, body) => call(socket, method, path, body),
    running: () => state.process !== undefined,
    stop: () => end('SIGTERM'),
    async kill9() {
      await end('SIGKILL');
    },
    signal: (signal) => void process.kill(state.pid, signal),
    async restart() {
      await end('SIGTERM');
      await start();
    },
    async removeContainers() {
      const { body } = await call<{ Id: string }[]>(socket, 'GET', '/containers/json?all=1');
      if (!Array.isArray(body)) return;
      await Promise.all(body.map(({ Id }) => call(socket, 'DELETE', `/containers/${Id}?force=1&v=1`)));
    },
  };
  await start();
  return daemon;
}

function call<T>(socketPath: string, method: string, path: string, body?: unknown): Promise<Answer<T>> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { 'Content-Type': 'application/json' };
    const outgoing = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        let parsed: unknown = text;
        try {
          parsed = JSON.parse(text);
        } catch {
          // Not every answer is JSON: '_ping' says OK.
        }
        resolve({ status: response.statusCode ?? 0, body: parsed as T });
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

const ping = (socket: string): Promise<boolean> =>
  call(socket, 'GET', '/_ping').then(
    ({ status }) => status === 200,
    () => false,
  );
