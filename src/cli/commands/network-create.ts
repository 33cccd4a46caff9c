import type { Command } from '../command.ts';
import { createBody } from '../network/body.ts';
import { outputOf } from '../streams/output.ts';

/** Of the bridge driver, for completion. */
const OPTIONS = [
  ...[
    'name=',
    'enable_ip_masquerade=',
    'enable_icc=',
    'host_binding_ipv4=',
    'inhibit_ipv4=',
    'gateway_mode_ipv4=',
    'gateway_mode_ipv6=',
    'trusted_host_interfaces=',
  ].map((name) => `com.docker.network.bridge.${name}`),
  ...[
    'driver.mtu=',
    'container_iface_prefix=',
    'host_ipv4=',
    'host_ipv6=',
    'advertise_addr_nmsgs=',
    'advertise_addr_ms=',
  ].map((name) => `com.docker.network.${name}`),
];

export const command: Command = {
  path: 'network create',
  usage: '[OPTIONS] NETWORK',
  summary: 'Create a network',
  flags: [
    { name: 'attachable', type: 'bool', help: 'Enable manual container attachment' },
    {
      name: 'aux-address',
      type: 'list',
      placeholder: 'map',
      help: 'Auxiliary IPv4 or IPv6 addresses that no container gets (name=address)',
    },
    {
      name: 'config-from',
      type: 'string',
      help: 'The network from which to copy the configuration',
      complete: 'network',
    },
    { name: 'config-only', type: 'bool', help: 'Create a configuration only network' },
    {
      name: 'driver',
      short: 'd',
      type: 'string',
      default: 'bridge',
      help: 'Driver to manage the network',
      complete: ['bridge', 'ipvlan', 'macvlan', 'overlay'],
    },
    { name: 'gateway', type: 'list', placeholder: 'strings', help: 'IPv4 or IPv6 gateway of the subnet' },
    { name: 'ingress', type: 'bool', help: 'Create swarm routing-mesh network' },
    { name: 'internal', type: 'bool', help: 'Restrict external access to the network' },
    { name: 'ip-range', type: 'list', placeholder: 'strings', help: 'Allocate container ip from a sub-range' },
    {
      name: 'ipam-driver',
      type: 'string',
      default: 'default',
      help: 'IP Address Management Driver',
      complete: ['default', 'null'],
    },
    { name: 'ipam-opt', type: 'list', placeholder: 'map', help: 'Set IPAM driver specific options' },
    { name: 'ipv4', type: 'bool', default: true, help: 'Enable or disable IPv4 address assignment' },
    { name: 'ipv6', type: 'bool', help: 'Enable or disable IPv6 address assignment' },
    { name: 'label', type: 'list', help: 'Set metadata on a network' },
    {
      name: 'opt',
      short: 'o',
      type: 'list',
      placeholder: 'map',
      help: 'Set driver specific options',
      complete: OPTIONS,
    },
    { name: 'scope', type: 'string', help: "Control the network's scope", complete: ['local', 'swarm', 'global'] },
    {
      name: 'subnet',
      type: 'list',
      placeholder: 'strings',
      help: 'Subnet in CIDR format that represents a network segment',
    },
  ],
  args: { min: 1, max: 1 },
  async run({ client, stdout, stderr }, values, [name = '']) {
    const { Id, Warning } = await client.json<{ Id: string; Warning?: string }>('POST', '/networks/create', {
      body: createBody(values, name),
    });
    if (Warning) await outputOf(stderr).write(`WARNING: ${Warning}\n`);
    await outputOf(stdout).write(`${Id}\n`);
    return 0;
  },
};
