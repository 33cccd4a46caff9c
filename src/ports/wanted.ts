/**
 * From what a container asks for (-p, -P) to the host ports that it shall get, by the rules of Docker's bridge driver
 * (moby daemon/libnetwork/drivers/bridge/port_mapping_linux.go, 28 and 29). Nothing is chosen yet: a wanted port says of
 * which host ports one is to be taken, and at which addresses it has to be free.
 */
import type { GatewayMode } from '../drivers/plan.ts';
import { invalidParameter } from '../errors.ts';
import { parseAddress } from '../ipam/address.ts';
import type { PortMap } from '../model/container.ts';
import { everyAddress, overlap, parseContainerPorts, parseHostAddress, parseHostPorts } from './spec.ts';
import type { Protocol } from './spec.ts';

/** The endpoint by which the ports of a container are reached. */
export interface PortTarget {
  networkId: string;
  /** The container's, without prefix; '' for none. */
  ipv4: string;
  ipv6: string;
  mode4: GatewayMode;
  mode6: GatewayMode;
  /** For bindings that name no host address; '' and '0.0.0.0' are all addresses of both families. */
  defaultHostAddress: string;
  /** IPv6 is reached by another endpoint: the host's IPv6 addresses do not lead to this one's IPv4 address. */
  ipv6Elsewhere?: boolean;
}

export interface WantedPort {
  networkId: string;
  protocol: Protocol;
  /** The container's. */
  port: number;
  /** One of these on the host; both 0: any of the ephemeral range. */
  first: number;
  last: number;
  /** Nothing is held on the host, the container's port is opened for what is routed to it. */
  routed: boolean;
  /** All get the same host port. None overlaps another. */
  places: readonly WantedPlace[];
}

export interface WantedPlace {
  hostAddress: string;
  /** The container's; of the other family when only the proxy can serve it. */
  address: string;
  /** Nobody named the family: a host without IPv6 does without. */
  implied: boolean;
}

export interface PortWishes {
  /** '80/tcp'. */
  exposed: readonly string[];
  portBindings: PortMap;
  /** Every exposed port that has no binding gets any host port. */
  publishAll: boolean;
}

interface Wish {
  protocol: Protocol;
  port: number;
  first: number;
  last: number;
  /** '' for none given. */
  hostAddress: string;
}

type Candidate = Omit<Wish, 'hostAddress'> & { routed: boolean; place: WantedPlace };

/** InvalidParameter for texts that mean no port, in Docker's words. */
export function wantedPorts(request: PortWishes, target: PortTarget): WantedPort[] {
  const candidates = wishesOf(request).flatMap((wish): Candidate[] =>
    ([4, 6] as const).flatMap((family) => {
      const found = placeOf(wish, target, family);
      if (!found) return [];
      const { protocol, port, first, last } = wish;
      const { routed, place } = found;
      return [
        routed ? { protocol, port, first: 0, last: 0, routed, place } : { protocol, port, first, last, routed, place },
      ];
    }),
  );
  return grouped(candidates.toSorted(compare), target.networkId);
}

function wishesOf({ exposed, portBindings, publishAll }: PortWishes): Wish[] {
  const wishes: Wish[] = [];
  const bound = new Set<string>();
  const unbound = new Map<string, { protocol: Protocol; port: number }>();
  for (const [key, entries] of Object.entries(portBindings)) {
    const { protocol, first: port, last } = parseContainerPorts(key);
    // A range of container ports is the client's to expand.
    if (last !== port) throw invalidParameter(`invalid port specification: ${JSON.stringify(key)}`);
    for (const { HostIp, HostPort } of entries ?? []) {
      bound.add(`${port}/${protocol}`);
      wishes.push({ protocol, port, ...parseHostPorts(HostPort), hostAddress: parseHostAddress(HostIp) });
    }
    unbound.set(`${port}/${protocol}`, { protocol, port });
  }
  if (!publishAll) return wishes;
  for (const key of exposed) {
    const { protocol, first, last } = parseContainerPorts(key);
    // Images made elsewhere may say EXPOSE 8000-8010 in one word.
    for (let port = first; port <= last; port++) unbound.set(`${port}/${protocol}`, { protocol, port });
  }
  for (const [key, { protocol, port }] of unbound) {
    if (!bound.has(key)) wishes.push({ protocol, port, first: 0, last: 0, hostAddress: '' });
  }
  return wishes;
}

/** Where the port is to be held for one family of the host; undefined for nowhere. */
function placeOf(
  { hostAddress }: Wish,
  target: PortTarget,
  family: 4 | 6,
): { routed: boolean; place: WantedPlace } | undefined {
  const mode = family === 4 ? target.mode4 : target.mode6;
  if (mode === 'isolated') return undefined;
  const own = family === 4 ? target.ipv4 : target.ipv6;
  const address = own === '' && family === 6 && !target.ipv6Elsewhere ? target.ipv4 : own;
  if (address === '') return undefined;
  const every = everyAddress(family);
  const routed = mode === 'routed';
  // What is routed is not proxied.
  if (routed && address !== own) return undefined;
  const { asked, implied } = hostAddressOf(hostAddress, target.defaultHostAddress, family);
  if (asked === '') return undefined;
  return { routed, place: { hostAddress: routed ? every : asked, address, implied } };
}

function hostAddressOf(given: string, byDefault: string, family: 4 | 6): { asked: string; implied: boolean } {
  const every = everyAddress(family);
  if (given === '' && (byDefault === '' || byDefault === '0.0.0.0')) return { asked: every, implied: family === 6 };
  const address = given === '' ? parseHostAddress(byDefault) : given;
  return { asked: address.includes(':') === (family === 6) ? address : '', implied: false };
}

const PROTOCOL_ORDER: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** Exact host ports first, so that no range takes them; then as `docker port` shows them. */
function compare(a: Candidate, b: Candidate): number {
  const exact = ({ first, last }: Candidate): number => (first !== 0 && first === last ? 0 : 1);
  return (
    Number(a.routed) - Number(b.routed) ||
    exact(a) - exact(b) ||
    a.port - b.port ||
    PROTOCOL_ORDER[a.protocol] - PROTOCOL_ORDER[b.protocol] ||
    a.first - b.first ||
    a.last - b.last ||
    compareAddresses(a.place.hostAddress, b.place.hostAddress)
  );
}

function compareAddresses(a: string, b: string): number {
  const [x, y] = [parseAddress(a), parseAddress(b)];
  if (!x || !y) return 0;
  if (x.family !== y.family) return x.family - y.family;
  if (x.value === y.value) return 0;
  return x.value < y.value ? -1 : 1;
}

/** What differs in the host address only gets one port for all, except where two addresses exclude each other. */
function grouped(candidates: readonly Candidate[], networkId: string): WantedPort[] {
  type Group = Omit<WantedPort, 'places'> & { places: WantedPlace[] };
  const groups = new Map<string, Group[]>();
  for (const { place, ...rest } of candidates) {
    const key = `${rest.routed} ${rest.protocol} ${rest.port} ${rest.first} ${rest.last}`;
    const alike = groups.get(key) ?? [];
    groups.set(key, alike);
    // The same door opened twice.
    if (rest.routed && alike.some(({ places }) => places.some((one) => one.hostAddress === place.hostAddress)))
      continue;
    const room = alike.find(({ places }) => !places.some((one) => overlap(one.hostAddress, place.hostAddress)));
    if (room) room.places.push(place);
    else alike.push({ networkId, ...rest, places: [place] });
  }
  return [...groups.values()].flat();
}
