/** Host ports for a container: chosen here, bound by the process beside the daemon; all of them or none. */
import { BerthError, conflict } from '../errors.ts';
import type { ErrorKind } from '../errors.ts';
import type { Attendant, HeldPort, RefusedPort } from '../network/attendant.ts';
import type { PortBinding } from '../network/records.ts';
import { portText } from './allocator.ts';
import type { PortAllocator, PortOwner } from './allocator.ts';
import { familyOf, joinHostPort } from './spec.ts';
import type { WantedPort } from './wanted.ts';

type PortKeeper = Pick<Attendant, 'holdPorts' | 'releasePorts'>;

export interface PortAcquisition {
  allocator: PortAllocator;
  attendant: PortKeeper;
  owner: PortOwner;
  wanted: readonly WantedPort[];
  /** Whether what no rule translates is carried by a proxy; without it, IPv6 of the host leads to no IPv4 address. */
  proxy: boolean;
}

/** Each attempt excludes all ports that another process was found to have. */
const ATTEMPTS = 16;

/**
 * Conflict: a port is another container's (Docker's 'Bind for … failed: port is already allocated') or another process's
 * ('failed to bind host port …: address already in use'). Routed ports come back with host port 0.
 */
export async function acquirePorts(acquisition: PortAcquisition): Promise<PortBinding[]> {
  const { allocator, attendant, owner, proxy } = acquisition;
  let wanted = proxy ? acquisition.wanted : acquisition.wanted.flatMap(withoutProxy);
  const elsewhere = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const bindings = allocator
      .allocate(owner, wanted, elsewhere)
      .map((binding) => ({ ...binding, proxy: proxy && binding.hostPort !== 0 }));
    const held = bindings.filter(({ hostPort }) => hostPort !== 0);
    let refused: RefusedPort[];
    try {
      refused = held.length === 0 ? [] : await attendant.holdPorts(owner.id, held);
    } catch (error) {
      // Nobody knows how far it came.
      allocator.release(owner.id, held);
      await attendant.releasePorts(owner.id, held).catch(() => undefined);
      throw error;
    }
    if (refused.length === 0) return bindings;
    allocator.release(owner.id, held);
    const narrowed = withoutFamilies(wanted, refused);
    const final = refused.find((port) => attempt === ATTEMPTS || isFinal(port, narrowed));
    if (final) throw refusal(final);
    wanted = narrowed;
    for (const port of refused) if (port.code === 'EADDRINUSE') elsewhere.add(portText(port));
  }
}

/** Some, or all of an owner; the kernel's first, so that nobody is given a port that is still bound. */
export async function releasePorts({
  allocator,
  attendant,
  ownerId,
  ports,
}: {
  allocator: PortAllocator;
  attendant: PortKeeper;
  ownerId: string;
  ports?: readonly HeldPort[];
}): Promise<void> {
  try {
    await attendant.releasePorts(ownerId, ports);
  } finally {
    allocator.release(ownerId, ports);
  }
}

const kept = (wanted: WantedPort, keep: (place: WantedPort['places'][number]) => boolean): WantedPort[] => {
  const places = wanted.places.filter(keep);
  return places.length === 0 ? [] : [{ ...wanted, places }];
};

function withoutProxy(wanted: WantedPort): WantedPort[] {
  return kept(wanted, ({ hostAddress, address }) => familyOf(hostAddress) === familyOf(address));
}

/** A host without IPv6 (ipv6.disable=1) knows no such socket: what nobody named is left out there, as Docker does. */
function withoutFamilies(wanted: readonly WantedPort[], refused: readonly RefusedPort[]): readonly WantedPort[] {
  if (!refused.some(({ code }) => code === 'EAFNOSUPPORT')) return wanted;
  return wanted.flatMap((one) => kept(one, ({ hostAddress, implied }) => !implied || familyOf(hostAddress) === 4));
}

/** Whether another attempt would ask for the same again. */
function isFinal(refused: RefusedPort, wanted: readonly WantedPort[]): boolean {
  if (refused.code !== 'EADDRINUSE' && refused.code !== 'EAFNOSUPPORT') return true;
  return wanted.some(
    ({ protocol, first, last, places }) =>
      protocol === refused.protocol &&
      (refused.code === 'EAFNOSUPPORT' || (first === last && first === refused.hostPort)) &&
      places.some(({ hostAddress }) => hostAddress === refused.hostAddress),
  );
}

/** errno's name → Go's text for it, and what the caller can do. */
const REFUSALS: Readonly<Record<string, readonly [ErrorKind, string]>> = {
  EADDRINUSE: ['Conflict', 'address already in use'],
  EADDRNOTAVAIL: ['InvalidParameter', 'cannot assign requested address'],
  EACCES: ['Forbidden', 'permission denied'],
  EAFNOSUPPORT: ['InvalidParameter', 'address family not supported by protocol'],
  EINVAL: ['InvalidParameter', 'invalid argument'],
  EMFILE: ['System', 'too many open files'],
  ENFILE: ['System', 'too many open files in system'],
  ENOBUFS: ['System', 'no buffer space available'],
};

function refusal({ protocol, hostAddress, hostPort, code }: RefusedPort): BerthError {
  const [kind, text] = REFUSALS[code] ?? ['System', code];
  const message = `failed to bind host port ${joinHostPort(hostAddress, hostPort)}/${protocol}: ${text}`;
  return kind === 'Conflict' ? conflict(message) : new BerthError(kind, message);
}
