/** The clients people have: dockerode and the stock docker CLI, against the stand-in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Docker from 'dockerode';
import { docker } from './docker.ts';
import { until, withApi } from './standin.ts';

void test('dockerode: create, attach over a hijacked connection, wait, inspect, remove', () =>
  withApi(async (x) => {
    const client = new Docker({ socketPath: x.socket });
    const container = await client.createContainer({ name: 'd', Image: 'busybox', Cmd: ['cat'], OpenStdin: true });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
    const { session } = x.containers;
    const received: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => received.push(chunk));
    const exit = container.wait() as Promise<{ StatusCode: number }>;
    await until(() => x.containers.finish !== undefined, 'wait');
    await container.start();
    stream.write('ping');
    await until(() => session.text === 'ping', 'input');
    session.emit(1, 'pong');
    await until(() => Buffer.concat(received).toString('latin1') === '\x01\0\0\0\0\0\0\x04pong', 'output');
    stream.end();
    await until(() => session.inputEnded, 'the end of input');
    session.exit();
    x.containers.exit = { StatusCode: 3 };
    x.containers.finish?.();
    assert.equal((await exit).StatusCode, 3);
    assert.equal((await container.inspect()).Name, '/d');
    await container.remove();
    await assert.rejects(container.inspect(), { statusCode: 404 });
  }));

void test('dockerode: pull and follow progress, networks, events', () =>
  withApi(async (x) => {
    const client = new Docker({ socketPath: x.socket });
    const stream = await client.pull('busybox:1');
    const lines = await new Promise<unknown[]>((resolve, reject) => {
      client.modem.followProgress(stream, (error, output) => (error === null ? resolve(output) : reject(error)));
    });
    assert.equal(lines.length, 2);
    assert.deepEqual(
      (await client.listNetworks()).map(({ Name }) => Name),
      ['bridge', 'host', 'none'],
    );
    const events = await client.getEvents({ filters: { type: ['network'] } });
    const first = new Promise<Buffer>((resolve) => events.once('data', resolve));
    x.events.publish('network', 'create', 'n', { name: 'new' });
    assert.equal((JSON.parse((await first).toString()) as { Action: string }).Action, 'create');
    (events as unknown as { destroy(): void }).destroy();
  }));

void test('docker: version, info, networks, images, ps', () =>
  withApi(async (x) => {
    const version = await docker(x, 'version');
    assert.equal(version.code, 0, version.stderr);
    assert.match(version.stdout, /Server: Berth/);
    assert.match(version.stdout, /Version:\s+9\.9\.9/);
    assert.match(version.stdout, /\(minimum version 1\.24\)/);
    const info = await docker(x, 'info');
    assert.equal(info.code, 0, info.stderr);
    assert.match(info.stdout, /Swarm: inactive/);
    const networks = await docker(x, 'network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}');
    assert.equal(networks.stdout, 'bridge bridge local\nhost host local\nnone null local\n');
    const images = await docker(x, 'images', '--format', '{{.Repository}}:{{.Tag}} {{.Size}}');
    assert.equal(images.stdout, 'busybox:latest 2MB\n');
    await docker(x, 'create', '--name', 'one', 'busybox', 'true');
    const listed = await docker(x, 'ps', '-a', '--format', '{{.Names}} {{.Image}} {{.Status}}');
    assert.equal(listed.stdout, 'one busybox Created\n');
  }));

void test('docker as old as 20.10 (API 1.41) and as new as its own newest', () =>
  withApi(async (x) => {
    for (const version of ['1.41', '1.44', '1.50']) {
      const name = `at-${version}`;
      const made = await docker({ ...x, version }, 'create', '--name', name, 'b');
      assert.equal(made.code, 0, made.stderr);
      const address = await docker({ ...x, version }, 'inspect', '-f', '{{.NetworkSettings.IPAddress}}', name);
      assert.deepEqual(address, { code: 0, stdout: '172.17.0.2\n', stderr: '' });
      assert.equal((await docker({ ...x, version }, 'network', 'inspect', 'bridge')).code, 0);
      assert.equal((await docker({ ...x, version }, 'images')).code, 0);
    }
  }));

void test('docker run: output, input, exit code; the four requests in their order', () =>
  withApi(async (x) => {
    x.containers.exit = { StatusCode: 7 };
    const running = docker(x, 'run', '--rm', '-i', 'busybox', 'cat');
    await until(() => x.containers.made[0]?.running === true, 'the start');
    assert.match(x.containers.calls[0] ?? '', /^attach .*"stdin":true,"stdout":true,"stderr":true/);
    assert.equal(x.containers.calls[1], 'wait removed');
    const { session } = x.containers;
    session.emit(1, 'to stdout\n');
    session.emit(2, 'to stderr\n');
    await until(() => session.inputEnded, 'the end of input');
    session.exit();
    x.containers.finish?.();
    assert.deepEqual(await running, { code: 7, stdout: 'to stdout\n', stderr: 'to stderr\n' });
  }));

void test('docker exec, and its exit code from inspect', () =>
  withApi(async (x) => {
    await docker(x, 'create', '--name', 'one', 'busybox');
    const running = docker(x, 'exec', 'one', 'echo', 'hi');
    await until(() => x.containers.calls.some((call) => call.startsWith('execStart')), 'the start');
    x.containers.session.emit(1, 'hi\n');
    x.containers.session.exit();
    assert.deepEqual(await running, { code: 0, stdout: 'hi\n', stderr: '' });
  }));

void test('docker shows the texts of what is refused', () =>
  withApi(async (x) => {
    const cases: [string[], RegExp][] = [
      [['inspect', 'nothing'], /No such object: nothing/i],
      [['network', 'inspect', 'nothing'], /network nothing not found|No such network: nothing/],
      [['search', 'x'], /berth does not search registries/],
      [['node', 'ls'], /This node is not a swarm manager/],
      [['plugin', 'inspect', 'p'], /plugin "p" not found|No such plugin: p/],
    ];
    for (const [args, text] of cases) {
      const got = await docker(x, ...args);
      assert.notEqual(got.code, 0, args.join(' '));
      assert.match(got.stderr, text, args.join(' '));
    }
    assert.equal((await docker(x, 'volume', 'ls', '-q')).stdout, '');
    assert.equal((await docker(x, 'plugin', 'ls', '-q')).code, 0);
    assert.equal((await docker(x, 'system', 'prune', '-f')).code, 0);
    assert.equal((await docker(x, 'system', 'df')).code, 0);
  }));
