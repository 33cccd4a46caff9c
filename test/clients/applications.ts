/** What the tests of the example applications share: their images, their compose files, and connections that last. */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import type { ExecResult, Host, Place } from '../support/host.ts';
import { until } from '../support/wait.ts';

export const EXAMPLES = new URL('../../examples', import.meta.url).pathname;

/** Makes images by the script that a user calls. */
export async function makeImages(host: Host, daemon: Daemon, ...names: string[]): Promise<void> {
  await script(host, daemon, 'images.sh', ...names);
}

/** Runs a script of the examples: 'httpd/up.sh'. */
export async function script(host: Host, daemon: Daemon, path: string, ...args: string[]): Promise<void> {
  const result = await host.exec(['sh', `${EXAMPLES}/${path}`, ...args], {
    env: { ...daemon.clientEnv, BERTH: daemon.berthArgv().join(' ') },
    timeout: 240_000,
  });
  assert.equal(result.code, 0, textOf(result));
}

/** docker-compose in an example's directory; stdout without its last newline. */
export function composeIn(host: Host, daemon: Daemon, example: string): (...args: string[]) => Promise<string> {
  return async (...args) => {
    const result = await host.exec(['docker-compose', '--ansi', 'never', ...args], {
      env: daemon.clientEnv,
      cwd: `${EXAMPLES}/${example}`,
      timeout: 120_000,
    });
    assert.equal(result.code, 0, `docker-compose ${args.join(' ')}: exit code ${result.code}\n${textOf(result)}`);
    return result.stdout.replace(/\n$/, '');
  };
}

const textOf = ({ stdout, stderr }: ExecResult): string => stderr + stdout;

/** Asks until there is an answer: a server may need a moment more than its container. */
export async function eventually(from: Place, ...argv: string[]): Promise<string> {
  let last: ExecResult | undefined;
  await until(
    async () => {
      last = await from.exec(argv);
      return last.code === 0;
    },
    60_000,
    `success of ${argv.join(' ')}`,
  ).catch((error: unknown) => {
    throw new Error(`exit code ${last?.code}: ${last === undefined ? '' : textOf(last)}`, { cause: error });
  });
  return last?.stdout.trim() ?? '';
}

/** An answer without end, of which each line is a number one higher than the one before. */
export interface Counter extends Disposable {
  /** Fails when the connection ended or a line is missing; resolves when some more lines have come. */
  goesOn(): Promise<void>;
}

export function count(from: Place, ...argv: string[]): Counter {
  const child = from.spawn(argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  let ended = false;
  child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
  child.once('close', () => (ended = true));
  const numbers = (): number[] => text.split('\n').slice(0, -1).map(Number);
  return {
    async goesOn() {
      const before = numbers().length;
      await until(() => ended || numbers().length > before + 5, 60_000, 'a connection that goes on');
      assert.ok(!ended, 'the connection was closed');
      const seen = numbers();
      assert.deepEqual(
        seen,
        seen.map((_, index) => index + 1),
      );
    },
    [Symbol.dispose]() {
      // nsenter stands between, and a program whose output nobody takes ends by itself.
      child.stdout?.destroy();
      child.kill('SIGKILL');
    },
  };
}
