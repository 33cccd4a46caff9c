/** Fifty requests at once neither wait for each other for ever nor get the same thing twice. */
import assert from 'node:assert/strict';
import type { Answer, Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { idle } from './support.ts';

const MANY = 50;
const each = async <T>(body: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: MANY }, (_, index) => body(index)));

interface Network {
  Name: string;
  IPAM: { Config: { Subnet: string }[] };
  Containers: Record<string, { Name: string; IPv4Address: string }>;
}

async function inspect(daemon: Daemon, name: string): Promise<Network> {
  return (await daemon.api<Network>('GET', `/networks/${name}`)).body;
}
const connect = async (daemon: Daemon, network: string, Container: string): Promise<Answer<unknown>> =>
  daemon.api('POST', `/networks/${network}/connect`, { Container });
const disconnect = async (daemon: Daemon, network: string, Container: string): Promise<Answer<unknown>> =>
  daemon.api('POST', `/networks/${network}/disconnect`, { Container });

function assertOnce(list: readonly string[], what: string): void {
  assert.equal(new Set(list).size, list.length, `${what} twice: ${list.toSorted().join(' ')}`);
}
const all = (answers: readonly Answer<unknown>[], status: number): void => {
  const others = answers.filter((one) => one.status !== status);
  assert.deepEqual(others, []);
};

hostTest('50 networks are made, connected, disconnected and removed at once', {}, async (host) => {
  const daemon = await host.startDaemon({ args: ['--default-address-pool', 'base=10.64.0.0/10,size=24'] });
  await idle(daemon, 'web');
  all(await each(async (index) => daemon.api('POST', '/networks/create', { Name: `n${index}` })), 201);
  const networks = await each(async (index) => inspect(daemon, `n${index}`));
  assertOnce(
    networks.flatMap(({ IPAM }) => IPAM.Config.map(({ Subnet }) => Subnet)),
    'a subnet',
  );
  all(await each(async (index) => connect(daemon, `n${index}`, 'web')), 200);
  const links = JSON.parse(await host.run('ip', '-j', 'link', 'show', 'type', 'veth')) as { master: string }[];
  assert.equal(links.length, MANY + 1);
  assertOnce(
    links.map(({ master }) => master),
    'a bridge',
  );
  const names = await daemon.dockerOk('exec', 'web', 'ls', '/sys/class/net');
  assert.equal(names.split('\n').filter((name) => name.startsWith('eth')).length, MANY + 1);
  // All in use: none goes.
  all(await each(async (index) => daemon.api('DELETE', `/networks/n${index}`)), 403);
  all(await each(async (index) => disconnect(daemon, `n${index}`, 'web')), 200);
  all(await each(async (index) => daemon.api('DELETE', `/networks/n${index}`)), 204);
  assert.equal((await host.run('ip', '-o', 'link', 'show', 'type', 'veth')).trim().split('\n').length, 1);
  assert.doesNotMatch(await host.run('ip', '-o', 'link'), /br-/);
});

hostTest('one name, one subnet, one address, one port: one of 50 gets it', {}, async (host) => {
  const daemon = await host.startDaemon();
  const won = (answers: readonly Answer<unknown>[], good: number): number =>
    answers.filter(({ status }) => status === good).length;
  assert.equal(won(await each(async () => daemon.api('POST', '/networks/create', { Name: 'same' })), 201), 1);
  const subnet = { IPAM: { Config: [{ Subnet: '10.9.0.0/24' }] } };
  assert.equal(
    won(await each(async (index) => daemon.api('POST', '/networks/create', { Name: `s${index}`, ...subnet })), 201),
    1,
  );
  const { body } = await daemon.api<Network[]>('GET', '/networks');
  const mine = body.find(({ IPAM }) => IPAM.Config?.some(({ Subnet }) => Subnet === '10.9.0.0/24'))?.Name ?? '';
  await idle(daemon, 'web');
  const answers = await each(async () => connect(daemon, mine, 'web'));
  assert.equal(won(answers, 200), 1);
  assert.equal(Object.keys((await inspect(daemon, mine)).Containers).length, 1);
  const create = async (index: number): Promise<Answer<unknown>> =>
    daemon.api('POST', `/containers/create?name=c${index}`, {
      Image: 'busybox',
      Cmd: ['sleep', '1000'],
      StopSignal: 'KILL',
      HostConfig: { NetworkMode: mine, PortBindings: { '80/tcp': [{ HostPort: '8080' }] } },
    });
  for (let index = 0; index < 8; index++) assert.equal((await create(index)).status, 201);
  const starts = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => daemon.api('POST', `/containers/c${index}/start`)),
  );
  assert.equal(won(starts, 204), 1);
  // dockerd's status for a port that is taken.
  assert.equal(won(starts, 500), 7);
  assert.equal(Object.keys((await inspect(daemon, mine)).Containers).length, 2);
});

hostTest('containers come and go at once, while networks and the daemon do, too', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '--rm', 'busybox', 'true');
  for (const name of ['a', 'b']) await daemon.api('POST', '/networks/create', { Name: name });
  const life = async (index: number): Promise<number[]> => {
    const name = `c${index}`;
    const HostConfig = { NetworkMode: 'a', PortBindings: { '80/tcp': [{ HostPort: '7000-7099' }] } };
    const Config = { Image: 'busybox', Cmd: ['sleep', '1000'], StopSignal: 'KILL', HostConfig };
    return [
      (await daemon.api('POST', `/containers/create?name=${name}`, Config)).status,
      (await daemon.api('POST', `/containers/${name}/start`)).status,
      (await connect(daemon, 'b', name)).status,
      (await disconnect(daemon, 'a', name)).status,
    ];
  };
  const lives = await Promise.all(Array.from({ length: 16 }, async (_, index) => life(index)));
  assert.deepEqual(new Set(lives.map(String)), new Set(['201,204,200,200']));
  const { Containers } = await inspect(daemon, 'b');
  const members = Object.values(Containers);
  assert.equal(members.length, 16);
  assertOnce(
    members.map(({ IPv4Address }) => IPv4Address),
    'an address',
  );
  const held = (await host.run('ss', '-Hltn')).match(/0\.0\.0\.0:70\d\d/g) ?? [];
  assert.equal(held.length, 16);
  assertOnce(held, 'a port');
  assert.deepEqual(Object.keys((await inspect(daemon, 'a')).Containers), []);
  const gone = await Promise.all(
    Array.from({ length: 16 }, async (_, index) => daemon.api('DELETE', `/containers/c${index}?force=1`)),
  );
  all(gone, 204);
  assert.deepEqual(Object.keys((await inspect(daemon, 'b')).Containers), []);
  assert.doesNotMatch(await host.run('ss', '-Hltn'), /:70\d\d /);
});
