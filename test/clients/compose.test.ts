/** docker-compose 1.29: a project's life, verb by verb. */
import assert from 'node:assert/strict';
import { scenarios } from '../compatibility/scenarios.ts';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { everything, project, type Project } from './compose-project.ts';

const FILE = `
services:
  web:
    image: busybox
    command: sh -c 'echo "hello $$HOSTNAME"; exec httpd -f -p 80 -h /etc'
    init: true
    environment: { FROM_FILE: "no" }
    ports: ["80"]
  db:
    image: busybox
    command: sleep 1000
    init: true
    depends_on: [web]
`;

interface Shared {
  host: Host;
  daemon: Daemon;
  life: Project;
}

const prepare = async (host: Host): Promise<Shared> => {
  const daemon = await host.startDaemon();
  return { host, daemon, life: project(host, daemon, 'life', FILE) };
};

const lines = (text: string): string[] => text.split('\n').filter(Boolean).toSorted();

scenarios({ client: 'docker-compose 1.29' }, prepare, {
  'up -d, ps, images, config, port': async ({ daemon, life }) => {
    await life.ok('up', '-d');
    assert.match(await life.ok('ps'), /^life_db_1 .* Up .*\nlife_web_1 .* Up .*->80\/tcp/m);
    assert.deepEqual(lines(await life.ok('ps', '--services')), ['db', 'web']);
    const ids = (await life.ok('ps', '-q')).split('\n');
    assert.equal(ids.length, 2);
    assert.match(await life.ok('images'), /^life_db_1 +busybox +latest +[0-9a-f]{12} +[\d.]+ MB$/m);
    assert.match(await life.ok('config'), /image: busybox/);
    assert.match(await life.ok('port', 'web', '80'), /^0\.0\.0\.0:\d+$/);
    const labels = JSON.parse(await life.inspect('web', '{{json .Config.Labels}}')) as Record<string, string>;
    assert.equal(labels['com.docker.compose.project.working_dir'], life.directory);
    const filters = [
      '--filter',
      'label=com.docker.compose.project=life',
      '--filter',
      'label=com.docker.compose.service=db',
    ];
    assert.equal(await daemon.dockerOk('ps', ...filters, '--format', '{{.Names}}'), 'life_db_1');
  },

  'up -d again changes nothing; a change of the file recreates one service': async ({ life, daemon }) => {
    const before = [await life.inspect('web', '{{.Id}}'), await life.inspect('db', '{{.Id}}')];
    assert.match((await life.compose('up', '-d')).stderr, /life_web_1 is up-to-date[^]*life_db_1 is up-to-date/);
    assert.deepEqual([await life.inspect('web', '{{.Id}}'), await life.inspect('db', '{{.Id}}')], before);
    life.write(FILE.replace('sleep 1000', 'sleep 2000'));
    assert.match((await life.compose('up', '-d')).stderr, /life_web_1 is up-to-date[^]*Recreating life_db_1/);
    assert.equal(await life.inspect('web', '{{.Id}}'), before[0]);
    assert.notEqual(await life.inspect('db', '{{.Id}}'), before[1]);
    assert.equal(await daemon.dockerOk('ps', '-a', '--format', '{{.Names}}').then((text) => lines(text).length), 2);
    await life.eventually('db', 'wget -qO- http://web/hostname');
  },

  'logs, exec, run, top': async ({ life, daemon }) => {
    const greeted = async (): Promise<boolean> =>
      /^web_1 +\| hello [0-9a-f]{12}$/m.test(await life.ok('logs', '--no-color'));
    await until(greeted, 30_000, 'a line of the log');
    assert.match(await life.ok('logs', '--no-color', '-t', '--tail=1', 'web'), /\| \d{4}-\d\d-\d\dT\S+Z hello /);
    assert.equal(await life.ok('exec', '-T', '-e', 'A=b', '-w', '/tmp', 'web', 'sh', '-c', 'echo $A $PWD'), 'b /tmp');
    assert.equal((await life.compose('exec', '-T', 'web', 'sh', '-c', 'exit 7')).code, 7);
    assert.equal(
      await life.ok('run', '--rm', '-T', 'db', 'wget', '-qO-', 'http://web/hostname'),
      await life.sh('web', 'hostname'),
    );
    assert.equal((await life.compose('run', '--rm', '-T', '-e', 'X=3', 'db', 'sh', '-c', 'exit $X')).code, 3);
    assert.match(await life.ok('run', '-d', '--name', 'one_off', 'db', 'sleep', '1000'), /one_off/);
    await daemon.dockerOk('rm', '-f', 'one_off');
    assert.match(await life.ok('top'), /life_web_1[^]*httpd -f -p 80/);
  },

  'up --scale, scale': async ({ life }) => {
    await life.ok('up', '-d', '--scale', 'web=3');
    assert.deepEqual(lines(await life.sh('db', 'nslookup -type=a web. | grep -c "^Address: "')), ['3']);
    await life.ok('scale', 'web=2');
    assert.equal((await life.ok('ps', '-q', 'web')).split('\n').length, 2);
    assert.match(await life.ok('port', '--index=2', 'web', '80'), /^0\.0\.0\.0:\d+$/);
    await life.ok('up', '-d', '--scale', 'web=1');
    assert.equal((await life.ok('ps', '-q', 'web')).split('\n').length, 1);
  },

  'stop, start, restart, kill, rm': async ({ life }) => {
    const address = async (): Promise<string> =>
      life.inspect('web', '{{.NetworkSettings.Networks.life_default.IPAddress}}');
    await life.ok('stop', '-t', '5');
    assert.equal(await life.inspect('web', '{{.State.Status}}'), 'exited');
    assert.match(await life.ok('ps'), /life_web_1 .* Exit 143/);
    await life.ok('start');
    assert.equal(await life.inspect('web', '{{.State.Status}}'), 'running');
    const before = await address();
    await life.ok('restart', '-t', '5', 'web');
    assert.equal(await address(), before);
    await life.eventually('db', 'wget -qO- http://web/hostname');
    await life.ok('kill', '-s', 'SIGKILL', 'db');
    await until(
      async () => (await life.inspect('db', '{{.State.Status}} {{.State.ExitCode}}')) === 'exited 137',
      20_000,
    );
    await life.ok('rm', '-f', 'db');
    assert.deepEqual(lines(await life.ok('ps', '-a', '--services')), ['db', 'web']);
    assert.equal((await life.compose('ps', '-q', 'db')).stdout, '');
    await life.ok('up', '-d');
  },

  'pause, unpause': async ({ life }) => {
    await life.ok('pause', 'web');
    assert.match(await life.ok('ps'), /life_web_1 .* Paused/);
    assert.equal(await life.inspect('web', '{{.State.Status}}'), 'paused');
    await life.ok('unpause', 'web');
    await life.eventually('db', 'wget -qO- http://web/hostname');
  },

  'down --remove-orphans, --rmi local, -v; two projects at once': async ({ host, daemon, life }) => {
    const other = project(host, daemon, 'other', FILE);
    await Promise.all([other.ok('up', '-d'), life.ok('up', '-d')]);
    await daemon.dockerOk('tag', 'busybox', 'life_extra');
    life.write(FILE.split('  db:')[0] ?? '');
    assert.match((await life.compose('up', '-d')).stderr, /Found orphan containers \(life_db_1\)/);
    await life.ok('down', '-v', '--remove-orphans', '--rmi', 'local', '-t', '5');
    assert.deepEqual(await everything(daemon), ['other_db_1', 'other_default', 'other_web_1']);
    await other.ok('down', '-t', '5');
    assert.deepEqual(await everything(daemon), []);
    assert.equal((await other.compose('down')).code, 0);
  },
});
