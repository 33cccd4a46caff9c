/**
 * Where things are in the cluster store. Below the prefix ('/berth'):
 *
 *     networks/<network>              the record of a network, JSON
 *     plan                            written with every network that is made: whoever compares it has seen them all
 *     endpoints/<network>/<address>   an endpoint, JSON, at its first address; at its second one who has it. Ends with the host's lease
 *     hosts/<name>                    a host, JSON. Ends with its lease
 *     underlay/<address>              whose address of the underlay it is: the host's ID. Ends with its lease
 */
import type { ClusterEndpoint } from '../network/cluster.ts';

export interface ClusterKeys {
  networks: string;
  network(id: string): string;
  plan: string;
  /** Of all endpoints of a network. */
  endpoints(networkId: string): string;
  /** Of one endpoint, in the order of its addresses. */
  endpoint(endpoint: Pick<ClusterEndpoint, 'networkId' | 'addresses'>): string[];
  hosts: string;
  host(name: string): string;
  underlay(address: string): string;
}

export const clusterKeys = (prefix: string): ClusterKeys => ({
  networks: `${prefix}/networks/`,
  network: (id) => `${prefix}/networks/${id}`,
  plan: `${prefix}/plan`,
  endpoints: (networkId) => `${prefix}/endpoints/${networkId}/`,
  endpoint: ({ networkId, addresses }) =>
    addresses.map((address) => `${prefix}/endpoints/${networkId}/${bare(address)}`),
  hosts: `${prefix}/hosts/`,
  host: (name) => `${prefix}/hosts/${name}`,
  underlay: (address) => `${prefix}/underlay/${address}`,
});

/** '10.0.0.2/24' → '10.0.0.2' */
export const bare = (address: string): string => {
  const end = address.indexOf('/');
  return end < 0 ? address : address.slice(0, end);
};
