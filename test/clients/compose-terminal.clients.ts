/** docker-compose 1.29: what stays on the terminal, and what is refused. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { childrenOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';
import { project, type Project } from './compose-project.ts';

interface Shared {
  host: Host;
  daemon: Daemon;
  /** Up, with a service `web`. */
  life: Project;
}

const prepare = async (host: Host): Promise<Shared> => {
  const daemon = await host.startDaemon();
  const web = '{ image: busybox, init: true, command: sleep 1000 }';
  const life = project(host, daemon, 'life', `services: { web: ${web} }\n`);
  await life.ok('up', '-d');
  return { host, daemon, life };
};

/** Types into a shell that `command` opens in a container, and gives the exit code that comes back. */
async function inTerminal(
  host: Host,
  daemon: Daemon,
  { directory }: Project,
  command: string,
  env: NodeJS.ProcessEnv,
): Promise<number | null> {
  const child = host.spawn(['script', '-qec', command, '/dev/null'], {
    env: { ...process.env, ...daemon.clientEnv, ...env },
    cwd: directory,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const closed = once(child, 'close');
  let text = '';
  child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
  await until(() => text.includes('/ #'), 60_000, 'a prompt');
  child.stdin?.write('test -t 0 && echo "a ter"minal; exit 6\n');
  await until(() => text.includes('a terminal'), 30_000, 'an answer');
  const [code] = (await closed) as [number | null];
  return code;
}

scenarios({ client: 'docker-compose 1.29' }, prepare, {
  'exec and run with a terminal': async ({ life, host, daemon }) => {
    // exec by Compose's own code for terminals, run by the docker CLI that it calls by default.
    const own = { COMPOSE_INTERACTIVE_NO_CLI: '1' };
    assert.equal(await inTerminal(host, daemon, life, 'docker-compose exec web sh', own), 6);
    assert.equal(await inTerminal(host, daemon, life, 'docker-compose run --rm web sh', {}), 6);
  },

  events: async ({ life, host, daemon }) => {
    const child = host.spawn(['docker-compose', 'events', '--json'], {
      env: { ...process.env, ...daemon.clientEnv },
      cwd: life.directory,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const closed = once(child, 'close');
    let text = '';
    child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
    // The client tells nobody when it listens: events are made until one is heard.
    await until(
      async () => {
        await life.ok('exec', '-T', 'web', 'true');
        return text.includes('"action": "exec_start');
      },
      60_000,
      'an event',
    );
    await life.ok('restart', '-t', '5', 'web');
    await until(() => text.includes('"action": "start"'), 30_000, 'the event of a start');
    // nsenter stands between.
    process.kill(childrenOf(child.pid ?? 0)[0] ?? 0, 'SIGINT');
    await closed;
    const heard = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(heard.every(({ type, service }) => type === 'container' && service === 'web'));
    assert.ok(heard.some(({ action }) => action === 'die'));
  },

  'up in the foreground, --abort-on-container-exit, --exit-code-from': async ({ host, daemon }) => {
    const job = project(
      host,
      daemon,
      'job',
      `
services:
  worker: { image: busybox, init: true, command: "sh -c 'echo working; sleep 0.5; exit 5'" }
  helper: { image: busybox, init: true, command: sleep 1000 }
`,
    );
    const { stdout, code } = await job.compose('up', '--no-color', '--exit-code-from', 'worker');
    assert.equal(code, 5);
    assert.match(stdout, /worker_1 +\| working/);
    assert.match(stdout, /job_worker_1 exited with code 5/);
    await job.ok('down');
  },

  build: async ({ host, daemon }) => {
    const made = project(host, daemon, 'made', 'services: { app: { build: . } }\n');
    made.write('FROM busybox\n', 'Dockerfile');
    const { stderr, code } = await made.compose('build');
    assert.equal(code, 1);
    return { refused: /Error response from daemon: (.*)/.exec(stderr)?.[1] ?? stderr };
  },
});
