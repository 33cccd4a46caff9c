/**
 * Hosts that are only there in the cluster store: each with a lease, its own key, and endpoints on the networks in turn, all on other
 * addresses. Settings are JSON in SIMULATED. Writes 'ready' when they are there; then, on each line of standard input, `change COUNT`: so
 * many endpoints come and go one after the other, and 'done' is written.
 */
import { createInterface } from 'node:readline';
import { createEtcd } from '../../src/cluster/etcd/client.ts';
import { encodeEndpoint } from '../../src/cluster/endpoint-record.ts';
import { encodeHost } from '../../src/cluster/host-record.ts';
import { clusterKeys } from '../../src/cluster/keys.ts';
import type { ClusterEndpoint } from '../../src/network/cluster.ts';

export interface Simulated {
  etcd: readonly string[];
  prefix: string;
  hosts: number;
  /** Of each host. */
  endpoints: number;
  networks: readonly { id: string; /** '10.1': of its addresses, the last two bytes are free. */ base: string }[];
}

/** Seconds: longer than any measurement. */
const LEASE = 3600;
/** etcd takes 128 operations a transaction. */
const BATCH = 100;

const {
  etcd: endpoints,
  prefix,
  hosts,
  endpoints: each,
  networks,
} = JSON.parse(process.env['SIMULATED'] ?? '') as Simulated;
const etcd = createEtcd({ endpoints, timeout: 30_000 });
const keys = clusterKeys(prefix);
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

/** Names as long as those that people give. */
function endpointOf(number: number): ClusterEndpoint {
  const { id: networkId, base } = networks[number % networks.length] ?? { id: '', base: '' };
  const id = hex(number, 8).repeat(8);
  const containerName = `service-${number}-web-1`;
  return {
    id,
    networkId,
    addresses: [`${base}.${16 + Math.floor(number / 250)}.${2 + (number % 250)}/16`],
    mac: `02:42:${hex(number, 8).replace(/(..)(?!$)/g, '$1:')}`,
    containerId: id,
    containerName,
    names: [containerName, `service-${number}`, id.slice(0, 12)],
  };
}

const hostOf = (number: number) => ({
  id: hex(0x1000 + number, 32),
  name: `host-${number}`,
  address: `198.18.${Math.floor(number / 250)}.${1 + (number % 250)}`,
  vxlanPort: 4789,
  version: '0.0.0',
});

for (let number = 0; number < hosts; number++) {
  const lease = await etcd.grant(LEASE);
  const host = hostOf(number);
  const puts = [{ put: keys.host(host.name), value: encodeHost(host), lease }];
  for (let i = 0; i < each; i++) {
    const endpoint = endpointOf(number * each + i);
    const values = encodeEndpoint(endpoint, host);
    puts.push(...keys.endpoint(endpoint).map((put, k) => ({ put, value: values[k] ?? Buffer.alloc(0), lease })));
  }
  for (let i = 0; i < puts.length; i += BATCH) await etcd.transact({ when: [], then: puts.slice(i, i + BATCH) });
}
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line.split(' ')[1]);
  for (let i = 0; i < count; i++) {
    const endpoint = endpointOf(hosts * each + i);
    const [key = ''] = keys.endpoint(endpoint);
    const [value = Buffer.alloc(0)] = encodeEndpoint(endpoint, hostOf(0));
    await etcd.transact({ when: [], then: [{ put: key, value }] });
    await etcd.transact({ when: [], then: [{ delete: { key } }] });
  }
  process.stdout.write('done\n');
}
etcd.close();
