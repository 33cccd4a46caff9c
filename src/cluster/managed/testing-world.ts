/**
 * A host of a managed cluster for unit tests: its own store, directory and clock, etcd's stand-in, and a registry that takes everyone.
 * It runs no etcd itself; init is for tests with a kernel.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { silent } from '../../log.ts';
import { createMemoryStore } from '../../store/memory.ts';
import type { ClusterStatus } from '../deps.ts';
import { FakeEtcd } from '../etcd/fake-etcd.ts';
import { createAuthority, createRequest, issue } from './certificates.ts';
import type { Authority } from './certificates.ts';
import { createManagedCluster } from './control.ts';
import type { ManagedCluster } from './control.ts';
import { ManagedContext } from './context.ts';
import type { ManagedDeps } from './context.ts';
import { putMembership } from './membership.ts';
import { putAuthority } from './secrets.ts';

/** Of no interface but lo; every test process may have another one. */
export const ownAddress = `127.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}.2`;

export interface TestWorld extends Disposable {
  etcd: FakeEtcd;
  authority: Authority;
  deps: ManagedDeps;
  /** Of the registry. */
  hosts: ClusterStatus['hosts'][number][];
  /** Milliseconds since 1970. */
  now: number;
  cluster: ManagedCluster;
}

export async function createTestWorld(): Promise<TestWorld> {
  const root = mkdtempSync('/tmp/b-managed-');
  mkdirSync(`${root}/tmp`);
  const etcd = new FakeEtcd();
  const authority = await createAuthority(`${root}/tmp`, 'c0ffee');
  const hosts: TestWorld['hosts'] = [];
  const world = { etcd, authority, hosts, now: Date.now() };
  let joined = false;
  const status = (): ClusterStatus => ({
    state: joined ? 'joined' : 'none',
    reason: '',
    prefix: '/berth',
    hosts,
    lease: { ttl: 30, left: 30 },
    sinceContact: 0,
    revision: 1n,
    lag: 0n,
    networks: 0,
    followed: 0,
    endpoints: { own: 0, waiting: 0, others: 0 },
  });
  const deps: ManagedDeps = {
    directory: `${root}/cluster`,
    scratch: `${root}/tmp`,
    store: createMemoryStore(),
    settings: {
      store: undefined,
      advertise: '',
      name: 'a',
      vxlanPort: 4789,
      wireguardPort: 51_820,
      lease: 30,
      timeout: 1,
    },
    hostName: 'machine',
    addresses: () => [{ link: 'eth0', address: `${ownAddress}/8` }],
    etcdProgram: () => undefined,
    loadClient: async () => () => etcd.client(),
    registry: {
      join: async () => void (joined = true),
      leave: async () => void (joined = false),
      status,
    },
    inUse: () => [],
    randomHex: (bytes) => '5a'.repeat(bytes),
    now: () => world.now,
    log: silent,
  };
  const { key, request } = await createRequest(deps.scratch);
  const certificate = await issue(deps.scratch, authority, request, { name: 'a', address: ownAddress });
  await new ManagedContext(deps).writeFiles({ authority: authority.certificate, certificate, key });
  await putAuthority(etcd.client(), '/berth', authority);
  const [{ clientUrls } = { clientUrls: [] }] = etcd.memberList;
  putMembership(deps.store, {
    clusterId: 'c0ffee',
    hostName: 'a',
    address: ownAddress,
    prefix: '/berth',
    vxlanPort: 4789,
    endpoints: clientUrls,
  });
  const cluster = createManagedCluster(deps);
  return Object.assign(world, {
    deps,
    cluster,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  });
}
