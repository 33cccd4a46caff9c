/**
 * `inspect` of networks and of containers on them, from a real daemon, field by field as golden/*.json, which were read against
 * the schema of Docker's API (NetworkInspect and ContainerInspect of 1.43, 1.50, 1.52). UPDATE=1 writes them anew.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { idle, words } from './support.ts';

const directory = new URL('golden/', import.meta.url);

/** IDs, times, made-up MACs, addresses and paths are others in every run: each gets a number, the same one wherever it stands. */
function normalised(value: unknown, root: string): string {
  const seen = new Map<string, string>();
  const number = (kind: string, text: string): string => {
    const known = seen.get(text) ?? `<${kind} ${seen.size + 1}>`;
    seen.set(text, known);
    return known;
  };
  return `${JSON.stringify(value, null, 2)
    .replaceAll(root, '<root>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, (text) => number('id', text.slice(0, 12)))
    .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"<time>"')
    .replaceAll(/\b(?:[0-9a-f]{12})\b/g, (text) => number('id', text))
    .replaceAll(/"(fd[0-9a-f]{2}:[0-9a-f]+:[0-9a-f]+):/g, '"<ula>:')}\n`;
}

function golden(name: string, daemon: Daemon, value: unknown): void {
  const file = new URL(`${name}.json`, directory);
  const text = normalised(value, daemon.execRoot);
  if (process.env['UPDATE']) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, 'utf8'), `${name}: run it with UPDATE=1 when the change is meant`);
}

hostTest('networks and containers, as each version of the API shows them', {}, async (host) => {
  const daemon = await host.startDaemon({ args: ['--bip=172.17.0.1/20'] });
  const { dockerOk, berthOk } = daemon;
  await dockerOk(
    ...words(
      'network create --driver bridge --subnet 172.17.16.0/24 --gateway 172.17.16.1 --ip-range 172.17.16.128/25',
    ),
    ...words('--aux-address router=172.17.16.2 --label tutorial=2.1 -o com.docker.network.driver.mtu=1400 bridge2'),
  );
  await berthOk(...words('network create --ipv6 --internal --attachable six'));
  await dockerOk(...words('network create --config-only --subnet 10.4.0.0/24 settings'));
  await dockerOk(...words('network create --config-from settings made'));
  await dockerOk(
    ...words('run -d --name web --stop-signal KILL --network name=bridge2,ip=172.17.16.3,alias=www,gw-priority=1'),
    ...words('--network name=six,driver-opt=com.docker.network.endpoint.ifname=inner0 --expose 53/udp'),
    ...words('-p 8080:80 -p 127.0.0.1:8081:80 busybox sleep 1000'),
  );
  await idle(daemon, 'plain');
  await daemon.api('POST', '/containers/create?name=later', {
    Image: 'busybox',
    HostConfig: { NetworkMode: 'bridge2' },
  });
  const get = async (path: string): Promise<Record<string, unknown>> => (await daemon.api('GET', path)).body;
  for (const version of ['1.43', '1.50', '1.52']) {
    const networks = ['bridge', 'bridge2', 'six', 'settings', 'made', 'none', 'host'];
    golden(
      `networks-${version}`,
      daemon,
      await Promise.all(networks.map(async (name) => get(`/v${version}/networks/${name}`))),
    );
    const containers = ['web', 'plain', 'later'];
    const settings = async (name: string): Promise<unknown> =>
      (await get(`/v${version}/containers/${name}/json`))['NetworkSettings'];
    golden(`containers-${version}`, daemon, await Promise.all(containers.map(settings)));
  }
  const list = await daemon.api<{ Name: string; Containers?: unknown }[]>('GET', '/v1.52/networks');
  assert.ok(
    list.body.every(({ Containers }) => Containers === undefined || Object.keys(Containers as object).length === 0),
  );
  // It is the same from both clients and after another start.
  const before = await get('/networks/bridge2');
  await daemon.kill9();
  await daemon.restart();
  assert.deepEqual(await get('/networks/bridge2'), before);
  const format = ['inspect', '-f', '{{json .NetworkSettings.Networks}}', 'web'];
  assert.deepEqual(JSON.parse(await berthOk(...format)), JSON.parse(await dockerOk(...format)));
});
