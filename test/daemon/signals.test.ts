/** SIGTERM, SIGINT, SIGHUP, and sockets that a service manager made. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { linkSync, readFileSync, writeFileSync } from 'node:fs';
import { get, request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { programArgv, rootFlags } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

hostTest('SIGTERM: no new connection, streams end, exit code 0, soon', {}, async (host) => {
  const daemon = await host.startDaemon();
  const request = get({ socketPath: daemon.socket, path: '/events', agent: false });
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  const ended = new Promise((resolve) => response.on('close', resolve).on('error', resolve).resume());
  request.on('error', () => undefined);
  const began = performance.now();
  const code = daemon.stop();
  await ended;
  assert.equal(await code, 0);
  assert.ok(performance.now() - began < 4000, 'within its deadline');
  await assert.rejects(daemon.api('GET', '/_ping'));
});

hostTest('SIGTERM does not wait for those who only listen', {}, async (host) => {
  const daemon = await host.startDaemon();
  const id = await daemon.dockerOk('run', '-d', 'busybox', 'sleep', '100');
  const paths = [`/events`, `/containers/${id}/logs?stdout=1&follow=1`];
  const open = paths.map((path) => get({ socketPath: daemon.socket, path, agent: false }));
  open.push(httpRequest({ socketPath: daemon.socket, method: 'POST', path: `/containers/${id}/wait`, agent: false }));
  open.at(-1)?.end();
  const ends = open.map((request) => new Promise((resolve) => request.on('error', resolve).on('close', resolve)));
  await Promise.all(open.map((request) => once(request, 'response')));
  // One that has never asked for anything, and one that has its answer.
  const silent = connect(daemon.socket);
  const served = connect(daemon.socket);
  served.write('GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n');
  await once(served, 'data');
  const began = performance.now();
  assert.equal(await daemon.stop(), 0);
  const ms = performance.now() - began;
  await Promise.all(ends);
  silent.destroy();
  served.destroy();
  assert.ok(ms < 1500, `${Math.round(ms)} ms`);
  await daemon.restart();
});

hostTest('SIGINT ends it as well; the log says why', {}, async (host) => {
  const daemon = await host.startDaemon();
  daemon.signal('SIGINT');
  await until(() => !daemon.running());
  assert.match(daemon.log(), /msg="ended by SIGINT: containers keep running"/);
});

hostTest('SIGHUP reads debug, log level and labels again; a wrong file changes nothing', {}, async (host) => {
  const daemon = await host.startDaemon();
  const file = `${host.root}/d0/daemon.json`;
  const reload = async (json: string, said: RegExp): Promise<void> => {
    const before = daemon.log().length;
    writeFileSync(file, json);
    daemon.signal('SIGHUP');
    await until(() => said.test(daemon.log().slice(before)), 3000, String(said));
  };
  await reload('{"debug":true,"labels":["a=b"]}', /Reloaded configuration.* debug=true/);
  const { body } = await daemon.api('GET', '/info');
  assert.deepEqual([body.Debug, body.Labels], [true, ['a=b']]);
  await reload('{"debug":', /the configuration was not reloaded: .*no valid JSON/);
  assert.deepEqual((await daemon.api('GET', '/info')).body.Labels, ['a=b']);
});

hostTest('socket activation: the socket of the service manager is served and stays', {}, async (host) => {
  const path = `${host.root}/activated.sock`;
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  // Node removes the path when it closes its copy of the socket; a second name of the socket stays.
  const kept = `${host.root}/kept.sock`;
  linkSync(path, kept);
  const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
  writeFileSync(`${host.root}/daemon.json`, '{}');
  const flags = rootFlags(host, 'a').filter((flag) => !/^--(host|config-file)=/.test(flag));
  const program = [...programArgv('berthd'), ...flags, `--config-file=${host.root}/daemon.json`];
  const child = host.spawn(['sh', '-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', 'sh', ...program, '-H', 'fd://'], {
    stdio: ['ignore', 'ignore', 'pipe', fd],
  });
  let log = '';
  child.stderr?.on('data', (data: Buffer) => (log += data.toString()));
  server.close();
  await until(() => log.includes('completed initialization'), 10_000, `readiness: ${log}`);
  const { code, stdout } = await host.exec(['docker', '-H', `unix://${kept}`, 'version', '-f', '{{.Server.Os}}']);
  assert.deepEqual([code, stdout.trim()], [0, 'linux']);
  await host.run('sh', '-c', `kill -TERM $(cat ${host.root}/a/run/berth.pid)`);
  await until(() => child.exitCode !== null, 5000, 'the end of berthd');
  assert.equal(child.exitCode, 0);
  assert.throws(() => readFileSync(`${host.root}/a/run/berth.pid`));

  const unasked = await host.exec([...program, '-H', 'fd://']);
  assert.match(unasked.stderr, /no sockets found via socket activation/);
});

hostTest('TCP: loopback with a warning, other addresses only when told so', {}, async (host) => {
  const daemon = await host.startDaemon({ args: ['-H', 'tcp://127.0.0.1:4243'] });
  assert.match(daemon.log(), /level=warning msg="binding to tcp:\/\/127\.0\.0\.1:4243 without TLS/);
  await host.run('docker', '-H', 'tcp://127.0.0.1:4243', 'network', 'ls');
  const args = [...programArgv('berthd'), ...rootFlags(host, 'open').filter((flag) => !flag.startsWith('--config'))];
  const refused = await host.exec([...args, '-H', 'tcp://0.0.0.0:4244']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /refusing to listen on tcp:\/\/0\.0\.0\.0:4244: .*--tlsverify, or say --tls=false/);
  const told = await host.startDaemon({ args: ['-H', 'tcp://0.0.0.0:4244', '--tls=false'] });
  assert.match(told.log(), /API listen on tcp:\/\/0\.0\.0\.0:4244/);
});
