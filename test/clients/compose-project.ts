/** A Compose project on a throw-away host: a directory with its file, and docker-compose 1.29 run in it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Daemon } from '../support/daemon.ts';
import type { ExecResult, Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

export interface Project {
  readonly name: string;
  readonly directory: string;
  /** Writes a file of the project; docker-compose.yml without `path`. */
  write: (text: string, path?: string) => void;
  /** docker-compose ARGS. */
  compose: (...args: string[]) => Promise<ExecResult>;
  /** Its stdout without the last newline; throws when the exit code is not 0. */
  ok: (...args: string[]) => Promise<string>;
  /** `docker inspect -f FORMAT` of NAME_SERVICE_1 or a container's whole name. */
  inspect: (container: string, format: string) => Promise<string>;
  /** Runs a shell's line in the service's first container; its output trimmed. */
  sh: (service: string, line: string) => Promise<string>;
  /** Asks through `sh` until the line succeeds: what a container serves may come a moment after its start. */
  eventually: (service: string, line: string) => Promise<string>;
}

export function project(host: Host, daemon: Daemon, name: string, file: string): Project {
  const directory = join(host.root, name);
  mkdirSync(directory, { recursive: true });
  const write = (text: string, path = 'docker-compose.yml'): void => writeFileSync(join(directory, path), text);
  write(file);
  const compose = async (...args: string[]): Promise<ExecResult> =>
    host.exec(['docker-compose', '--ansi', 'never', ...args], {
      env: daemon.clientEnv,
      cwd: directory,
      timeout: 120_000,
    });
  const ok = async (...args: string[]): Promise<string> => {
    const { stdout, stderr, code } = await compose(...args);
    const said = `${stderr}${stdout}\nberthd said:\n${daemon.log()}`;
    assert.equal(code, 0, `docker-compose ${args.join(' ')}: exit code ${code}\n${said}`);
    return stdout.replace(/\n$/, '');
  };
  const container = (service: string): string => (service.includes('_') ? service : `${name}_${service}_1`);
  const execute = async (service: string, line: string): Promise<ExecResult> =>
    daemon.docker('exec', container(service), 'sh', '-c', line);
  return {
    name,
    directory,
    write,
    compose,
    ok,
    inspect: async (service, format) => daemon.dockerOk('inspect', '-f', format, container(service)),
    async sh(service, line) {
      const { stdout, stderr, code } = await execute(service, line);
      assert.equal(code, 0, `${service}: ${line}: exit code ${code}\n${stderr}${stdout}`);
      return stdout.trim();
    },
    async eventually(service, line) {
      let last: ExecResult | undefined;
      await until(async () => (last = await execute(service, line)).code === 0, 30_000, `${service}: ${line}: success`);
      return last?.stdout.trim() ?? '';
    },
  };
}

/** What the daemon has of containers, networks of its own and volumes: all empty after `down -v`. */
export async function everything(daemon: Daemon): Promise<string[]> {
  const lists = await Promise.all([
    daemon.dockerOk('ps', '-a', '--format', '{{.Names}}'),
    daemon.dockerOk('network', 'ls', '--filter', 'type=custom', '--format', '{{.Name}}'),
    daemon.dockerOk('volume', 'ls', '-q'),
  ]);
  return lists.flatMap((list) => list.split('\n').filter(Boolean)).toSorted();
}
