/** Three members, of which some are killed, silent or cut off; the client beside them loses no change and repeats no write. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { EtcdOptions } from '../../src/cluster/etcd/port.ts';
import { Recorder } from '../../src/cluster/etcd/testing-contract-watch.ts';
import { put, refused, write } from '../../src/cluster/etcd/testing-world.ts';
import { until } from '../support/wait.ts';
import { address4, createUnderlay } from '../support/underlay.ts';
import type { Members } from './members.ts';
import { startMembers, withoutEtcd } from './members.ts';
import type { RemoteEtcd } from './remote.ts';
import { connect } from './remote.ts';
import { startTraffic } from './traffic.ts';

/** Of one call, and for a watch to start. */
const TIMEOUT = 3000;

void test('three members and their faults', { skip: withoutEtcd }, async (t) => {
  await using stack = new AsyncDisposableStack();
  const underlay = stack.use(await createUnderlay());
  const hosts = [];
  for (const n of [1, 2, 3, 9]) hosts.push(stack.use(await underlay.host(n)));
  const beside = hosts.pop();
  assert.ok(beside);
  const etcd = stack.use(await startMembers(hosts.map((host, index) => ({ host, address: address4(index + 1) }))));
  const scenarios: Scenarios = {
    etcd,
    underlay,
    client: (first, options) => {
      const endpoints = [...etcd.endpoints.slice(first), ...etcd.endpoints.slice(0, first)];
      return connect(beside, { endpoints, timeout: TIMEOUT, ...options });
    },
  };
  const all = {
    killed,
    silent,
    cutFromItsLeader,
    leaderCut,
    unplugged,
    withoutQuorum,
    nobodyThere,
    restartedAll,
    restored,
  };
  for (const scenario of Object.values(all)) {
    // What the one before has done to it is over: each member answers, and by the majority's leave.
    const healthy = async (): Promise<boolean> =>
      etcd
        .ctl('endpoint', 'health')
        .then(() => true)
        .catch(() => false);
    await until(healthy, 20_000, 'an etcd in health');
    await t.test(scenario.name, (t) => scenario(scenarios, t));
  }
});

interface Scenarios {
  etcd: Members;
  underlay: Awaited<ReturnType<typeof createUnderlay>>;
  /** Asks that member first. */
  client: (first: number, options?: Partial<EtcdOptions>) => RemoteEtcd;
}

/** One of the members that do not lead. */
const follower = async (etcd: Members): Promise<number> => ((await etcd.leader()) + 1) % 3;

async function killed({ etcd, client }: Scenarios): Promise<void> {
  const first = await etcd.leader();
  await using writer = client(first);
  await using reader = client(first);
  await using traffic = await startTraffic(writer, reader, 'killed/');
  await traffic.goesOn();
  // The leader, then another one.
  for (const member of [first, (first + 1) % 3]) {
    await etcd.kill(member);
    await traffic.goesOn();
    await etcd.start(member);
    await traffic.goesOn();
  }
  await traffic.verify(etcd);
}

async function silent({ etcd, client }: Scenarios): Promise<void> {
  for (const member of [await etcd.leader(), await follower(etcd)]) {
    await using writer = client(member);
    await using reader = client(member);
    await using traffic = await startTraffic(writer, reader, `silent${member}/`);
    await traffic.goesOn();
    await etcd.freeze(member);
    // A read is answered by another one, though this one still takes what is sent.
    await reader.get({ prefix: 'silent' });
    await traffic.goesOn();
    await etcd.thaw(member);
    await traffic.verify(etcd);
  }
}

async function cutFromItsLeader({ etcd, client }: Scenarios): Promise<void> {
  const member = await follower(etcd);
  await using writer = client(member);
  await using reader = client(member);
  await using traffic = await startTraffic(writer, reader, 'cut/');
  await traffic.goesOn();
  await etcd.cut(member, 'peers');
  await traffic.goesOn();
  await etcd.mend(member);
  await traffic.verify(etcd);
}

async function leaderCut({ etcd, client }: Scenarios): Promise<void> {
  const member = await etcd.leader();
  await using writer = client(member);
  await using reader = client(member);
  await using traffic = await startTraffic(writer, reader, 'leader/');
  await traffic.goesOn();
  await etcd.cut(member, 'peers');
  await traffic.goesOn();
  await etcd.mend(member);
  await traffic.verify(etcd);
}

async function unplugged({ etcd, underlay, client }: Scenarios): Promise<void> {
  const member = await follower(etcd);
  await using writer = client(member);
  await using reader = client(member);
  await using traffic = await startTraffic(writer, reader, 'unplugged/');
  await traffic.goesOn();
  await underlay.cut(member + 1);
  await traffic.goesOn();
  await underlay.join(member + 1);
  await traffic.verify(etcd);
}

async function withoutQuorum({ etcd, client }: Scenarios): Promise<void> {
  await using one = client(0, { timeout: 1500 });
  await using traffic = await startTraffic(one, one, 'quorum/');
  await traffic.goesOn();
  const lease = await one.grant(600);
  await etcd.kill(1);
  await etcd.kill(2);
  const calls = [one.get({ prefix: 'quorum/' }), write(one, put('quorum', ''))];
  await Promise.all(calls.map((call) => refused(call, 'unavailable')));
  // A leader keeps leases alive by itself, until it has heard of nobody for an election's time.
  await refused(one.keepAlive(lease), 'unavailable');
  // What says how things are is answered nevertheless.
  assert.equal((await one.members()).length, 3);
  assert.equal((await one.status()).leader, 0n);
  await Promise.all([etcd.start(1), etcd.start(2)]);
  await traffic.goesOn();
  assert.equal(await one.keepAlive(lease), 600);
  await traffic.verify(etcd);
}

async function nobodyThere({ etcd, client }: Scenarios): Promise<void> {
  // No host at all, no port on a host, and one that answers.
  const endpoints = [`http://${address4(77)}:2379`, `http://${address4(1)}:9`, ...etcd.endpoints.slice(2)];
  await using one = client(0, { endpoints });
  const { revision } = await one.get({ prefix: 'nobody/' });
  const told = new Recorder(one, { prefix: 'nobody/' }, revision + 1n);
  await write(one, put('nobody/k', 'v'));
  await told.tells('+nobody/k=v@0');
  assert.equal(await etcd.ctl('get', 'nobody/', '--prefix'), 'nobody/k\nv\n');
  await using none = client(0, { endpoints: endpoints.slice(0, 2), timeout: 500 });
  await refused(none.get({ prefix: '' }), 'unavailable');
  await refused(write(none, put('nobody/l', 'v')), 'unavailable');
}

async function restartedAll({ etcd, client }: Scenarios): Promise<void> {
  await using writer = client(0);
  await using reader = client(1);
  await using traffic = await startTraffic(writer, reader, 'restarted/');
  await traffic.goesOn();
  await Promise.all([0, 1, 2].map((member) => etcd.kill(member)));
  await Promise.all([0, 1, 2].map((member) => etcd.start(member)));
  await traffic.goesOn();
  await traffic.verify(etcd);
}

async function restored({ etcd, client }: Scenarios, t: TestContext): Promise<void> {
  await using one = client(0);
  for (const sameId of [false, true]) {
    await t.test(sameId ? 'with the ID that it had' : 'with another ID', async () => {
      const prefix = `restored${String(sameId)}/`;
      const before = await write(one, put(`${prefix}k`, '1'));
      const file = await etcd.save();
      const { clusterId } = await one.get({ prefix });
      const told = new Recorder(one, { prefix }, before + 1n);
      await write(one, put(`${prefix}k`, '2'));
      await told.tells(`+${prefix}k=2@0`);
      await etcd.restore(file, { sameId });
      // Another history of the same length.
      for (let n = 0; n < 5; n++) await etcd.ctl('put', `${prefix}k`, 'another');
      await told.until(() => told.compactedAt !== undefined, 'the watch ending');
      assert.deepEqual(told.lines, [`+${prefix}k=2@0`]);
      const after = await one.get({ prefix });
      assert.equal(after.kvs[0]?.value.toString(), 'another');
      assert.equal(after.clusterId === clusterId, sameId);
    });
  }
}
