/** The text of a plan (drivers/plan.ts) as netlink requests. A text that is none is a fault of the driver, not of a user. */
import type { DefaultRoute, RoutePlan } from '../drivers/plan.ts';
import { addressBytes, addressFromBytes, formatAddress, parseAddress, parseInterface } from '../ipam/address.ts';
import { addAddress } from './netlink/address.ts';
import type { AddressInfo } from './netlink/address.ts';
import { addRoute } from './netlink/route.ts';
import type { NewRoute } from './netlink/route.ts';
import type { Request } from './netlink/socket.ts';

export function addressInfo(text: string, index: number): AddressInfo {
  const parsed = parseInterface(text);
  if (!parsed) throw new Error(`no address: ${text}`);
  return { bytes: Buffer.from(addressBytes(parsed.address)), prefixLength: parsed.prefix.length, link: index };
}

/** As plans write it: '172.17.0.1/16'. */
export function addressText({ bytes, prefixLength }: AddressInfo): string {
  const address = addressFromBytes(bytes);
  return address ? `${formatAddress(address)}/${prefixLength}` : '';
}

export const addressRequest = (text: string, index: number, linkName: string): Request =>
  addAddress(addressInfo(text, index), `${text} to ${linkName}`);

export function routeInfo({ to, via }: RoutePlan, index: number): NewRoute {
  const destination = parseInterface(to);
  if (!destination) throw new Error(`no route: ${to} via ${via}`);
  const { prefix } = destination;
  return {
    family: prefix.family,
    destination:
      prefix.length === 0 ? undefined : Buffer.from(addressBytes({ family: prefix.family, value: prefix.base })),
    prefixLength: prefix.length,
    gateway: ['', '0.0.0.0', '::'].includes(via) ? undefined : gatewayBytes(via),
    link: index,
  };
}

export const routeRequest = (route: RoutePlan, index: number): Request =>
  addRoute(routeInfo(route, index), `${route.to} via ${route.via}`);

/** The route of the subnet that an address lies in; undefined where it is the only one in it. */
export function connectedRoute(text: string, index: number): (NewRoute & { source: Buffer }) | undefined {
  const { bytes, prefixLength } = addressInfo(text, index);
  if (prefixLength === bytes.length * 8) return undefined;
  return { ...routeInfo({ to: text, via: '' }, index), source: bytes };
}

export const asRoute = ({ via }: DefaultRoute): RoutePlan => ({ to: via.includes(':') ? '::/0' : '0.0.0.0/0', via });

function gatewayBytes(text: string): Buffer {
  const address = parseAddress(text);
  if (!address) throw new Error(`no gateway: ${text}`);
  return Buffer.from(addressBytes(address));
}
