/** Hosts of a cluster on one fake etcd, for unit tests; what each listener was told makes a view, checked as it is told. */
import assert from 'node:assert/strict';
import type { LogFields } from '../log.ts';
import type { Cluster, ClusterEndpoint, ClusterListener, PlacedEndpoint } from '../network/cluster.ts';
import type { NetworkRecord } from '../network/records.ts';
import { createCluster } from './cluster.ts';
import type { ClusterControl } from './cluster.ts';
import type { ClusterSettings } from './deps.ts';
import { FakeEtcd } from './etcd/fake-etcd.ts';
import type { FakeEtcdClient } from './etcd/fake-etcd.ts';
import type { TestClock } from './testing-clock.ts';

export const hex = (number: number, digits = 64): string => number.toString(16).padStart(digits, '0');

export const network = (number: number, more: Partial<NetworkRecord> = {}): NetworkRecord => ({
  id: hex(number),
  name: `net${number}`,
  driver: 'overlay',
  created: '2026-01-01T00:00:00Z',
  ipv4: true,
  ipv6: false,
  internal: false,
  attachable: true,
  configOnly: false,
  configFrom: '',
  ipam: { driver: 'default', options: null },
  subnets: [
    {
      subnet: `10.0.${number}.0/24`,
      range: '',
      gateway: `10.0.${number}.1`,
      routeVia: `10.0.${number}.1`,
      auxiliary: {},
      configured: false,
    },
  ],
  options: {},
  labels: {},
  mac: '02:42:00:00:00:01',
  bridge: `br-${hex(number).slice(0, 12)}`,
  foreignBridge: false,
  vni: 4096 + number,
  ...more,
});

/** The last byte of its address is `last`. */
export const endpoint = (
  id: number,
  networkNumber: number,
  last: number,
  more: Partial<ClusterEndpoint> = {},
): ClusterEndpoint => ({
  id: hex(id),
  networkId: hex(networkNumber),
  addresses: [`10.0.${networkNumber}.${last}/24`],
  mac: `02:42:0a:00:${hex(networkNumber, 2)}:${hex(last, 2)}`,
  containerId: hex(id),
  containerName: `c${id}`,
  names: [`c${id}`, hex(id).slice(0, 12)],
  ...more,
});

/** What a host was told, put together; a change that makes no sense fails the test. */
export class Listener implements ClusterListener {
  readonly networks = new Map<string, NetworkRecord>();
  readonly peers = new Map<string, Map<string, PlacedEndpoint>>();
  readonly lost: { id: string; reason: string }[] = [];
  /** 'network+ net1', 'peers net +c1@a -c2@b', 'lost c1 …' */
  readonly log: string[] = [];
  /** Set while a call to Cluster is on the stack. */
  inCall = false;
  /** What the test does with a lost endpoint. */
  onLost: (id: string) => void = () => undefined;
  /** …and with a network that is no more. */
  onRemoved: (id: string) => void = () => undefined;

  #note(text: string): void {
    assert.equal(this.inCall, false, 'told out of a call');
    this.log.push(text);
  }

  networkAdded(record: NetworkRecord): void {
    this.#note(`network+ ${record.name}`);
    assert.ok(
      ![...this.networks.values()].some(({ id, name }) => id !== record.id && name === record.name),
      'a name of two networks',
    );
    this.networks.set(record.id, record);
  }

  networkRemoved(id: string): void {
    this.#note(`network- ${this.networks.get(id)?.name}`);
    assert.ok(this.networks.delete(id), 'a network that was not there');
    assert.equal(this.peers.get(id)?.size ?? 0, 0, 'a network that somebody is on');
    this.peers.delete(id);
    this.onRemoved(id);
  }

  peersChanged(
    id: string,
    {
      added,
      removed,
      whole,
    }: { added: readonly PlacedEndpoint[]; removed: readonly PlacedEndpoint[]; whole?: boolean },
  ): void {
    const list = [
      ...removed.map(({ containerName, host }) => `-${containerName}@${host.name}`),
      ...added.map(({ containerName, host }) => `+${containerName}@${host.name}`),
    ];
    this.#note(`peers ${Number(`0x${id}`)}${whole ? ' whole' : ''} ${list.join(' ')}`.trim());
    const peers = this.peers.get(id) ?? new Map<string, PlacedEndpoint>();
    assert.equal(whole === true, !this.peers.has(id), 'the first change is the whole');
    this.peers.set(id, peers);
    for (const one of removed) assert.ok(peers.delete(one.id), `${one.containerName} was not there`);
    for (const one of added) peers.set(one.id, one);
    const addresses = [...peers.values()].flatMap((one) => one.addresses);
    assert.equal(new Set(addresses).size, addresses.length, 'an address of two peers');
  }

  endpointLost(id: string, reason: string): void {
    this.#note(`lost c${Number(`0x${id}`)} ${reason}`);
    this.lost.push({ id, reason });
    this.onLost(id);
  }
}

export class TestHost {
  readonly name: string;
  readonly listener: Listener;
  readonly control: ClusterControl;
  readonly warnings: string[] = [];
  /** Of its last client. */
  etcd: FakeEtcdClient | undefined;

  constructor(
    store: FakeEtcd,
    clock: TestClock,
    name: string,
    options: { memory?: Map<string, string>; listener?: Listener } = {},
  ) {
    const note = (text: string, fields?: LogFields): void =>
      void this.warnings.push(`${text} ${fields ? JSON.stringify(fields) : ''}`.trim());
    this.name = name;
    this.listener = options.listener ?? new Listener();
    const { memory } = options;
    this.control = createCluster({
      connect: () => {
        this.etcd = store.client();
        return this.etcd;
      },
      clock,
      log: { debug() {}, info() {}, warn: note, error: note },
      mtuOf: () => 1500,
      version: '0.0.0',
      ...(memory && {
        memory: { load: () => memory.get(name), save: (text: string) => void memory.set(name, text) },
      }),
    });
  }

  get cluster(): Cluster {
    return this.control.cluster;
  }

  /** Cuts it off, or ends that. */
  set away(away: boolean) {
    if (this.etcd) this.etcd.available = !away;
  }
}

/** Host 'a' is 192.0.2.1, with ID 61…, and so on. */
export const settingsOf = (name: string, more: Partial<ClusterSettings> = {}): ClusterSettings => ({
  store: { endpoints: ['http://192.0.2.100:2379'], timeout: 5000 },
  prefix: '/berth',
  advertise: `192.0.2.${name.charCodeAt(0) - 96}`,
  vxlanPort: 4789,
  hostName: name,
  hostId: hex(name.charCodeAt(0), 32),
  leaseTtl: 10,
  timeout: 5000,
  ...more,
});
