import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printer } from '../format/listing.ts';
import { clusterText, hostListing } from './cluster.ts';
import type { ClusterStatus } from './cluster.ts';

const status: ClusterStatus = {
  Kind: 'managed',
  State: 'away',
  Reason: 'no answer',
  Endpoints: ['https://192.0.2.1:2379', 'https://192.0.2.2:2379'],
  Prefix: '/berth',
  Quorum: { Voters: 2, Answering: 1 },
  Networks: 3,
  Hosts: [
    { Name: 'a', Address: '192.0.2.1', Self: true, Role: 'leader', State: 'up', Version: '1.0' },
    { Name: 'b', Address: '192.0.2.2', Self: false, Role: '', State: 'down', Version: '' },
  ],
};

void test('the state of a cluster for people', async () => {
  assert.equal(
    clusterText(status),
    `State:     away: no answer
etcd:      https://192.0.2.1:2379, https://192.0.2.2:2379
Members:   1 of 2 answer, 2 needed: nothing can be changed until more of them do
Networks:  3

`,
  );
  assert.equal(
    (await printer(hostListing, ''))(status.Hosts),
    `HOST      ADDRESS     ETCD      STATE     VERSION
a *       192.0.2.1   leader    up        1.0
b         192.0.2.2   -         down      -
`,
  );
});

void test('a given etcd shows where it is, and no cluster how to get one', () => {
  const given = clusterText({ ...status, Kind: 'given', Reason: '', Quorum: null });
  assert.match(given, /^etcd: .*:2379 \(--cluster-store, prefix \/berth\)$/m);
  assert.doesNotMatch(given, /Members/);
  assert.match(clusterText({ ...status, Kind: 'none' }), /berth cluster init .*\n.*berth cluster join TOKEN/);
});
