import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterStatus } from '../deps.ts';
import { FakeEtcd } from '../etcd/fake-etcd.ts';
import { endpointsOf, votersIn } from './members.ts';
import { majority, quorumNote } from './quorum.ts';
import { askMembers, reportOf } from './report.ts';

const member = (name: string, n: number, learner = false) => ({
  id: BigInt(n),
  name,
  peerUrls: [`https://192.0.2.${n}:2380`],
  clientUrls: name === '' ? [] : [`https://192.0.2.${n}:2379`],
  learner,
});
const host = (name: string, n: number, self = false) => ({
  id: 'ab',
  name,
  address: `192.0.2.${n}`,
  vxlanPort: 4789,
  version: '1.0',
  self,
});
const status: ClusterStatus = {
  state: 'joined',
  reason: '',
  prefix: '/berth',
  hosts: [host('a', 1, true), host('b', 2), host('c', 3)],
  lease: { ttl: 30, left: 20 },
  sinceContact: 10,
  revision: 1n,
  lag: 0n,
  networks: 2,
  followed: 0,
  endpoints: { own: 0, waiting: 0, others: 0 },
};

void describe('the report of a cluster', () => {
  void test('hosts with their members, members whose host is not heard of, one that has not started', () => {
    const members = [
      { ...member('a', 1), answers: true, leads: true },
      { ...member('b', 2), answers: false, leads: false },
      { ...member('d', 4), answers: true, leads: false },
      { ...member('', 5, true), answers: false, leads: false },
    ];
    const report = reportOf('managed', status, [], members);
    assert.deepEqual(
      report.hosts.map(({ name, address, role, state }) => `${name} ${address} ${role} ${state}`),
      [
        '(starting) 192.0.2.5 learner down',
        'a 192.0.2.1 leader up',
        'b 192.0.2.2 member etcd down',
        'c 192.0.2.3 client up',
        'd 192.0.2.4 member only etcd',
      ],
    );
    assert.deepEqual(report.quorum, { voters: 3, answering: 2 });
    assert.deepEqual(
      endpointsOf(members),
      [1, 2, 4].map((n) => `https://192.0.2.${n}:2379`),
    );
    assert.equal(votersIn(members).length, 3);
  });

  void test('without etcd, or with another’s, roles are not known', () => {
    for (const kind of ['managed', 'given'] as const) {
      const { hosts, quorum } = reportOf(kind, status, [], undefined);
      assert.deepEqual([...new Set(hosts.map(({ role }) => role))], ['']);
      assert.equal(quorum, undefined);
    }
  });

  void test('every member is asked by itself; one that does not answer is no reason to fail', async () => {
    const etcd = new FakeEtcd();
    etcd.memberList = [member('a', 1), member('b', 2), member('', 3, true)];
    const open: string[] = [];
    const states = await askMembers(
      etcd.client(),
      ({ endpoints }) => {
        open.push(...endpoints);
        const client = etcd.client();
        client.available = endpoints[0] !== 'https://192.0.2.2:2379';
        return client;
      },
      { endpoints: [], timeout: 1 },
    );
    assert.deepEqual(open, ['https://192.0.2.1:2379', 'https://192.0.2.2:2379']);
    assert.deepEqual(
      states.map(({ name, answers, leads }) => [name, answers, leads]),
      [
        ['a', true, true],
        ['b', false, false],
        ['', false, false],
      ],
    );
  });
});

void test('what a number of members bears', () => {
  assert.deepEqual([1, 2, 3, 4, 5].map(majority), [1, 2, 2, 3, 3]);
  assert.deepEqual([3, 5].flatMap(quorumNote), []);
  assert.match(quorumNote(1)[0] ?? '', /^one member is left/);
  assert.match(quorumNote(2)[0] ?? '', /either one that is down stops changes/);
  assert.match(quorumNote(4)[0] ?? '', /^4 members bear no more than 1 that is down, as 3 do: one more makes it 2$/);
});
