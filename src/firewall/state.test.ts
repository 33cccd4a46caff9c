import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeFirewall } from './fake-firewall.ts';
import { everything, network, port } from './fixture.ts';
import { linkName, parseMark } from './names.ts';
import { ElementLedger, portElements } from './nftables/elements.ts';
import { staleFlows } from './stale-flows.ts';
import { DesiredState } from './state.ts';

void test('a change holds what makes a difference', () => {
  const state = new DesiredState(everything);
  const [first] = everything.ports;
  assert.ok(first);
  assert.deepEqual(state.plan({ add: { ports: [{ ...first }] } }).added.ports, [], 'it is there already');
  assert.deepEqual(
    state.plan({ remove: { ports: [{ ...first, address: '172.17.0.9' }] } }).removed.ports,
    [],
    'not his',
  );
  const back = state.plan({ remove: { ports: [first] }, add: { ports: [first] } });
  assert.deepEqual([back.removed.ports, back.added.ports], [[], []], 'taken away and given back');
  const moved = state.plan({ remove: { ports: [first] }, add: { ports: [{ ...first, address: '172.17.0.9' }] } });
  assert.deepEqual([moved.removed.ports.length, moved.added.ports.length], [1, 1]);
  assert.throws(() => state.plan({ add: { ports: [{ ...first, address: '172.17.0.9' }] } }), /two rules for one place/);
  assert.deepEqual(state.ports.length, everything.ports.length, 'plan() changes nothing');
  state.commit(moved);
  assert.deepEqual(state.ports.at(-1)?.address, '172.17.0.9');
});

void test('two host ports that lead to one port of a container open it once', () => {
  const ledger = new ElementLedger();
  const options = { bridged: { 4: false, 6: false } };
  const elements = (hostPort: number) => portElements(port('br', '10.0.0.2', { hostPort }), undefined, options);
  const sets = (all: readonly { set: string }[]): string[] => all.map(({ set }) => set);
  assert.deepEqual(sets(ledger.add(elements(1))), ['open4', 'any-address4']);
  assert.deepEqual(sets(ledger.add(elements(2))), ['any-address4']);
  assert.deepEqual(sets(ledger.remove(elements(1))), ['any-address4']);
  assert.deepEqual(sets(ledger.remove(elements(2))), ['open4', 'any-address4']);
  assert.deepEqual(ledger.remove(elements(2)), []);
});

void test('whatever comes and goes, the ledger knows what is wanted', () => {
  const element = fc.record({
    set: fc.constantFrom('a', 'b'),
    key: fc.constantFrom('1', '2', '3'),
    value: fc.constant(''),
  });
  fc.assert(
    fc.property(fc.array(fc.array(element, { maxLength: 4 }), { maxLength: 20 }), (steps) => {
      const ledger = new ElementLedger();
      const kernel = new Set<string>();
      const id = ({ set, key }: { set: string; key: string }): string => `${set} ${key}`;
      for (const step of steps) {
        for (const one of ledger.add(step)) {
          assert.ok(!kernel.has(id(one)), 'added twice');
          kernel.add(id(one));
        }
      }
      for (const step of steps.toReversed()) {
        for (const one of ledger.remove(step)) assert.ok(kernel.delete(id(one)), 'removed twice');
      }
      assert.equal(kernel.size, 0);
    }),
  );
});

void test('only names that are nothing more get into a rule', () => {
  for (const name of ['docker0', 'br-1a2b3c', 'eth0.5', 'brücke', 'a_b@c=d~%']) assert.equal(linkName(name), name);
  const bad = [
    '',
    'a b',
    'a"b',
    'br*',
    'br+',
    '!br',
    '-j',
    'a/b',
    'a;b',
    '$(x)',
    'a\nb',
    'sixteencharacter',
    'brückebrückebr',
  ];
  for (const name of bad) assert.throws(() => linkName(name), { kind: 'InvalidParameter' }, name);
});

void test('marks, as dockerd takes them', () => {
  assert.equal(parseMark(''), undefined);
  assert.deepEqual(parseMark('5'), { value: 5, mask: 0xffff_ffff });
  assert.deepEqual(parseMark('0x10/0xF0'), { value: 16, mask: 240 });
  for (const bad of ['x', '1/', '/1', '0x1ffffffff', '5000000000', '1 accept', '-1', '1/2/3']) {
    assert.throws(() => parseMark(bad), { kind: 'InvalidParameter' }, bad);
  }
});

void test('flows that go on are those of UDP', () => {
  const change = { networks: [], ports: everything.ports };
  assert.deepEqual(staleFlows({ removed: { networks: [], ports: [] }, added: change }), [
    { family: 4, port: 53, address: '127.0.0.1' },
  ]);
  const udp = port('br', 'fd00::2', { protocol: 'udp' });
  assert.deepEqual(
    staleFlows({
      removed: { networks: [], ports: [udp] },
      added: { networks: [], ports: [{ ...udp, address: 'fd00::3' }] },
    }),
    [{ family: 6, port: 8080, address: '' }],
  );
});

void test('the fake refuses what no caller should ask for', async () => {
  const fake = new FakeFirewall();
  const base = network('br', 1, 4);
  const web = port('br', '172.17.0.2');
  await assert.rejects(fake.change({}), /before set/);
  await fake.set({ networks: [base], ports: [] });
  await assert.rejects(fake.change({ add: { networks: [base] } }), /added twice: network/);
  await assert.rejects(fake.change({ add: { ports: [port('br2', '172.17.0.2')] } }), /without its network/);
  await assert.rejects(
    fake.change({ add: { ports: [port('br', 'fd00::2')] } }),
    /without its network/,
    'of its family',
  );
  await fake.change({ add: { ports: [web] } });
  await assert.rejects(fake.change({ add: { ports: [web] } }), /added twice: port/);
  await assert.rejects(fake.change({ remove: { networks: [base] } }), /without its network/);
  const host = { address: '192.0.2.9', port: 4789 };
  await fake.change({ add: { hosts: [host] } });
  await assert.rejects(fake.change({ add: { hosts: [host] } }), /added twice: host/);
  await fake.change({ remove: { hosts: [host, host] } });
  assert.deepEqual(fake.state(), { networks: [base], ports: [web] }, 'what was refused changed nothing');
  await fake.change({ remove: { networks: [base], ports: [web] } });
  await fake.change({ remove: { networks: [base], ports: [web] } });
  fake.failNext = new Error('kernel');
  await assert.rejects(fake.change({ add: { networks: [base] } }), /kernel/);
  assert.deepEqual(fake.state(), { networks: [], ports: [] });
  await fake.remove();
  assert.equal(fake.up, false);
});
