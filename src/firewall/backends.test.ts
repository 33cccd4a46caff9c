/** The backends against a kernel that keeps books: what they ask of it, and what they do when it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedRule } from '../linux/nft-expressions.ts';
import { silent } from '../log.ts';
import { everything, network, port } from './fixture.ts';
import type { FirewallSettings } from './firewall.ts';
import { createIptablesFirewall } from './iptables/backend.ts';
import { createNftablesFirewall } from './nftables/backend.ts';
import type { KernelChange, NftablesKernel } from './nftables/backend.ts';
import type { StaleFlows } from './stale-flows.ts';

const settings: FirewallSettings = { instance: 'berth', directRouting: false, acceptMark: '' };
const bridge = network('br1', 1, 4);
const web = port('br1', '172.17.0.2');

interface Books extends NftablesKernel {
  scripts: string[];
  changes: KernelChange[];
  listed: readonly ListedRule[];
  forgotten: StaleFlows[];
  refuse: { script?: boolean; change?: boolean; listed?: boolean };
}

function books(): Books {
  const place = (rules: readonly ListedRule[]) => rules.map((rule) => ({ rule, handle: Buffer.alloc(8) }));
  const kernel: Books = {
    scripts: [],
    changes: [],
    listed: [],
    forgotten: [],
    refuse: {},
    async run(script) {
      if (kernel.refuse.script) throw new Error('Operation not supported');
      kernel.scripts.push(script);
    },
    contents: () => ({ chains: ['berth-user'], sets: [], userRules: 0 }),
    setListed(_owner, rules) {
      if (kernel.refuse.listed) throw new Error('EOPNOTSUPP');
      kernel.listed = rules;
      return place(rules);
    },
    change(_owner, change) {
      if (kernel.refuse.change) throw new Error('ENOENT');
      kernel.changes.push(change);
      return place(change.add.rules);
    },
    bridgeFilter: () => ({ 4: false, 6: false }),
    forget: (flows) => void kernel.forgotten.push(flows),
  };
  return kernel;
}
const brief = ({ remove, add }: KernelChange): string[] => [
  ...remove.rules.map(({ rule }) => `- ${rule.kind}`),
  ...remove.elements.map(({ set, key }) => `- ${set} ${key}`),
  ...add.rules.map(({ kind }) => `+ ${kind}`),
  ...add.elements.map(({ set, key }) => `+ ${set} ${key}`),
];

void test('nftables: a change is one transaction with its own elements and rules', async () => {
  const kernel = books();
  const firewall = createNftablesFirewall(kernel, settings, silent);
  await firewall.set({ networks: [], ports: [] });
  await firewall.change({ add: { networks: [bridge], ports: [web] } });
  await firewall.change({ add: { networks: [network('br2', 2, 4)], ports: [{ ...web, hostPort: 81 }] } });
  await firewall.change({ remove: { networks: [bridge], ports: [web, { ...web, hostPort: 81 }] } });
  assert.deepEqual(kernel.changes.map(brief), [
    [
      '+ accept-mark',
      '+ source',
      '+ bridges ipv4 . "br1"',
      '+ within ipv4 . "br1" . "br1"',
      '+ entering ipv4 . "br1"',
      '+ hairpin ipv4 . "br1" . "br1"',
      '+ open4 172.17.0.2 . tcp . 80',
      '+ any-address4 tcp . 8080',
    ],
    [
      '+ source',
      '+ bridges ipv4 . "br2"',
      '+ within ipv4 . "br2" . "br2"',
      '+ entering ipv4 . "br2"',
      '+ hairpin ipv4 . "br2" . "br2"',
      '+ any-address4 tcp . 81',
    ],
    [
      '- source',
      '- bridges ipv4 . "br1"',
      '- within ipv4 . "br1" . "br1"',
      '- entering ipv4 . "br1"',
      '- hairpin ipv4 . "br1" . "br1"',
      '- any-address4 tcp . 8080',
      '- open4 172.17.0.2 . tcp . 80',
      '- any-address4 tcp . 81',
    ],
  ]);
  assert.equal(kernel.scripts.length, 1);
});

void test('nftables: the hosts of tunnels are elements, their port as long as one has it', async () => {
  const kernel = books();
  const firewall = createNftablesFirewall(kernel, settings, silent);
  const [one, two, six] = ['192.0.2.8', '192.0.2.9', '2001:db8::9'].map((address) => ({ address, port: 4789 }));
  assert.ok(one && two && six);
  await firewall.set({ networks: [], ports: [], hosts: [one] });
  assert.match(kernel.scripts.at(-1) ?? '', /add element inet berth tunnel-hosts4 \{\n\t192\.0\.2\.8 \. 4789\n\}/);
  await firewall.change({ add: { hosts: [two, six] } });
  await firewall.change({ add: { hosts: [two] }, remove: { hosts: [one, six] } });
  await firewall.change({ remove: { hosts: [two] } });
  assert.deepEqual(kernel.changes.slice(0, 3).map(brief), [
    ['+ tunnel-hosts4 192.0.2.9 . 4789', '+ tunnel-hosts6 2001:db8::9 . 4789'],
    ['- tunnel-hosts4 192.0.2.8 . 4789', '- tunnel-hosts6 2001:db8::9 . 4789'],
    ['- tunnel-ports 4789', '- tunnel-hosts4 192.0.2.9 . 4789'],
  ]);
});

void test('nftables: a change that the kernel refuses is made with everything else, or not at all', async () => {
  const kernel = books();
  const warnings: string[] = [];
  const firewall = createNftablesFirewall(kernel, settings, { ...silent, warn: (text) => void warnings.push(text) });
  await firewall.set({ networks: [bridge], ports: [] });
  kernel.refuse = { change: true };
  await firewall.change({ add: { ports: [web] } });
  assert.match(kernel.scripts.at(-1) ?? '', /any-address4 \{\n\ttcp \. 8080 : 172\.17\.0\.2 \. 80\n\}/);
  assert.match(warnings.join(), /made anew/);
  kernel.refuse = { change: true, script: true };
  await assert.rejects(firewall.change({ remove: { ports: [web] } }), {
    kind: 'Unavailable',
    message: /Operation not supported.*--iptables=false/,
  });
  kernel.refuse = {};
  await firewall.change({ remove: { ports: [web] } });
  assert.deepEqual(brief(kernel.changes[0] ?? assert.fail()), [
    '- open4 172.17.0.2 . tcp . 80',
    '- any-address4 tcp . 8080',
  ]);
  await assert.rejects(firewall.change({ add: { networks: [network('a"b', 3, 4)] } }), { kind: 'InvalidParameter' });
  assert.equal(kernel.changes.length, 1);
});

void test('nftables: a name that cannot stand in a rule changes nothing', async () => {
  const kernel = books();
  const firewall = createNftablesFirewall(kernel, settings, silent);
  const bad = network('br1', 1, 4, { trustedInterfaces: ['eth0; flush ruleset'] });
  await assert.rejects(firewall.set({ networks: [bad], ports: [] }), { kind: 'InvalidParameter' });
  assert.deepEqual([kernel.scripts, kernel.listed], [[], []]);
});

void test('nftables: a kernel that refuses the form of iptables gets the masquerade in the own table', async () => {
  const kernel = books();
  kernel.refuse = { listed: true };
  const firewall = createNftablesFirewall(kernel, settings, silent);
  await firewall.set({ networks: [bridge], ports: [] });
  assert.match(kernel.scripts.at(-1) ?? '', /add element inet berth unlisted \{\n\tipv4 \. "br1"\n\}/);
  await firewall.change({ add: { networks: [network('br2', 2, 4, { sourceAddress: '192.0.2.1' })] } });
  assert.ok(brief(kernel.changes[0] ?? assert.fail()).includes('+ source-address4 "br2"'));
  assert.deepEqual(kernel.changes[0]?.add.rules, []);
});

void test('iptables: one iptables-restore for each family that a change touches', async () => {
  const calls: string[] = [];
  let code = 0;
  const saved = new Map<string, string>();
  const firewall = createIptablesFirewall(
    {
      async run([program, ...argv], input = '') {
        calls.push([program, ...argv].join(' '));
        if (program.endsWith('-save')) return { code: 0, stdout: saved.get(program) ?? '', stderr: '' };
        if (code === 0) saved.set(program.replace('-restore', '-save'), input);
        return { code, stdout: '', stderr: 'line 7 failed' };
      },
      bridgeFilter: () => ({ 4: false, 6: false }),
      forget: () => undefined,
    },
    settings,
    silent,
  );
  await firewall.set({ networks: [bridge], ports: [] });
  assert.deepEqual(calls.splice(0), ['iptables-save', 'iptables-restore --noflush -w', 'ip6tables-save']);
  await firewall.change({
    add: { ports: Array.from({ length: 206 }, (_, index) => ({ ...web, hostPort: 1000 + index })) },
  });
  assert.deepEqual(calls.splice(0), ['iptables-restore --noflush -w']);
  assert.match(saved.get('iptables-save') ?? '', /--dport 1205 -j DNAT --to-destination 172\.17\.0\.2:80/);
  await firewall.change({ add: { networks: [network('br1', 1, 6)] } });
  assert.deepEqual(calls.splice(0), ['ip6tables-save', 'ip6tables-restore --noflush -w']);
  const host = { address: '192.0.2.9', port: 4789 };
  await firewall.change({ add: { hosts: [host] } });
  assert.deepEqual(calls.splice(0), ['iptables-restore --noflush -w']);
  assert.match(saved.get('iptables-save') ?? '', /-A BERTH-INPUT -s 192\.0\.2\.9 -p udp -m udp --dport 4789 -j RETURN/);
  code = 2;
  await assert.rejects(firewall.change({ add: { ports: [web] } }), { kind: 'Unavailable', message: /line 7 failed/ });
  code = 0;
  await firewall.change({ add: { ports: [{ ...web, address: '172.17.0.7' }] } });
  assert.doesNotMatch(saved.get('iptables-save') ?? '', /--dport 8080 .*172\.17\.0\.2:80/, 'what failed was not kept');
});

void test('calls are carried out in their order', async () => {
  const kernel = books();
  const firewall = createNftablesFirewall(kernel, settings, silent);
  await Promise.all([
    firewall.set(everything),
    firewall.change({ remove: { ports: everything.ports } }),
    firewall.change({ add: { ports: everything.ports } }),
  ]);
  assert.deepEqual(
    kernel.changes.map(({ remove, add }) => [remove.elements.length > 0, add.elements.length > 0]),
    [
      [true, false],
      [false, true],
    ],
  );
});
