/** docker-compose 1.29 when berthd is killed under its hands: the same command again carries on, and `down` leaves nothing. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { scenario } from '../compatibility/scenarios.ts';
import { everything, project } from './compose-project.ts';

const FILE = `
services:
  a:
    image: busybox
    init: true
    command: sleep 1000
    networks: { one: { ipv4_address: 10.77.1.5 }, two: {} }
    volumes: ["v:/v"]
    restart: always
  b:
    image: busybox
    init: true
    command: httpd -f -p 80 -h /etc
    networks: [one]
    ports: ["8080:80", "9000-9005:9000-9005/udp"]
    depends_on: [a]
    healthcheck: { test: ["CMD", "true"], interval: 300ms }
  c: { image: busybox, init: true, command: sleep 1000, networks: [two], volumes: ["v:/v"], scale: 2 }
networks: { one: { ipam: { config: [{ subnet: 10.77.1.0/24 }] } }, two: { internal: true } }
volumes: { v: {} }
`;

/** What is interrupted, and after how many milliseconds: Compose itself takes 300 to begin. */
const KILLS: readonly [after: number, ...command: string[]][] = [
  [350, 'up', '-d'],
  [800, 'up', '-d', '--force-recreate', '-t', '1'],
  [900, 'restart', '-t', '1'],
  [500, 'down', '-v', '-t', '1'],
  [1000, 'up', '-d'],
  [1800, 'up', '-d', '--force-recreate', '-t', '1'],
  [1000, 'down', '-v', '-t', '1'],
];

scenario({ client: 'docker-compose 1.29', name: 'berthd killed in the middle of each command' }, async (host) => {
  const daemon = await host.startDaemon();
  const { compose, ok } = project(host, daemon, 'killed', FILE);
  for (const [after, ...command] of KILLS) {
    const interrupted = compose(...command);
    await sleep(after);
    await daemon.kill9();
    await interrupted;
    await daemon.restart();
    await ok('up', '-d', '-t', '1');
    const running = await daemon.dockerOk('ps', '-q');
    assert.equal(running.split('\n').length, 4, `after ${command.join(' ')}`);
    // Compose may leave a name with the old container's ID before it: the service is known by its labels.
    const [a] = (await ok('ps', '-q', 'a')).split('\n');
    const address = '{{.NetworkSettings.Networks.killed_one.IPAddress}}';
    assert.equal(await daemon.dockerOk('inspect', '-f', address, a ?? ''), '10.77.1.5');
    await ok('exec', '-T', 'a', 'wget', '-qO-', 'http://b/hostname');
    await host.run('curl', '-sSf', '--retry', '5', '--retry-connrefused', 'http://127.0.0.1:8080/hostname');
  }
  await ok('down', '-v', '-t', '1', '--remove-orphans');
  assert.deepEqual(await everything(daemon), []);
  await host.assertClean();
});
