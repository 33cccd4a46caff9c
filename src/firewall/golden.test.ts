/** The texts that the kernel and iptables-restore get, as golden files: UPDATE=1 writes them anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { everything } from './fixture.ts';
import type { FirewallSettings } from './firewall.ts';
import { changeText, removalText, setText } from './iptables/restore.ts';
import { hostElements, networkElements, portElements } from './nftables/elements.ts';
import { setScript } from './nftables/script.ts';

const settings: FirewallSettings = { instance: 'berth', directRouting: false, acceptMark: '0x5/0xff' };
const bridged = { 4: true, 6: true };

function assertGolden(name: string, actual: string): void {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (process.env['UPDATE'] === '1') writeFileSync(file, actual);
  assert.equal(actual, readFileSync(file, 'utf8'));
}

void test('nftables: the whole table, with rules that iptables does not list', () => {
  const elements = [
    ...everything.networks.flatMap((network) => networkElements(network, { listed: false })),
    ...everything.ports.flatMap((port) =>
      portElements(
        port,
        everything.networks.find(({ bridge }) => bridge === port.bridge),
        { bridged },
      ),
    ),
    ...(everything.hosts ?? []).flatMap(hostElements),
  ];
  const once = [...new Map(elements.map((element) => [`${element.set} ${element.key}`, element])).values()];
  assertGolden('set.nft', setScript(settings, undefined, once));
});

void test('nftables: an older table gives way, the administrator’s chain stays', () => {
  const contents = {
    chains: ['berth-user', 'forward', 'admins-own'],
    sets: [
      { name: 'open4', isMap: false },
      { name: 'entering', isMap: true },
      { name: 'admins-set', isMap: false },
    ],
    userRules: 2,
  };
  const script = setScript(settings, contents, []);
  assert.deepEqual(
    script.split('\n').filter((line) => /^(?:flush|delete)/.test(line)),
    [
      'flush chain inet berth forward',
      'delete set inet berth open4',
      'delete map inet berth entering',
      'delete chain inet berth forward',
    ],
  );
});

for (const family of [4, 6] as const) {
  void test(`iptables: a first set, IPv${family}`, () => {
    assertGolden(`set.ip${family}tables`, setText(everything, { ...settings, bridged }, family, ''));
  });
}

void test('iptables: a second set moves the jumps to the head again, a change leaves them', () => {
  const saved = [
    '*filter',
    ':FORWARD DROP [1:2]',
    ':BERTH-FORWARD - [0:0]',
    ':DOCKER-USER - [0:0]',
    '-A FORWARD -i eth5 -j ACCEPT',
    '-A FORWARD -j DOCKER-USER',
    '-A FORWARD -j BERTH-FORWARD',
    '-A DOCKER-USER -j RETURN',
    'COMMIT',
    '*nat',
    '-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j BERTH-DNAT',
    'COMMIT',
  ].join('\n');
  const few = { networks: everything.networks.slice(0, 1), ports: everything.ports.slice(0, 1) };
  const options = { ...settings, bridged: { 4: false, 6: false } };
  assertGolden('set-again.iptables', setText(few, options, 4, saved));
  assertGolden('change.iptables', changeText(few, options, 4));
});

void test('iptables: what is taken away, and what stays', () => {
  const table = (...userRules: string[]): string =>
    ['*filter', ':FORWARD ACCEPT [0:0]', ':BERTH-FORWARD - [0:0]', ':DOCKER-USER - [0:0]', '-A FORWARD -j DOCKER-USER']
      .concat('-A FORWARD -j BERTH-FORWARD', '-A BERTH-FORWARD -j DROP', ...userRules, 'COMMIT')
      .join('\n');
  const own = ['-D FORWARD -j BERTH-FORWARD', '-F BERTH-FORWARD', '-X BERTH-FORWARD'];
  const lines = (saved: string): string[] => removalText(settings, 4, saved).trim().split('\n').slice(1, -1);
  assert.deepEqual(lines(table()), [...own, '-D FORWARD -j DOCKER-USER', '-X DOCKER-USER']);
  assert.deepEqual(lines(table('-A DOCKER-USER -j DROP')), own, 'the administrator’s rules');
  assert.deepEqual(lines(table('-A FORWARD -j BERTH-1A2B-FORWARD')), own, 'another daemon’s way to the chain');
  assert.equal(removalText(settings, 4, '*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n'), '');
});
