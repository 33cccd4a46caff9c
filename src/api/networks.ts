/** /networks. */
import { invalidParameter } from '../errors.ts';
import type { Containers } from '../engine/port.ts';
import type { Networks } from '../network/port.ts';
import { present } from './decode/kit.ts';
import { networkConnect, networkCreate, networkDisconnect } from './decode/network.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './router.ts';
import { endpointFor, networkShape } from './shapes.ts';

const LIST_FILTERS = new Set(['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']);
const PRUNE_FILTERS = new Set(['label', 'label!', 'until']);

/** Go's strconv.ParseBool, unlike the other booleans of the API. */
function parseVerbose(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['', '0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  const quoted = JSON.stringify(text);
  throw invalidParameter(`invalid value for verbose: ${text}: strconv.ParseBool: parsing ${quoted}: invalid syntax`);
}

export function networkRoutes(networks: Networks, containers: Pick<Containers, 'connect' | 'disconnect'>): Route[] {
  const list = (x: Exchange): void => x.json(200, networks.list(x.query.filters(LIST_FILTERS)));
  return [
    { method: 'GET', path: '/networks', handle: list },
    { method: 'GET', path: '/networks/', handle: list },
    {
      method: 'GET',
      path: '/networks/{id*}',
      async handle(x) {
        const options = { verbose: parseVerbose(x.query.string('verbose')), scope: x.query.string('scope') };
        x.json(200, networkShape(await networks.inspect(x.param('id'), options), x.version));
      },
    },
    {
      method: 'POST',
      path: '/networks/create',
      async handle(x) {
        const { EnableIPv4, ...body } = await x.body(present(networkCreate), 'CreateRequest');
        // Asked for since 1.48; every network of older clients has IPv4.
        const ipv4 = x.version >= 48 && EnableIPv4 !== undefined ? { EnableIPv4 } : {};
        x.json(201, await networks.create({ ...body, ...ipv4 }));
      },
    },
    {
      method: 'POST',
      path: '/networks/prune',
      async handle(x) {
        x.json(200, await networks.prune(x.query.filters(PRUNE_FILTERS)));
      },
    },
    {
      method: 'POST',
      path: '/networks/{id*}/connect',
      async handle(x) {
        const { Container, EndpointConfig } = await x.body(present(networkConnect), 'ConnectOptions');
        await containers.connect(Container, x.param('id'), endpointFor(EndpointConfig, x.version));
        x.empty(200);
      },
    },
    {
      method: 'POST',
      path: '/networks/{id*}/disconnect',
      async handle(x) {
        const { Container, Force } = await x.body(present(networkDisconnect), 'DisconnectOptions');
        await containers.disconnect(Container, x.param('id'), { force: Force });
        x.empty(200);
      },
    },
    {
      method: 'DELETE',
      path: '/networks/{id*}',
      async handle(x) {
        await networks.remove(x.param('id'));
        x.empty(204);
      },
    },
  ];
}
