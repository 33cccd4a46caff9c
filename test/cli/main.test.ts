/** The process around the commands: errors, exit codes, pipes that close, questions. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { programArgv } from '../support/daemon.ts';
import { answer, containers } from './data.ts';
import { run, type StandIn, startStandIn } from './standin.ts';

const [file = '', ...program] = programArgv('berth');
const plain = (host: string, ...args: string[]) =>
  run(file, [...program, ...args], { PATH: process.env['PATH'], BERTH_HOST: host });

void describe('a daemon that is not there', () => {
  for (const args of [['ps'], ['version'], ['info'], ['rm', 'x'], ['network', 'ls'], ['inspect', 'x'], ['events']]) {
    void test(`berth ${args.join(' ')}`, async () => {
      const { code, stderr } = await plain('unix:///nonexistent/x.sock', ...args);
      assert.match(
        stderr,
        /^Cannot connect to the Berth daemon at unix:\/\/\/nonexistent\/x\.sock\. Is berthd running\?/,
      );
      assert.match(stderr, /systemctl start berth/);
      assert.equal(code, 1);
    });
  }
  void test('version and info still say what is known', async () => {
    const version = await plain('unix:///nonexistent/x.sock', 'version');
    assert.match(version.stdout, /^Client:\n Version: +\S+\n API version: +1\.\d+\n/);
    assert.match((await plain('unix:///nonexistent/x.sock', 'info')).stdout, /^Client:\n Version: /);
  });
  void test('a socket that this user may not open names the way in', async () => {
    const directory = mkdtempSync('/tmp/b-perm-');
    const server = createServer().listen(`${directory}/s`);
    await new Promise((resolve) => server.once('listening', resolve));
    chmodSync(directory, 0o755);
    chmodSync(`${directory}/s`, 0o600);
    const argv = ['--reuid', '65534', '--clear-groups', file, ...program, '-H', `unix://${directory}/s`, 'ps'];
    const { code, stderr } = await run('setpriv', argv, { PATH: process.env['PATH'] });
    server.close();
    rmSync(directory, { recursive: true });
    assert.match(stderr, /^permission denied while trying to connect to the Berth daemon socket at unix:.*root/);
    assert.equal(code, 1);
  });
  void test('an address that is none', async () => {
    const { code, stderr } = await plain('ftp://x', 'ps');
    assert.match(stderr, /^unable to parse docker host `ftp:\/\/x`/);
    assert.equal(code, 1);
  });
});

void describe('words that are wrong', () => {
  for (const [args, code, text] of [
    [
      ['pss'],
      1,
      "berth: unknown command: berth pss\n\nDid you mean 'berth ps'?\n\nRun 'berth --help' for more information\n",
    ],
    [['network', 'lss'], 1, /^berth: unknown command: berth network lss\n\nDid you mean 'berth network ls'\?\n/],
    [['run', '--dateway', 'x'], 125, /^unknown flag: --dateway\n\nUsage:  berth run \[OPTIONS\] IMAGE/],
    [['network', 'create', '--gatewai', 'x'], 125, /^unknown flag: --gatewai; did you mean --gateway\?\n/],
    [['network', 'create', '--dateway', 'x', 'n'], 125, /^unknown flag: --dateway; did you mean --gateway\?\n/],
    [
      ['port', 'web', '--add', '99999:80'],
      125,
      /^invalid argument "99999:80" for "--add" flag: invalid hostPort: 99999\n/,
    ],
    [['port', 'web', '--rm', 'x'], 125, /^invalid argument "x" for "--rm" flag: invalid containerPort: x\n/],
    [['port', 'web', '80', '--rm', '81'], 1, /^conflicting options: a port to list, and --add or --rm\n$/],
    [['rename', 'a'], 1, /^berth: 'berth rename' requires 2 arguments\n\nUsage:  berth rename CONTAINER NEW_NAME\n/],
    [['container', '--nope'], 125, /^unknown flag: --nope\n\nUsage:  berth container COMMAND\n/],
    [['build', '-t', 'app', '--no-cache', '.'], 1, /buildah bud -t app \./],
    [['completion', 'fish'], 1, /^no completion for "fish": there is one for bash and zsh\n$/],
  ] as const) {
    void test(`berth ${args.join(' ')}`, async () => {
      const result = await plain('unix:///nonexistent', ...args);
      if (typeof text === 'string') assert.equal(result.stderr, text);
      else assert.match(result.stderr, text);
      assert.equal(result.code, code);
      assert.equal(result.stdout, '');
    });
  }
});

void describe('help and version', () => {
  void test('need no daemon and exit with 0', async () => {
    for (const args of [[], ['--help'], ['help'], ['network'], ['network', '--help'], ['help', 'network'], ['-v']]) {
      const { code, stdout, stderr } = await plain('unix:///nonexistent', ...args);
      assert.equal(code, 0, args.join(' '));
      assert.match(stdout, /^(Usage: {2}berth|Berth version \d)/);
      assert.equal(stderr, '');
    }
  });
  void test('berth help X, berth X --help and the help of an alias', async () => {
    const direct = await plain('unix:///nonexistent', 'ps', '--help');
    assert.equal((await plain('unix:///nonexistent', 'help', 'ps')).stdout, direct.stdout);
    const alias = await plain('unix:///nonexistent', 'container', 'ls', '--help');
    assert.equal(alias.stdout, direct.stdout.replace('berth ps [OPTIONS]', 'berth container ls [OPTIONS]'));
  });
  void test('is no wider than a terminal', async () => {
    for (const command of ['run', 'ps', 'network create', 'events']) {
      const { stdout } = await plain('unix:///nonexistent', ...command.split(' '), '--help');
      const options = stdout.split('Options:')[1] ?? '';
      for (const line of options.split('\n')) assert.ok(line.length <= 80, line);
    }
  });
});

void describe('with a daemon', () => {
  let server: StandIn;
  const many = JSON.stringify(Array.from({ length: 20_000 }, () => containers[0]));
  before(async () => {
    server = await startStandIn((method, path, body) => {
      if (path.startsWith('/containers/json?all=1')) return many;
      return answer(method, path, body);
    });
  });
  after(() => server.close());

  void test('megabytes arrive in full through a pipe', async () => {
    const child = spawn(file, [...program, 'ps', '-a', '--no-trunc'], {
      env: { PATH: process.env['PATH'], BERTH_HOST: `unix://${server.socket}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let lines = 0;
    for await (const part of child.stdout.setEncoding('utf8')) {
      lines += String(part).split('\n').length - 1;
      // A slow reader.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(lines, 20_001);
  });
  void test('a reader that leaves ends it without a word', async () => {
    const shell = `"$@" | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await run(
      'bash',
      ['--norc', '-c', shell, 'bash', file, ...program, '-H', `unix://${server.socket}`, 'ps', '-a', '--no-trunc'],
      { PATH: process.env['PATH'] },
    );
    assert.equal(stderr, '');
    assert.match(stdout, /^CONTAINER ID .*\n141\n$/);
  });
  void test('prune asks, and only y is a yes', async () => {
    for (const input of ['', 'n\n', '\n', 'no\n', 'nay\n']) {
      server.seen.length = 0;
      const { code, stdout } = await server.berthWith(input, 'container', 'prune');
      assert.equal(
        stdout,
        'WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ',
      );
      assert.equal(code, 0);
      assert.deepEqual(server.seen, []);
    }
    const { stdout } = await server.berthWith('Y\n', 'container', 'prune');
    assert.match(stdout, /\[y\/N\] Deleted Containers:\n/);
    assert.deepEqual(
      server.seen.map(({ method, path }) => `${method} ${path}`),
      ['POST /containers/prune'],
    );
  });
  void test('an address in a template comes from the default bridge', async () => {
    const { stdout } = await server.berth('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web');
    assert.equal(stdout, '172.17.0.2\n');
  });
  void test('port --add and --rm change what is published, and show what is then', async () => {
    server.seen.length = 0;
    const words = ['--add', '8080:80', '--add', '127.0.0.1::90-91/udp', '--rm', '443', '--rm', '53:53/udp', 'web'];
    const { code, stdout } = await server.berth('port', ...words);
    assert.equal(code, 0);
    assert.equal(stdout, '80/tcp -> [::1]:8080\n443/tcp -> 0.0.0.0:8443\n443/tcp -> [::]:8443\n');
    const [seen] = server.seen;
    assert.equal(`${seen?.method} ${seen?.path}`, 'POST /containers/web/ports');
    assert.deepEqual(JSON.parse(seen?.body ?? ''), {
      Add: {
        '80/tcp': [{ HostIp: '', HostPort: '8080' }],
        '90/udp': [{ HostIp: '127.0.0.1', HostPort: '' }],
        '91/udp': [{ HostIp: '127.0.0.1', HostPort: '' }],
      },
      Remove: { '443/tcp': null, '53/udp': [{ HostIp: '', HostPort: '53' }] },
    });
    const taken = await server.berth('port', 'web', '--add', '9999:80');
    assert.equal(taken.code, 1);
    assert.equal(taken.stderr, 'Error response from daemon: Bind for 0.0.0.0:9999 failed: port is already allocated\n');
  });
  void test('every network that cannot be removed is told of', async () => {
    const { code, stdout, stderr } = await server.berth('network', 'rm', 'gone', 'bridge', 'gone2');
    const errors = ['gone', 'gone2'].map((name) => `Error response from daemon: network ${name} not found\n`);
    assert.deepEqual([code, stdout, stderr], [1, 'bridge\n', errors.join('')]);
  });
  void test('-D shows where an error comes from', async () => {
    const { stderr } = await server.berth('-D', 'top', 'gone');
    assert.match(stderr, /^Error response from daemon: No such container: gone\n.*\n\s+at /);
  });
  void test('-H stands before BERTH_HOST, and DOCKER_HOST counts for nothing', async () => {
    const env = { PATH: process.env['PATH'], BERTH_HOST: 'unix:///nonexistent', DOCKER_HOST: 'unix:///other' };
    const given = await run(file, [...program, '-H', server.socket, 'ps', '-q'], env);
    assert.equal(given.code, 0, given.stderr);
    const { stderr } = await run(file, [...program, 'ps'], env);
    assert.match(stderr, /unix:\/\/\/nonexistent\./);
  });
});
