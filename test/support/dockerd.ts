/** A real dockerd, with a containerd of its own, on a throw-away host: what Berth is compared with. */
import { existsSync } from 'node:fs';
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from './host.ts';
import { childrenOf } from './snapshot.ts';
import { until } from './wait.ts';

const program = ['/usr/sbin/dockerd', '/usr/bin/dockerd'].find((path) => existsSync(path));

/** For `skip`: false, or the program that is missing. */
export const noDockerd: string | false = program === undefined ? 'needs dockerd (docker.io)' : false;

function versionOf(): string {
  return program === undefined ? '' : execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
}

/** The same for tests that know what that version says. */
export const noDockerd20: string | false =
  noDockerd || (/version 20\.10\./.test(versionOf()) ? false : `needs dockerd 20.10; there is ${versionOf()}`);

export interface Dockerd extends AsyncDisposable {
  socket: string;
  dataRoot: string;
  execRoot: string;
  process: ChildProcess;
}

const answers = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    request({ socketPath, path: '/_ping', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .end();
  });

/** Ready when it resolves, after 1 to 3 s. The host is one that `leavesContainers`: dockerd leaves bridges and rules when it ends. */
export async function startDockerd(host: Host, ...flags: string[]): Promise<Dockerd> {
  const socket = `${host.root}/docker.sock`;
  const [dataRoot, execRoot] = [`${host.root}/data`, `${host.root}/run`];
  const child = host.spawn(
    [
      program ?? 'dockerd',
      `--data-root=${dataRoot}`,
      `--exec-root=${execRoot}`,
      `--pidfile=${host.root}/pid`,
      `--host=unix://${socket}`,
      `--cgroup-parent=${host.cgroupParent}`,
      ...flags,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr?.on('data', (data: Buffer) => (log = (log + data.toString()).slice(-10_000)));
  const exited = once(child, 'exit');
  await until(() => answers(socket), 30_000, 'readiness of dockerd').catch((cause: unknown) => {
    throw new Error(`dockerd did not get ready:\n${log}`, { cause });
  });
  return {
    socket,
    dataRoot,
    execRoot,
    process: child,
    async [Symbol.asyncDispose]() {
      // nsenter stands between.
      for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGTERM');
      // It gives containers that run ten seconds to end; the host ends them at once.
      await Promise.race([exited, sleep(2000, undefined, { ref: false })]);
    },
  };
}
