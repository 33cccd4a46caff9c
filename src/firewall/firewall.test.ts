import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkRules } from '../drivers/plan.ts';
import { silent } from '../log.ts';
import { compatRules } from './compat.ts';
import type { CompatRule } from './firewall.ts';
import { createIptablesFirewall } from './iptables/backend.ts';
import { chainNames, restoreText } from './iptables/rules.ts';
import { createNftablesFirewall } from './nftables/backend.ts';
import { rulesScript, tableName } from './nftables/rules.ts';

const docker0: NetworkRules = {
  bridge: 'docker0',
  subnets: ['172.17.0.0/16', 'fd00:1::/64'],
  masquerade: true,
  interContainer: true,
  directRouting: false,
};

void test('the own table: one script, the old table replaced by the new', () => {
  assert.equal(
    rulesScript([docker0], { table: 'berth', masquerade: true }),
    `table inet berth
delete table inet berth
table inet berth {
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "docker0" oifname "docker0" accept
		oifname "docker0" ct state established,related accept
		oifname "docker0" drop
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
		ip6 saddr fd00:1::/64 oifname != "docker0" masquerade
	}
}
`,
  );
  assert.equal(rulesScript([], { table: 'berth', masquerade: false }), 'table inet berth\ndelete table inet berth\n');
  const closed = rulesScript([{ ...docker0, interContainer: false, directRouting: true }], {
    table: 'b',
    masquerade: false,
  });
  assert.match(closed, /iifname "docker0" oifname "docker0" drop/);
  assert.doesNotMatch(closed, /^\t\toifname "docker0" drop|masquerade/m);
  const ipv4 = rulesScript([{ ...docker0, subnets: ['172.17.0.0/16'] }], { table: 'b', masquerade: false });
  assert.equal(ipv4.match(/^\t\tmeta nfproto ipv4 /gm)?.length, 3);
  assert.equal(tableName('9 x"; flush ruleset'), 'b_x___flush_ruleset');
});

void test('the rules that iptables lists', () => {
  assert.deepEqual(compatRules([{ ...docker0, subnets: ['172.17.0.0/16'] }]), [
    { kind: 'masquerade', subnet: '172.17.0.0/16', bridge: 'docker0' },
    { kind: 'forward-out', family: 4, bridge: 'docker0' },
    { kind: 'forward-answers', family: 4, bridge: 'docker0' },
  ]);
  assert.deepEqual(
    compatRules([{ ...docker0, masquerade: false, directRouting: true }]).map(({ kind }) => kind),
    ['forward-out', 'forward-in', 'forward-out', 'forward-in'],
  );
});

void test('a kernel that refuses the form of iptables gets the masquerade in the own table', async () => {
  const scripts: string[] = [];
  let compat: readonly CompatRule[] = [];
  let refuse = false;
  const kernel = {
    run: (script: string) => void scripts.push(script),
    setCompat(_owner: string, rules: readonly CompatRule[]) {
      if (refuse) throw new Error('EOPNOTSUPP');
      compat = rules;
    },
  };
  const firewall = createNftablesFirewall(kernel, 'berth', silent);
  await firewall.set([docker0]);
  assert.equal(compat.length, 6);
  assert.doesNotMatch(scripts.at(-1) ?? '', /masquerade/);
  refuse = true;
  await firewall.set([docker0]);
  assert.match(scripts.at(-1) ?? '', /masquerade/);
  refuse = false;
  await firewall.remove();
  assert.deepEqual(compat, []);
  const broken = createNftablesFirewall(
    {
      ...kernel,
      run() {
        throw new Error('Operation not supported');
      },
    },
    'berth',
    silent,
  );
  await assert.rejects(async () => broken.set([docker0]), {
    kind: 'Unavailable',
    message: /Operation not supported.*--iptables=false/,
  });
});

void test('the iptables backend fills chains of its own, and jumps to them once', async () => {
  assert.equal(
    restoreText([docker0], chainNames('berth'), 4),
    `*nat
:BERTH-POSTROUT - [0:0]
-A BERTH-POSTROUT -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
*filter
:BERTH-FORWARD - [0:0]
-A BERTH-FORWARD -i docker0 -o docker0 -j ACCEPT
-A BERTH-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A BERTH-FORWARD -o docker0 -j DROP
-A BERTH-FORWARD -i docker0 -j ACCEPT
COMMIT
`,
  );
  assert.ok(chainNames('berth-with-a-very-long-name-indeed').forward.length <= 28);
  const calls: string[] = [];
  let ipv6Left = false;
  const firewall = createIptablesFirewall(async (argv) => {
    calls.push(argv.join(' '));
    if (argv.includes('-S')) return { code: ipv6Left ? 0 : 1, stderr: '' };
    return { code: argv.includes('-C') && argv.includes('nat') ? 1 : 0, stderr: '' };
  }, 'berth');
  const ipv4 = [{ ...docker0, subnets: ['172.17.0.0/16'] }];
  await firewall.set(ipv4);
  assert.deepEqual(calls, [
    'iptables-restore --noflush -w',
    'iptables -w -t nat -C POSTROUTING -j BERTH-POSTROUT',
    'iptables -w -t nat -I POSTROUTING -j BERTH-POSTROUT',
    'iptables -w -t filter -C FORWARD -j BERTH-FORWARD',
    'ip6tables -w -t filter -S BERTH-FORWARD',
  ]);
  ipv6Left = true;
  calls.length = 0;
  await firewall.set(ipv4);
  assert.deepEqual(calls.slice(5), [
    'ip6tables -w -t nat -D POSTROUTING -j BERTH-POSTROUT',
    'ip6tables -w -t nat -F BERTH-POSTROUT',
    'ip6tables -w -t nat -X BERTH-POSTROUT',
    'ip6tables -w -t filter -D FORWARD -j BERTH-FORWARD',
    'ip6tables -w -t filter -F BERTH-FORWARD',
    'ip6tables -w -t filter -X BERTH-FORWARD',
  ]);
});
