import type { Command } from '../command.ts';
import { connectBody } from '../network/body.ts';
import { checkLink } from '../run/network.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'network connect',
  usage: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Connect a container to a network',
  flags: [
    { name: 'alias', type: 'list', placeholder: 'strings', help: 'Add network-scoped alias for the container' },
    { name: 'driver-opt', type: 'list', placeholder: 'strings', help: 'Driver options for the endpoint' },
    {
      name: 'gw-priority',
      type: 'int',
      help: 'The network with the highest priority gives the default gateway; may be negative',
    },
    { name: 'ip', type: 'string', help: 'IPv4 address (e.g., "172.30.100.104")' },
    { name: 'ip6', type: 'string', help: 'IPv6 address (e.g., "2001:db8::33")' },
    {
      name: 'link',
      type: 'list',
      help: 'Add link to another container',
      complete: 'container',
      check: (value) => void checkLink(value),
    },
    { name: 'link-local-ip', type: 'list', placeholder: 'strings', help: 'Add a link-local address for the container' },
  ],
  args: { min: 2, max: 2 },
  complete: ['network', 'container'],
  async run({ client }, values, [network = '', container = '']) {
    await client.json('POST', `${pathOf('network', network)}/connect`, {
      body: connectBody(values, container),
    });
    return 0;
  },
};
