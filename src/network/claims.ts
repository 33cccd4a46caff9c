/**
 * Endpoints on networks that span hosts: the cluster agrees to their addresses before anything is made of them here. What is claimed
 * and not kept in the end is given back.
 */
import { forbidden, messageOf } from '../errors.ts';
import { askedAddresses, unknownHolder } from './addresses.ts';
import type { ClusterEndpoint } from './cluster.ts';
import type { NetworkContext } from './context.ts';
import { dnsNames } from './names.ts';
import type { NamedContainer } from './names.ts';
import type { EndpointRecord } from './records.ts';
import type { EndpointWish } from './request.ts';
import { familiesOf, macFor } from './sandbox-record.ts';

/** What is settled of an endpoint before it is made. */
export type Claim = Pick<EndpointRecord, 'id' | 'addresses' | 'mac'>;

export class Claims implements AsyncDisposable {
  readonly #context: NetworkContext;
  readonly #undo = new AsyncDisposableStack();
  readonly #leave: (() => void)[] = [];
  /** Addresses that turned out to be another host's. */
  readonly #others: { networkId: string; addresses: readonly string[]; holder: string }[] = [];
  /** By network. */
  readonly of = new Map<string, Claim>();

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  static needed(wishes: readonly Pick<EndpointWish, 'network'>[]): boolean {
    return wishes.some(({ network }) => network.driver === 'overlay');
  }

  async add(owner: NamedContainer, wishes: readonly EndpointWish[]): Promise<void> {
    for (const wish of wishes) if (Claims.needed([wish])) await this.#claim(owner, wish);
  }

  async #claim(owner: NamedContainer, { network, settings }: EndpointWish): Promise<void> {
    const { deps, state, overlays } = this.#context;
    this.#leave.push(await overlays.enter(network));
    const asked = askedAddresses(settings);
    for (;;) {
      const addresses = state.addresses.allocate(network, owner.containerId, asked, familiesOf(settings));
      const id = deps.randomHex(32);
      const mac = macFor(settings, addresses, deps.randomHex);
      let taken: readonly string[];
      try {
        taken = await deps.cluster.claim(
          clusterEndpoint(owner, { id, networkId: network.id, addresses, mac, settings }),
        );
      } catch (error) {
        state.addresses.release(network.id, addresses, owner.containerId);
        throw error;
      }
      if (taken.length === 0) {
        this.of.set(network.id, { id, addresses, mac });
        this.#undo.defer(async () => {
          state.addresses.release(network.id, addresses, owner.containerId);
          await deps.cluster.release(id);
        });
        return;
      }
      state.addresses.release(network.id, addresses, owner.containerId);
      // Another host was quicker, and its endpoint has not been told yet.
      if (taken.some((text) => asked.includes(text.replace(/\/.*$/, '')))) throw forbidden('Address already in use');
      const holder = unknownHolder(id);
      state.addresses.occupy(network.id, taken, holder);
      this.#others.push({ networkId: network.id, addresses: taken, holder });
    }
  }

  /** The endpoints are in the state now. */
  keep(): void {
    this.#undo.move();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#undo.disposeAsync();
    } finally {
      const { state } = this.#context;
      for (const { networkId, addresses, holder } of this.#others) state.addresses.vacate(networkId, addresses, holder);
      for (const leave of this.#leave.splice(0)) leave();
    }
  }
}

/** As the other hosts shall see it. */
export function clusterEndpoint(
  owner: NamedContainer,
  { id, networkId, addresses, mac, settings }: Omit<EndpointRecord, 'sandboxId' | 'hostName' | 'interfaceName'>,
): ClusterEndpoint {
  const { containerId, containerName } = owner;
  return { id, networkId, addresses, mac, containerId, containerName, names: dnsNames(owner, { settings }) };
}

/** Endpoints that are no longer in the state. The cluster is told at once: others shall not find what does not answer. */
export async function releaseClaims(context: NetworkContext, endpoints: readonly EndpointRecord[]): Promise<void> {
  const { deps, overlays } = context;
  const shared = endpoints.filter(({ networkId }) => overlays.has(networkId));
  try {
    await Promise.all(shared.map(async ({ id }) => deps.cluster.release(id)));
  } finally {
    for (const { networkId } of shared) overlays.leaveUnused(networkId);
  }
}

/** The container has another name. While the cluster store is away the other hosts know it by the old one. */
export async function renameClaims(
  { deps, overlays }: NetworkContext,
  owner: NamedContainer,
  endpoints: readonly EndpointRecord[],
): Promise<void> {
  const shared = endpoints.filter(({ networkId }) => overlays.has(networkId));
  for (const endpoint of shared) {
    try {
      await deps.cluster.rename(clusterEndpoint(owner, endpoint));
    } catch (error) {
      deps.log.warn('other hosts do not know yet how a container is called now', {
        container: owner.containerName,
        error: messageOf(error),
      });
    }
  }
}
