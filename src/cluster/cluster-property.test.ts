/**
 * Two to five hosts on one store, and whatever may happen to them in any order. At no revision does the store have an address of two
 * endpoints; and when everything is well again, every host's endpoints, networks and view are the store's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeEndpoint, decodeHolder } from './endpoint-record.ts';
import { FakeEtcd } from './etcd/fake-etcd.ts';
import { TestClock } from './testing-clock.ts';
import { Listener, TestHost, endpoint, hex, network, settingsOf } from './testing-hosts.ts';

const NETWORKS = [1, 2] as const;

type EndpointStep = {
  do: 'claim' | 'release' | 'rename';
  host: number;
  id: number;
  network: number;
  last: number;
  both: boolean;
};
type Step =
  | EndpointStep
  | { do: 'create' | 'remove' | 'follow' | 'unfollow'; host: number; network: number }
  | { do: 'away' | 'hold' | 'lose' | 'kill'; host: number; on: boolean }
  | { do: 'down'; on: boolean }
  | { do: 'snapshot' | 'compact' }
  | { do: 'restore'; sameId: boolean }
  | { do: 'wait'; milliseconds: number };

const host = fc.nat(4);
const networkNumber = fc.constantFrom(...NETWORKS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('claim', 'claim', 'release', 'rename'),
      host,
      id: fc.integer({ min: 1, max: 12 }),
      network: networkNumber,
      last: fc.integer({ min: 2, max: 5 }),
      both: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('create', 'remove', 'follow', 'unfollow'),
      host,
      network: networkNumber,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('away', 'hold', 'lose', 'kill'), host, on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('down'), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('snapshot', 'compact') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore'), sameId: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), milliseconds: fc.constantFrom(1, 300, 4000, 12_000) }) },
);

/** One host as its network sees it: what it has been given, and not lost or given back. */
class Model {
  readonly name: string;
  readonly memory = new Map<string, string>();
  readonly has = new Map<string, ReturnType<typeof endpoint>>();
  readonly follows = new Set<string>();
  /** Calls under way: by endpoint. */
  readonly busy = new Set<string>();
  #made = 0;
  readonly #etcd: FakeEtcd;
  readonly #clock: TestClock;
  host: TestHost;

  constructor(etcd: FakeEtcd, clock: TestClock, name: string) {
    this.#etcd = etcd;
    this.#clock = clock;
    this.name = name;
    this.host = this.#start(new Listener());
  }

  #start(listener: Listener): TestHost {
    const host = new TestHost(this.#etcd, this.#clock, this.name, { memory: this.memory, listener });
    listener.onRemoved = (id) => this.follows.delete(id);
    listener.onLost = (id) => {
      this.has.delete(id);
      void host.cluster.release(id);
    };
    void host.control.join(settingsOf(this.name));
    host.cluster.begin(listener, [...this.has.values()], [...listener.networks.values()]);
    for (const id of this.follows) host.cluster.follow(id).catch(() => undefined);
    return host;
  }

  /** kill -9, and the next daemon: of calls under way it knows nothing. */
  async kill(): Promise<void> {
    const old = this.host;
    old.away = true;
    Object.assign(old.listener, { onLost: () => undefined, onRemoved: () => undefined });
    void old.cluster.close({ keep: true });
    this.busy.clear();
    const listener = new Listener();
    for (const [id, record] of old.listener.networks) listener.networks.set(id, record);
    this.host = this.#start(listener);
  }

  /** The caller does one thing with an endpoint at a time. */
  async call(id: string, body: (host: TestHost) => Promise<() => void>): Promise<void> {
    const { host } = this;
    this.busy.add(id);
    try {
      const done = await body(host);
      if (host === this.host) done();
    } catch (error) {
      assert.equal((error as Error).name, 'BerthError', String((error as Error).stack));
    } finally {
      if (host === this.host) this.busy.delete(id);
    }
  }

  do(step: Step): void {
    if (step.do === 'away') this.host.away = step.on;
    if (step.do === 'hold' && this.host.etcd) this.host.etcd.held = step.on;
    if (step.do === 'lose' && this.host.etcd) this.host.etcd.loseAnswers = step.on ? 2 : 0;
    if (step.do === 'kill') void this.kill();
    if ('network' in step) this.#ask(step);
  }

  #ask(step: Extract<Step, { network: number }>): void {
    const id = hex(step.network);
    if (step.do === 'create') {
      void this.call('', async ({ cluster }) => {
        await cluster.createNetwork((others) => {
          const taken = others.find((one) => one.id === id);
          return taken ? network(step.network + 100 + others.length) : network(step.network);
        });
        return () => undefined;
      });
    } else if (step.do === 'remove') {
      void this.call('', async ({ cluster }) => {
        await cluster.removeNetwork(id);
        return () => undefined;
      });
    } else if (step.do === 'follow') {
      this.follows.add(id);
      void this.call('', async ({ cluster }) => {
        await cluster.follow(id);
        return () => undefined;
      });
    } else if (step.do === 'unfollow') {
      this.follows.delete(id);
      this.host.cluster.unfollow(id);
      this.host.listener.peers.delete(id);
    } else if ('last' in step) this.#endpoint(step);
  }

  #endpoint(step: EndpointStep): void {
    const claims = step.do === 'claim';
    const [known] = claims ? [] : [...this.has.values()].slice(step.id % Math.max(1, this.has.size));
    // An ID is never used again, as with random ones.
    const number = ++this.#made * 10 + this.name.charCodeAt(0) - 96;
    const id = claims ? hex(number) : (known?.id ?? hex(0));
    if (this.busy.has(id)) return;
    if (claims) {
      const addresses = [`10.0.${step.network}.${step.last}/24`, ...(step.both ? [`fd00::${step.last}/64`] : [])];
      const wanted = endpoint(number, step.network, step.last, { addresses });
      void this.call(id, async ({ cluster }) => {
        const taken = await cluster.claim(wanted);
        return () => void (taken.length === 0 && this.has.set(id, wanted));
      });
    } else if (step.do === 'rename' && known) {
      const renamed = { ...known, containerName: `x${step.last}`, names: [`x${step.last}`] };
      void this.call(id, async ({ cluster }) => {
        await cluster.rename(renamed);
        return () => void (this.has.has(id) && this.has.set(id, renamed));
      });
    } else if (step.do === 'release') {
      this.has.delete(id);
      void this.call(id, async ({ cluster }) => {
        await cluster.release(id);
        return () => undefined;
      });
    }
  }
}

/** Every address in the store is that of the one endpoint that says it has it; and no key went from one host's to another's. */
function checkStore(etcd: FakeEtcd): void {
  const prefix = '/berth/endpoints/';
  const kvs = etcd.store.range({ prefix });
  const holders = new Map(kvs.map(({ key, value }) => [key, decodeHolder(value)]));
  for (const { key, value } of kvs) {
    const [, networkId = '', address = ''] = /endpoints\/(.*)\/(.*)$/.exec(key) ?? [];
    const found = decodeEndpoint(networkId, address, value, (one) => one)?.endpoint;
    for (const one of found?.addresses ?? []) {
      const at = `${prefix}${networkId}/${one.replace(/\/.*/, '')}`;
      assert.equal(holders.get(at)?.endpointId, found?.id, `${at} is not its endpoint's`);
    }
    assert.ok(etcd.store.range({ key: `/berth/networks/${networkId}` }).length === 1, 'an endpoint without network');
  }
  const last = new Map<string, string>();
  for (const { events } of etcd.store.since({ prefix }, 1n)) {
    for (const event of events) {
      if (event.kind === 'delete') last.delete(event.key);
      else {
        const { hostId } = decodeHolder(event.kv.value);
        const before = last.get(event.kv.key);
        assert.ok(before === undefined || before === hostId, `${event.kv.key} was taken from another host`);
        last.set(event.kv.key, hostId);
      }
    }
  }
}

function checkViews(etcd: FakeEtcd, models: readonly Model[]): void {
  const networks = etcd.store.range({ prefix: '/berth/networks/' }).map(({ key }) => key.slice(-64));
  for (const { name, host, has, follows } of models) {
    const { listener, control } = host;
    const status = control.status();
    assert.equal(status.state, 'joined', `${name}: ${status.reason}`);
    assert.equal(status.endpoints.waiting, 0);
    assert.deepEqual([...listener.networks.keys()].toSorted(), networks, `networks of ${name}`);
    const placed = (id: string) =>
      etcd.store.range({ prefix: `/berth/endpoints/${id}/` }).flatMap(({ key, value }) => {
        const found = decodeEndpoint(id, key.slice(key.lastIndexOf('/') + 1), value, (one) => one);
        return found ? [{ ...found.endpoint, hostId: found.hostId }] : [];
      });
    const mine = networks.flatMap(placed).filter(({ hostId }) => hostId === settingsOf(name).hostId);
    const sorted = (list: readonly { id: string; names: readonly string[] }[]): string[] =>
      list.map(({ id, names }) => `${id} ${names.join()}`).toSorted();
    assert.deepEqual(sorted(mine), sorted([...has.values()]), `endpoints of ${name}`);
    for (const id of follows) {
      if (!networks.includes(id)) continue;
      const others = placed(id).filter(({ hostId }) => hostId !== settingsOf(name).hostId);
      assert.deepEqual(sorted([...(listener.peers.get(id)?.values() ?? [])]), sorted(others), `peers of ${name}`);
    }
    const failed = host.warnings.filter((text) => /could not be (followed|released)|left out/.test(text));
    assert.deepEqual(failed, []);
  }
}

void test('whatever happens: no address is booked twice, and in the end all agree', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 5 }),
      fc.array(step, { maxLength: 60, size: 'max' }),
      async (count, steps) => {
        const etcd = new FakeEtcd();
        const clock = new TestClock(etcd);
        const models = Array.from({ length: count }, (_, i) => new Model(etcd, clock, 'abcde'[i] ?? ''));
        let snapshot = etcd.snapshot();
        await clock.advance(100);
        models[0]?.do({ do: 'create', host: 0, network: 1 });
        for (const model of models) model.do({ do: 'follow', host: 0, network: 1 });
        await clock.advance(1);
        for (const one of steps) {
          if ('host' in one) models[one.host % count]?.do(one);
          else if (one.do === 'down') etcd.available = !one.on;
          else if (one.do === 'snapshot') snapshot = etcd.snapshot();
          else if (one.do === 'restore') etcd.restore(snapshot, { sameClusterId: one.sameId });
          else if (one.do === 'compact') {
            if (etcd.store.compacted < etcd.store.revision) etcd.compact(etcd.store.revision);
          } else if (one.do === 'wait') await clock.advance(one.milliseconds);
          await clock.advance(1);
          checkStore(etcd);
        }
        etcd.available = true;
        for (const { host } of models) {
          if (!host.etcd) continue;
          host.away = false;
          Object.assign(host.etcd, { held: false, loseAnswers: 0 });
        }
        await clock.advance(60_000);
        checkStore(etcd);
        checkViews(etcd, models);
        for (const { host } of models) {
          void host.cluster.close({ keep: false });
        }
        await clock.advance(10_000);
        assert.deepEqual(etcd.store.range({ prefix: '/berth/endpoints' }), []);
        assert.deepEqual(etcd.store.range({ prefix: '/berth/hosts' }), []);
      },
    ),
    { numRuns: 80 },
  );
});
