/**
 * Who reaches whom, by mode: each cell is a ping that went, or did not go, in both families. What should be is the table of
 * docs/macvlan.md.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { enter, words } from '../e2e/support.ts';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { HOST, lan4, lan6, lanTest, OUTSIDE, PEER, ROUTER, subnet4, subnet6 } from './lan.ts';
import type { Lan } from './lan.ts';
import { kernelHas } from './support.ts';

const TARGETS = ['same network', 'other network', 'host', 'shim', 'LAN', 'outside'] as const;
type Row = Readonly<Record<(typeof TARGETS)[number], string>>;

/** '4+6', '4', '6', '-': what goes; '' where there is nothing to ask. */
async function rowOf(host: Host, daemon: Daemon, from: string, targets: Readonly<Partial<Row>>): Promise<Row> {
  const prefix = await enter(daemon, from);
  const goes = async (target: string): Promise<boolean> =>
    (await host.exec([...prefix, 'ping', '-c1', '-W1', target])).code === 0;
  const cells = TARGETS.map(async (name) => {
    const asked = targets[name];
    if (asked === undefined) return [name, ''];
    const [v4 = '', v6 = ''] = asked.split(' ');
    const [by4, by6] = await Promise.all([goes(v4), goes(v6)]);
    return [name, [...(by4 ? ['4'] : []), ...(by6 ? ['6'] : [])].join('+') || '-'];
  });
  return Object.fromEntries(await Promise.all(cells)) as Row;
}

const table = (rows: Readonly<Record<string, Row>>): string => {
  const lines = Object.entries(rows).map(([name, row]) => [name, ...TARGETS.map((target) => row[target])]);
  return [['', ...TARGETS], ...lines]
    .map(([name = '', ...cells]) => `${name.padEnd(22)}${cells.map((cell) => cell.padEnd(15)).join('')}`.trimEnd())
    .join('\n');
};

/** A network on subnet `n` of the LAN. */
const network = async (daemon: Daemon, driver: string, name: string, n: number, ...options: string[]): Promise<void> =>
  void (await daemon.dockerOk(
    ...words(`network create -d ${driver} --ipv6 --subnet ${subnet4(n)} --gateway ${lan4(n, ROUTER.v4)}`),
    ...words(`--subnet ${subnet6(n)} --gateway ${lan6(n, ROUTER.v6)}`),
    ...options.flatMap((option) => ['-o', option]),
    name,
  ));
const container = async (daemon: Daemon, name: string, on: string, n: number, at: number): Promise<void> =>
  void (await daemon.dockerOk(
    ...words(`run -d --name ${name} --network ${on} --ip ${lan4(n, at)} --ip6 ${lan6(n, `${at}`)} busybox sleep 1000`),
  ));
const both = (n: number, at: number): string => `${lan4(n, at)} ${lan6(n, `${at}`)}`;

/** What a container on subnet n asks: its neighbour is .21, that of another network .31 on subnet m. */
const targetsOf = (n: number, m: number): Partial<Row> => ({
  'same network': both(n, 21),
  'other network': both(m, 31),
  host: `${lan4(n, HOST.v4)} ${lan6(n, HOST.v6)}`,
  LAN: `${lan4(n, PEER.v4)} ${lan6(n, PEER.v6)}`,
  outside: `${OUTSIDE.v4} ${OUTSIDE.v6}`,
});

lanTest('macvlan', async (host, lan: Lan) => {
  const daemon = await host.startDaemon();
  const rows: Record<string, Row> = {};
  const measure = async (name: string, more: Partial<Row> = {}): Promise<void> => {
    rows[name] = await rowOf(host, daemon, 'one', { ...targetsOf(0, 1), ...more });
  };
  // The other network stands on the same parent, in mode bridge; its way leads by the router.
  await network(daemon, 'macvlan', 'other', 1, 'parent=eth0');
  await container(daemon, 'three', 'other', 1, 31);
  for (const mode of ['bridge', 'private', 'vepa', 'passthru']) {
    const parent = mode === 'passthru' ? 'eth1' : 'eth0';
    await network(daemon, 'macvlan', 'lan', 0, `parent=${parent}`, `macvlan_mode=${mode}`);
    await container(daemon, 'one', 'lan', 0, 20);
    if (mode === 'passthru') {
      // One container has all of the parent.
      const second = await daemon.docker('run', '--rm', '--network', 'lan', 'busybox', 'true');
      assert.match(second.stderr, /failed to create the macvlan port: eth1 has a macvlan link in mode passthru/);
      await measure(mode, { 'same network': undefined as unknown as string });
    } else {
      await container(daemon, 'two', 'lan', 0, 21);
      await measure(mode);
      if (mode === 'vepa') {
        await lan.reflect(true);
        await measure('vepa, reflecting');
        await lan.reflect(false);
      }
      await daemon.dockerOk('rm', '-f', 'two');
    }
    await daemon.dockerOk('rm', '-f', 'one');
    await daemon.dockerOk('network', 'rm', 'lan');
  }
  await network(daemon, 'macvlan', 'lan', 0, 'parent=eth0', 'com.berth.host_shim=true');
  await container(daemon, 'one', 'lan', 0, 20);
  await container(daemon, 'two', 'lan', 0, 21);
  await measure('bridge, shim', { shim: both(0, 2) });
  await daemon.dockerOk('rm', '-f', 'one', 'two');
  await daemon.dockerOk('network', 'rm', 'lan');

  await daemon.dockerOk(
    'network',
    'create',
    '-d',
    'macvlan',
    '--ipv6',
    '--subnet',
    subnet4(0),
    '--subnet',
    subnet6(0),
    'lan',
  );
  await container(daemon, 'one', 'lan', 0, 20);
  await container(daemon, 'two', 'lan', 0, 21);
  await measure('no parent');
  const page = readFileSync(new URL('../../docs/macvlan.md', import.meta.url), 'utf8');
  assert.equal(table(rows), /```\n( +same network[^`]*)\n```/.exec(page)?.[1]);
});

lanTest('ipvlan', async (host, _lan, context) => {
  if (!(await kernelHas(host, 'ipvlan'))) {
    context.skip('this kernel has no CONFIG_IPVLAN');
    return;
  }
  const daemon = await host.startDaemon();
  const rows: Record<string, Row> = {};
  for (const mode of ['l2', 'l3', 'l3s']) {
    await network(daemon, 'ipvlan', 'lan', 0, 'parent=eth0', `ipvlan_mode=${mode}`);
    await container(daemon, 'one', 'lan', 0, 20);
    await container(daemon, 'two', 'lan', 0, 21);
    rows[mode] = await rowOf(host, daemon, 'one', {
      ...targetsOf(0, 1),
      'other network': undefined as unknown as string,
    });
    await daemon.dockerOk('rm', '-f', 'one', 'two');
    await daemon.dockerOk('network', 'rm', 'lan');
  }
  for (const mode of ['l2', 'l3', 'l3s']) {
    const { host: own, LAN, outside, 'same network': neighbour } = rows[mode] ?? {};
    assert.deepEqual([neighbour, own, LAN, outside], ['4+6', '-', '4+6', '4+6'], table(rows));
  }
});
