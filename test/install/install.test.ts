/** The installable form: `npm pack`, `npm install -g` of the tarball, and the commands work from there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createHost } from '../support/host.ts';
import { until } from '../support/wait.ts';

const repository = new URL('../..', import.meta.url).pathname;
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
const execute = promisify(execFile);
const run = async (command: string, ...args: string[]): Promise<string> =>
  (await execute(command, args, { cwd: repository, maxBuffer: 1 << 26 })).stdout;

void test('the tarball installs, and its commands run without the checkout', async (t) => {
  const directory = mkdtempSync('/tmp/b-');
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  // Without scripts: the bundle is there, and building it again would pull it from under the tests beside this one.
  if (!existsSync(join(repository, 'dist/berthd.cjs'))) await run('sh', 'scripts/node.sh', 'scripts/build.mjs');
  const [packed] = JSON.parse(
    await run('npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', directory),
  ) as [{ filename: string; files: { path: string }[] }];
  const paths = packed.files.map(({ path }) => path);
  const programs = ['berth', 'berthd', 'berth-netd'].map((name) => `dist/${name}.cjs`);
  for (const needed of ['bin/berth', 'bin/berthd', ...programs, 'packaging/berth.service']) {
    assert.ok(paths.includes(needed), `${needed} is in the tarball`);
  }
  assert.deepEqual(
    paths.filter((path) => /^(src|test|bench)\//.test(path)),
    [],
  );

  // The dependencies come from npm's cache, which setting up the checkout has filled.
  const prefix = join(directory, 'prefix');
  const tarball = join(directory, packed.filename);
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await run('npm', 'install', '-g', '--offline', ...quiet, '--prefix', prefix, tarball);
  } catch (error) {
    if (!String(error).includes('ENOTCACHED')) throw error;
    return t.skip("npm's cache lacks the dependencies");
  }
  const berthd = join(prefix, 'bin/berthd');
  assert.equal(await run(berthd, '--version'), `Berth version ${version}\n`);
  assert.match(await run(join(prefix, 'bin/berth'), '--version'), new RegExp(version.replaceAll('.', '\\.')));

  await using host = await createHost();
  const root = `${host.root}/i`;
  const daemon = host.spawn(
    [berthd, `--data-root=${root}/data`, `--exec-root=${root}/run`, `--cgroup-parent=${host.cgroupParent}`],
    { stdio: 'ignore' },
  );
  const socket = `${root}/run/berth.sock`;
  await until(() => existsSync(socket), 10_000, 'the socket of the installed berthd');
  const listed = await host.run(join(prefix, 'bin/berth'), '-H', `unix://${socket}`, 'network', 'ls');
  assert.match(listed, /bridge[^]*host[^]*none/);
  // The process beside it is found in the installed place, too.
  const berth = async (...args: string[]): Promise<string> =>
    host.run(join(prefix, 'bin/berth'), '-H', `unix://${socket}`, ...args);
  await berth('network', 'create', 'mine');
  assert.match(
    await berth('run', '--rm', '--name', 'web', '--network', 'mine', 'busybox', 'nslookup', 'web.'),
    /Name:/,
  );
  await berth('network', 'rm', 'mine');
  await host.run('sh', '-c', `kill -TERM $(cat ${root}/run/berth.pid)`);
  await until(() => daemon.exitCode !== null, 5000, 'the end of the installed berthd');
  assert.equal(daemon.exitCode, 0);

  const units = join(directory, 'units');
  mkdirSync(units);
  await run('sh', join(prefix, 'lib/node_modules/berth/packaging/install-units.sh'), units);
  const service = readFileSync(join(units, 'berth.service'), 'utf8');
  const program = /^ExecStart=(\S+) -H fd:\/\/$/m.exec(service)?.[1] ?? '';
  assert.ok(statSync(program).mode & 0o100, 'the unit starts a program that is there');
  assert.match(service, /^KillMode=process$/m);
  assert.match(readFileSync(join(units, 'berth.socket'), 'utf8'), /^SocketMode=0660$/m);
});
