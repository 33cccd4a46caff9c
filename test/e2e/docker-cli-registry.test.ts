/** Images come and go: pull, push, login and logout of every client against Debian's docker-registry. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, type ExecResult, type Host } from '../support/host.ts';
import { startRegistryOn } from '../support/registry.ts';
import { childrenOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';

/** Debian's. */
const OLD = '/usr/bin/docker';

const isMissing = (): string | false => {
  try {
    execFileSync('sh', ['-c', 'command -v docker-registry']);
    return false;
  } catch {
    return "docker-registry is missing: 'apt-get install docker-registry'";
  }
};

/** What a client's own progress says of a layer, whatever its ID; the order of layers does not matter. */
const statuses = (text: string): string[] =>
  text
    .split('\n')
    .flatMap((line) => /^[0-9a-f]{12}: (.*)$/.exec(line)?.[1] ?? [])
    .toSorted();

interface Client {
  name: string;
  argv: string[];
  /** Of its own: config.json with credentials. */
  config: string;
}

function clientsOf(host: Host, daemon: Daemon): Client[] {
  const argvs: Record<string, string[]> = { docker: ['docker'], berth: daemon.berthArgv() };
  if (existsSync(OLD)) argvs['old'] = [OLD];
  return Object.entries(argvs).map(([name, argv]) => ({ name, argv, config: `${host.root}/config-${name}` }));
}

hostTest('login, push, pull, logout by every client', { skip: isMissing() }, async (host) => {
  const daemon = await host.startDaemon();
  await using open = await startRegistryOn(host);
  await using closed = await startRegistryOn(host, true, 5001);

  for (const { name, argv, config } of clientsOf(host, daemon)) {
    const env = { ...daemon.clientEnv, DOCKER_CONFIG: config };
    const run = async (args: string[], input?: string): Promise<ExecResult> =>
      host.exec([...argv, ...args], { env, ...(input === undefined ? {} : { input }) });
    const ok = async (...args: string[]): Promise<string> => {
      const { stdout, stderr, code } = await run(args);
      assert.equal(code, 0, `${name} ${args.join(' ')}: ${stderr}${stdout}`);
      return stdout;
    };
    const refused = async (args: string[], text: RegExp, input?: string): Promise<void> => {
      const { stderr, code } = await run(args, input);
      assert.equal(code, 1, `${name} ${args.join(' ')}`);
      assert.match(stderr, text, `${name} ${args.join(' ')}`);
    };
    const image = `${open.host}/${name}/app`;
    // A layer of its own: one that another client pushed would be in the registry.
    await host.run('sh', '-ec', `cd ${host.root}; echo ${name} >${name}; tar -c ${name} >${name}.tar`);
    await ok('import', `${host.root}/${name}.tar`, 'base:1');

    // Push: each layer is told of; the second time they are there.
    await ok('tag', 'base:1', `${image}:1`);
    await ok('tag', 'base:1', `${image}:2`);
    const pushed = await ok('push', `${image}:1`);
    assert.match(pushed, new RegExp(`^The push refers to repository \\[${image}\\]\n`));
    assert.deepEqual(statuses(pushed), ['Preparing', 'Pushed'], pushed);
    assert.match(pushed, /\n1: digest: sha256:[0-9a-f]{64} size: \d+\n$/);
    const again = await ok('image', 'push', `${image}:2`);
    assert.deepEqual(statuses(again), ['Layer already exists', 'Preparing'], again);
    await refused(['push', `${image}:none`], new RegExp(`tag does not exist: ${image}:none`));

    // Pull: as above, by tag, again, quietly, every tag, by a run, by digest, for another platform.
    await ok('rmi', `${image}:1`, `${image}:2`);
    const pulled = await ok('pull', `${image}:1`);
    assert.match(pulled, new RegExp(`^1: Pulling from ${name}/app\n`));
    // Bars are for terminals.
    assert.deepEqual(
      statuses(pulled),
      ['Download complete', 'Pull complete', 'Pulling fs layer', 'Verifying Checksum'],
      pulled,
    );
    const [, digest = ''] = /\nDigest: (sha256:[0-9a-f]{64})\n/.exec(pulled) ?? [];
    assert.ok(pulled.endsWith(`\nStatus: Downloaded newer image for ${image}:1\n${image}:1\n`), pulled);
    const { body } = await daemon.api<{ Descriptor: { digest: string }; Platforms: { os: string }[] }>(
      'GET',
      `/distribution/${image}:1/json`,
    );
    assert.deepEqual([body.Descriptor.digest, body.Platforms[0]?.os], [digest, 'linux']);
    assert.match(await ok('pull', `${image}:1`), /\nStatus: Image is up to date for /);
    assert.equal(await ok('pull', '-q', `${image}@${digest}`), `${image}@${digest}\n`);
    assert.match(await ok('pull', '-a', image), new RegExp(`\n${image}\n$`));
    assert.match(await ok('images', '--format', '{{.Tag}}', image), /^(1\n2|2\n1)$/m);
    await refused(['pull', `${image}:none`], new RegExp(`manifest for ${image}:none not found: manifest unknown`));
    await refused(['pull', '--platform', 'linux/s390x', `${image}:1`], /does not match the specified platform/);

    // Login: wrong, without a name, right; what is kept is used; after a logout nothing is.
    const secret = `${closed.host}/${name}/app:1`;
    await ok('tag', 'base:1', secret);
    await refused(['push', secret], /(no basic auth credentials|unauthorized: authentication required)/);
    const failed = new RegExp(`login attempt to http://${closed.host}/v2/ failed with status: 401 Unauthorized`);
    await refused(['login', '-u', 'u', '--password-stdin', closed.host], failed, 'wrong');
    await refused(['login', '--password-stdin', closed.host], /--username/, 'secret');
    const login = await run(['login', '-u', 'u', '--password-stdin', closed.host], 'secret\n');
    assert.deepEqual([login.code, login.stdout], [0, 'Login Succeeded\n'], login.stderr);
    assert.ok(readFileSync(`${config}/config.json`, 'utf8').includes(`"${closed.host}"`));
    await ok('push', secret);
    await ok('rmi', secret);
    await ok('pull', secret);
    assert.equal(await ok('logout', closed.host), `Removing login credentials for ${closed.host}\n`);
    await ok('rmi', secret);
    await refused(
      ['pull', secret],
      /pull access denied for \S+, repository does not exist or may require 'docker login'/,
    );
    await ok('rmi', '-f', `${image}:1`, `${image}:2`);
  }
});

hostTest('layers of a pull, and a client that vanishes in the midst of one', { skip: isMissing() }, async (host) => {
  const daemon = await host.startDaemon();
  await using registry = await startRegistryOn(host);
  const image = `${registry.host}/big:1`;
  const size = 30_000_000;
  await host.run('sh', '-ec', `cd ${host.root}; head -c ${size} /dev/urandom >big; tar -c big >big.tar; rm big`);
  await daemon.dockerOk('import', `${host.root}/big.tar`, image);
  await daemon.dockerOk('push', image);
  await daemon.dockerOk('rmi', image);
  const pull = `/images/create?fromImage=${registry.host}/big&tag=1`;
  const first = host.spawn(['curl', '-sN', '--unix-socket', daemon.socket, '-X', 'POST', `http://x${pull}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  first.stdout?.on('data', (data: Buffer) => (text += data.toString()));
  await until(() => text.includes('Pulling fs layer'), 15_000, 'the begin of a pull');
  // nsenter stands between.
  for (const pid of childrenOf(first.pid ?? 0)) process.kill(pid, 'SIGKILL');
  const running = async (): Promise<boolean> => (await host.exec(['pgrep', '-x', 'skopeo'])).code === 0;
  await until(async () => !(await running()), 15_000, 'the end of skopeo');
  await until(
    async () => (await host.run('ls', `${daemon.dataRoot}/tmp`).catch(() => '')).trim() === '',
    15_000,
    'an empty scratch directory',
  );
  assert.equal(await daemon.dockerOk('images', '-q', image), '');

  const { body } = await daemon.api<string>('POST', pull);
  const lines = body
    .trim()
    .split('\r\n')
    .map(
      (line) =>
        JSON.parse(line) as { status: string; id?: string; progressDetail?: { current: number; total: number } },
    );
  const seen = [...new Set(lines.map(({ status }) => status.replace(/ (sha256|Downloaded|from).*/, ' …')))];
  assert.deepEqual(
    seen.filter((status) => status !== 'Downloading'),
    [
      'Pulling …',
      'Pulling fs layer',
      'Verifying Checksum',
      'Download complete',
      'Extracting',
      'Pull complete',
      'Digest: …',
      'Status: …',
    ],
  );
  for (const { status, progressDetail } of lines) {
    if (status !== 'Downloading' && status !== 'Extracting') continue;
    const { current = 0, total = 0 } = progressDetail ?? {};
    assert.ok(current > 0 && current <= total && total > size, `${status}: ${current} of ${total}`);
  }
  await daemon.dockerOk('rmi', image);
});
