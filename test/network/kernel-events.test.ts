/** What the kernel tells of, and that a survey kept by it is a true one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { KernelEvent, Survey } from '../../src/network/kernel.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { bridgePlan, interfacePlan, startKernel } from './kernel-support.ts';
import type { KernelProcess } from './kernel-support.ts';
import { insideOk } from './support.ts';
import type { Sandbox } from '../../src/network/port.ts';

const at = (namespacePath: string): Sandbox => ({ namespacePath }) as Sandbox;

const sorted = ({ links, addresses, routes }: Survey): string[] =>
  [links, addresses, routes].flatMap((list) => list.map((one) => JSON.stringify(one)).toSorted());

async function assertTrue({ kernel }: KernelProcess): Promise<void> {
  const both = async (): Promise<[string[], string[]]> => [
    sorted(await kernel.present()),
    sorted(await kernel.survey()),
  ];
  // IPv6 addresses and routes are made by work queues of the kernel: they may come between the two looks.
  await until(async () => isDeepStrictEqual(...(await both())), 2000).catch(() => undefined);
  assert.deepEqual(...(await both()));
}

hostTest('losses on the host are told, and the survey stays true', { outside: true }, async (host) => {
  await using process = await startKernel(host);
  const { kernel, events } = process;
  const expectEvent = async (expected: KernelEvent, ...argv: string[]): Promise<void> => {
    events.length = 0;
    await host.run(...argv);
    await process.event((event) =>
      Object.entries(expected).every(([key, value]) => (event as unknown as Record<string, unknown>)[key] === value),
    );
    await assertTrue(process);
  };
  await kernel.ensureBridge(bridgePlan('br-0'));
  await process.watch();
  await kernel.ensureBridge(bridgePlan('br-1', { addresses: ['10.78.0.1/16'], mac: '02:42:01:02:03:05' }));
  const path = `${host.root}/n/one`;
  await kernel.createNamespace(path, [interfacePlan(0, 'br-0'), interfacePlan(1, 'br-1', { name: 'eth1' })], []);
  await assertTrue(process);
  assert.deepEqual(
    (await kernel.present()).links.find(({ name }) => name === 'veth0000001'),
    { name: 'veth0000001', kind: 'veth', master: 'br-1', alias: '', up: true },
  );

  await host.run('ip', 'route', 'add', '10.90.0.0/16', 'dev', 'br-1');
  await host.run('ip', 'route', 'add', '10.91.0.0/16', 'via', '10.77.0.9', 'metric', '5');
  await host.run('ip', 'route', 'add', '10.91.0.0/16', 'via', '10.77.0.8', 'metric', '6');
  await host.run('ip', 'route', 'replace', '10.91.0.0/16', 'via', '10.77.0.7', 'metric', '6');
  await assertTrue(process);
  await expectEvent(
    { kind: 'route-gone', link: 'br-1', destination: '10.90.0.0/16' },
    'ip',
    'route',
    'del',
    '10.90.0.0/16',
  );
  await expectEvent(
    { kind: 'address-gone', link: 'br-0', address: 'fd00:77::1/64' },
    'ip',
    'address',
    'del',
    'fd00:77::1/64',
    'dev',
    'br-0',
  );
  await expectEvent(
    { kind: 'address-gone', link: 'br-1', address: '10.78.0.1/16' },
    'ip',
    'address',
    'del',
    '10.78.0.1/16',
    'dev',
    'br-1',
  );
  await expectEvent({ kind: 'link-changed', name: 'veth0000001' }, 'ip', 'link', 'set', 'veth0000001', 'nomaster');
  await expectEvent({ kind: 'link-changed', name: 'veth0000000' }, 'ip', 'link', 'set', 'veth0000000', 'down');
  await host.run('ip', 'link', 'set', 'veth0000000', 'up');
  // The routes over it vanish without a word of the kernel.
  await expectEvent({ kind: 'link-changed', name: 'br-0' }, 'ip', 'link', 'set', 'br-0', 'down');
  await host.run('ip', 'link', 'set', 'br-0', 'up');
  await until(async () => JSON.stringify(await kernel.survey()).includes('10.77.0.0/24'));
  await assertTrue(process);
  await expectEvent(
    { kind: 'link-gone', name: 'br-1' },
    'sh',
    '-c',
    'ip link set br-1 down; ip link set br-1 name br-x',
  );
  assert.ok((await kernel.present()).links.some(({ name }) => name === 'br-x'));
  await expectEvent({ kind: 'link-gone', name: 'br-0' }, 'ip', 'link', 'del', 'br-0');
  // Its port lost it, which is told some time later: that is not what is looked at below.
  await process.event(
    ({ kind, ...event }) => kind === 'link-changed' && 'name' in event && event.name === 'veth0000000',
  );

  events.length = 0;
  await kernel.dropNamespace(path);
  await kernel.linksGone(['veth0000000', 'veth0000001'], 2000);
  await assertTrue(process);
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'inside' || kind === 'link-changed'),
    [],
  );
  await kernel.linksGone(['br-x'], 0);
  await process.end();
});

hostTest('losses inside a namespace, made or adopted, before or after watch()', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel, events } = process;
  const [first, second, third] = ['one', 'two', 'three'].map((name) => `${host.root}/n/${name}`) as [
    string,
    string,
    string,
  ];
  await kernel.ensureBridge(bridgePlan('br-0'));
  await kernel.createNamespace(first, [interfacePlan(0, 'br-0')], []);
  await process.watch();
  await kernel.createNamespace(second, [interfacePlan(1, 'br-0')], [{ via: '10.77.0.1', interface: 'eth0' }]);
  const holder = host.spawn(['sh', '-c', 'unshare -n sleep 60 & echo $!; wait'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(holder.stdout);
  const [line] = (await once(holder.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  const home = await host.run('readlink', '/proc/self/ns/net');
  await until(async () => (await host.run('readlink', `/proc/${pid}/ns/net`)) !== home);
  await kernel.adoptNamespace(third, pid);

  const isInside =
    (path: string) =>
    (event: KernelEvent): boolean =>
      event.kind === 'inside' && event.path === path;
  const expectInside = async (path: string, ...argv: string[]): Promise<void> => {
    events.length = 0;
    await insideOk(host, at(path), ...argv);
    await process.event(isInside(path));
  };
  await insideOk(host, at(third), 'ip', 'link', 'set', 'lo', 'up');
  await expectInside(first, 'ip', 'address', 'del', '10.77.0.10/24', 'dev', 'eth0');
  await expectInside(second, 'ip', 'route', 'del', 'default');
  await expectInside(third, 'ip', 'link', 'set', 'lo', 'down');
  await expectInside(second, 'ip', 'link', 'set', 'eth0', 'down');
  await expectInside(second, 'ip', 'link', 'del', 'eth0');
  // What is added is no loss, and what happens in others' namespaces is nobody's business here.
  await until(async () => events.some(({ kind }) => kind === 'link-gone'));
  events.length = 0;
  await insideOk(host, at(first), 'ip', 'address', 'add', '10.99.0.1/24', 'dev', 'eth0');
  await host.run('unshare', '-n', 'sh', '-c', 'ip link set lo up; ip link set lo down');
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(events, []);

  // A flood out of one namespace: a few reports, and the others are heard all the same.
  await insideOk(
    host,
    at(first),
    'sh',
    '-c',
    'for i in $(seq 2000); do for a in add del; do echo "addr $a 10.98.0.1/24 dev eth0"; done; done | ip -batch -',
  );
  await insideOk(host, at(third), 'sh', '-c', 'ip link set lo up; ip link set lo down');
  await process.event(isInside(third));
  const reports = events.filter(isInside(first));
  assert.ok(reports.length > 0 && reports.length <= 20, `${reports.length} reports`);

  for (const path of [first, second, third]) await kernel.dropNamespace(path);
  await host.run('kill', `${pid}`);
  await kernel.linksGone(['veth0000000', 'veth0000001', 'br-0'], 100);
});

hostTest('deleted rules: another’s deletions in Berth’s tables, once each', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel, events } = process;
  await process.watch();
  const nft = async (script: string): Promise<void> => void (await host.run('nft', script));
  const expectGone = async (script: string): Promise<void> => {
    events.length = 0;
    await nft(script);
    await process.event(({ kind }) => kind === 'rules-gone');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(events.length, 1);
  };
  const table =
    'add table inet berth-x; add chain inet berth-x c; add rule inet berth-x c accept; add set inet berth-x s { type ipv4_addr; }; add element inet berth-x s { 10.0.0.1, 10.0.0.2 }';
  await nft(table);
  await nft('add table inet other; add chain inet other c; add rule inet other c accept');
  await nft('delete table inet other');
  // Another daemon's: it looks after them itself.
  await nft(table.replaceAll('berth-x', 'berth-xy'));
  await nft('delete table inet berth-xy');
  await kernel.present();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(events, []);
  await expectGone('delete element inet berth-x s { 10.0.0.1 }');
  await expectGone('flush chain inet berth-x c');
  await expectGone('flush ruleset');
  await nft(table);
  await expectGone('delete table inet berth-x');
  await host.run('iptables', '-N', 'BERTH-X-FORWARD');
  events.length = 0;
  await host.run('iptables', '-X', 'BERTH-X-FORWARD');
  await process.event(({ kind }) => kind === 'rules-gone');

  // The daemon's own: on the main thread, on one of the pool (a long script), by a child.
  events.length = 0;
  for (const tail of ['', `\n${'#'.repeat(30_000)}`]) {
    await process.own.nft(table);
    await process.own.nft(`delete table inet berth-x${tail}`);
  }
  await process.own.iptablesRestore('*filter\n:BERTH-X-FORWARD -\n-A BERTH-X-FORWARD -j ACCEPT\nCOMMIT\n');
  await process.own.iptablesRestore('*filter\n-F BERTH-X-FORWARD\n-X BERTH-X-FORWARD\nCOMMIT\n');
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(events, []);
  await process.end();
});

hostTest('events that the kernel dropped: told, and the survey is true again', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  await kernel.ensureBridge(bridgePlan('br-0'));
  await process.watch();
  const path = `${host.root}/n/one`;
  await kernel.createNamespace(path, [interfacePlan(0, 'br-0')], []);
  await assert.rejects(process.event(({ kind }) => kind === 'lost', 200));
  process.signal('SIGSTOP');
  // 16 MiB are kept; each round is some 5 KiB.
  const rounds = Array.from({ length: 8000 }, () => 'addr add 10.5.0.1/24 dev br-0\naddr del 10.5.0.1/24 dev br-0');
  await host.exec(['ip', '-batch', '-'], { input: `${rounds.join('\n')}\naddr add 10.5.5.5/24 dev br-0\n` });
  process.signal('SIGCONT');
  await process.event(({ kind }) => kind === 'lost');
  // Whether something happened inside is not known either.
  await process.event((event) => event.kind === 'inside' && event.path === path);
  assert.ok((await kernel.present()).addresses.some(({ address }) => address === '10.5.5.5/24'));
  await assertTrue(process);

  // What cannot be deleted keeps nothing else.
  await kernel.dropNamespace(path);
  await assert.rejects(kernel.linksGone(['lo', 'br-0', 'veth0000000'], 100), /EOPNOTSUPP/);
  await until(async () => (await kernel.survey()).links.length === 1);
  await kernel.linksGone([], 0);
  await process.end();
});
