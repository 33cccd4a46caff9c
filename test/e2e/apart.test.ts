/** Names and published ports live in a process of their own: they go on while berthd is dead, and after its restart. */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, OUTSIDE } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { ask, enter, idle, serve, words } from './support.ts';

/** Without the daemon: `namespace` is what enters the container 'peer'. */
async function works(host: Host, namespace: readonly string[]): Promise<void> {
  const peer = { exec: async (argv: readonly string[]) => host.exec([...namespace, ...argv]) };
  const look = async (...query: string[]): Promise<string> =>
    (await peer.exec(['dig', '@127.0.0.11', '+short', '+time=1', '+tries=2', ...query])).stdout.trim();
  assert.equal(await look('web'), '10.8.0.5');
  assert.equal(await look('WEB', 'AAAA'), 'fd00:8::5');
  assert.equal(await look('+tcp', 'www'), '10.8.0.5');
  assert.equal(await look('-x', '10.8.0.5'), 'web.front.');
  for (const protocol of ['tcp', 'udp'] as const) {
    assert.equal(await ask(host.outside, OUTSIDE.host4, 8080, protocol), `web ${OUTSIDE.ip4}`);
    assert.equal(await ask(host.outside, OUTSIDE.host6, 8080, protocol), `web ${OUTSIDE.ip6}`);
    assert.equal(await ask(host, '127.0.0.1', 8080, protocol), 'web 10.8.0.1');
    assert.match(await ask(host, '::1', 8080, protocol), /^web /, `[::1] by the proxy, ${protocol}`);
  }
}

async function prepare(host: Host): Promise<Daemon> {
  const daemon = await host.startDaemon();
  const subnets = ['--subnet', '10.8.0.0/24', '--ipv6', '--subnet', 'fd00:8::/64'];
  await daemon.dockerOk('network', 'create', ...subnets, 'front');
  await serve(daemon, 'web', [
    ...words('--network name=front,ip=10.8.0.5,ip6=fd00:8::5,alias=www'),
    ...words('-p 8080:80 -p 8080:80/udp'),
  ]);
  await idle(daemon, 'peer', '--network', 'front');
  return daemon;
}

/** Processes of berth-netd in the host, by the host's own numbers. */
async function attendants(host: Host): Promise<string[]> {
  const { stdout } = await host.exec(['pgrep', '-f', 'berth-netd']);
  return stdout.split('\n').filter(Boolean);
}

hostTest('while berthd is dead and after its restart', { outside: true }, async (host) => {
  const daemon = await prepare(host);
  const namespace = await enter(daemon, 'peer');
  const before = await attendants(host);
  assert.equal(before.length, 1);
  await works(host, namespace);
  await daemon.kill9();
  await works(host, namespace);
  // A connection through the proxy outlives the restart.
  const open = host.spawn(['socat', '-u', 'TCP:[::1]:8080', '-'], { stdio: 'ignore' });
  await daemon.restart();
  await works(host, namespace);
  assert.deepEqual(await attendants(host), before, 'it is the same process');
  open.kill();
  await daemon.dockerOk('stop', '-t', '0', 'web');
  const gone = await host.exec([...namespace, 'dig', '@127.0.0.11', '+time=1', '+tries=1', 'web']);
  assert.doesNotMatch(gone.stdout, /10\.8\.0\.5/);
  assert.equal(await ask(host, '::1', 8080), '');
  await daemon.dockerOk('start', 'web');
  await until(async () => (await ask(host, '::1', 8080)) !== '', 3000, 'the server to listen again');
  await works(host, namespace);
});

hostTest('a berth-netd that is killed is replaced, whether berthd is there or not', { outside: true }, async (host) => {
  const daemon = await prepare(host);
  const namespace = await enter(daemon, 'peer');
  const kill = async (): Promise<void> => {
    const [first = ''] = await attendants(host);
    await host.run('kill', '-9', first);
    await until(async () => !(await attendants(host)).includes(first), 3000, 'its end');
  };
  await kill();
  await until(async () => (await attendants(host)).length === 1, 10_000, 'another one');
  // A round of questions that meets the moment between two processes takes seconds itself.
  const worksSoon = async (): Promise<void> => {
    const tried = async (): Promise<boolean> =>
      works(host, namespace).then(
        () => true,
        () => false,
      );
    await until(tried, 20_000).catch(() => undefined);
    await works(host, namespace);
  };
  await worksSoon();
  await daemon.kill9();
  await kill();
  await daemon.restart();
  await worksSoon();
});

hostTest('a daemon that stops without containers leaves no process', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('network', 'create', 'front');
  await daemon.dockerOk('run', '--rm', '--network', 'front', '-p', '8080:80', 'busybox', 'true');
  assert.equal((await attendants(host)).length, 1);
  assert.equal(await daemon.stop(), 0);
  assert.deepEqual(await attendants(host), []);
});
