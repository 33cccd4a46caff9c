/** Networks and ports for unit tests and golden files: every mode once, in both families where that differs. */
import type { NetworkRules, PortRule } from '../drivers/plan.ts';
import type { FirewallState } from './firewall.ts';

export const network = (
  bridge: string,
  number: number,
  family: 4 | 6,
  rest: Partial<NetworkRules> = {},
): NetworkRules => ({
  bridge,
  family,
  subnets: [family === 4 ? `172.${16 + number}.0.0/16` : `fd00:${number}::/64`],
  mode: 'nat',
  masquerade: true,
  sourceAddress: '',
  internal: false,
  interContainer: true,
  trustedInterfaces: [],
  ...rest,
});

export const port = (bridge: string, address: string, rest: Partial<PortRule> = {}): PortRule => ({
  bridge,
  protocol: 'tcp',
  hostAddress: address.includes(':') ? '::' : '0.0.0.0',
  hostPort: 8080,
  address,
  port: 80,
  ...rest,
});

export const everything: FirewallState = {
  networks: [
    network('docker0', 1, 4),
    network('docker0', 1, 6),
    network('br-open', 2, 4, { mode: 'nat-unprotected', subnets: ['172.18.0.0/16', '10.18.4.0/22'] }),
    network('br-routed', 3, 4, { mode: 'routed' }),
    network('br-routed', 3, 6, { mode: 'routed' }),
    network('br-isolated', 4, 4, { mode: 'isolated', internal: true }),
    network('br-internal', 5, 4, { internal: true }),
    network('br-closed', 6, 4, { interContainer: false, trustedInterfaces: ['eth1'] }),
    network('br-source', 7, 4, { sourceAddress: '192.0.2.7' }),
    network('br-source', 7, 6, { sourceAddress: '2001:db8::7' }),
    network('br-bare', 8, 4, { masquerade: false }),
  ],
  ports: [
    port('docker0', '172.17.0.2'),
    port('docker0', '172.17.0.2', { hostPort: 8081 }),
    port('docker0', 'fd00:1::2'),
    port('docker0', '172.17.0.3', { protocol: 'udp', hostAddress: '127.0.0.1', hostPort: 53, port: 53 }),
    port('docker0', 'fd00:1::3', { protocol: 'sctp', hostAddress: '2001:db8::1', hostPort: 9, port: 9 }),
    port('br-routed', '172.19.0.2', { hostPort: 0 }),
    port('br-routed', 'fd00:3::2', { hostPort: 0 }),
    port('br-closed', '172.22.0.2', { hostAddress: '192.0.2.1', hostPort: 443, port: 443 }),
  ],
  hosts: [
    { address: '192.0.2.8', port: 4789 },
    { address: '192.0.2.9', port: 4789 },
    { address: '2001:db8::9', port: 4789 },
  ],
};
