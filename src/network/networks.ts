/** What the API asks about networks. */
import { conflict, forbidden, notFound, notImplemented } from '../errors.ts';
import type { Filters, Json } from '../model/json.ts';
import type { NetworkContext } from './context.ts';
import { filterNetworks, findNetwork } from './lookup.ts';
import type { Networks } from './port.ts';
import { isPredefined } from './predefined.ts';
import type { NetworkRecord } from './records.ts';
import { networkInspectView, networkView } from './views.ts';

const LATER = 'user-defined networks come with a later version of Berth';

export class NetworkController implements Networks {
  readonly #context: NetworkContext;

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  #find(ref: string): NetworkRecord {
    return findNetwork(this.#context.state.networks(), ref);
  }

  list(filters: Filters): Json[] {
    const { state } = this.#context;
    const inUse = ({ id }: NetworkRecord): boolean => state.endpointsOf(id).length > 0;
    return filterNetworks(state.networks(), filters, inUse).map(networkView);
  }

  inspect(ref: string, { scope }: { verbose: boolean; scope: string }): Json {
    const network = this.#find(ref);
    if (scope !== '' && scope !== 'local') throw notFound(`network ${ref} not found`);
    return networkInspectView(network, this.#context.state);
  }

  resolve(ref: string): { id: string; name: string; driver: string } {
    const { id, name, driver } = this.#find(ref);
    return { id, name, driver };
  }

  async create(request: Json): Promise<{ Id: string; Warning: string }> {
    const name = typeof request['Name'] === 'string' ? request['Name'] : '';
    if (isPredefined(name)) throw forbidden(`operation is not permitted on predefined ${name} network`);
    if (this.#context.state.networks().some((network) => network.name === name)) {
      throw conflict(`network with name ${name} already exists`);
    }
    throw notImplemented(LATER);
  }

  async remove(ref: string): Promise<void> {
    const { name } = this.#find(ref);
    if (isPredefined(name)) throw forbidden(`${name} is a pre-defined network and cannot be removed`);
    throw notImplemented(LATER);
  }

  async connect(ref: string): Promise<void> {
    this.#find(ref);
    throw notImplemented(`a running container stays on the network it was started with; ${LATER}`);
  }

  async disconnect(ref: string): Promise<void> {
    this.#find(ref);
    throw notImplemented(`a running container stays on the network it was started with; ${LATER}`);
  }

  /** The predefined networks are never pruned, and there are no others yet. */
  async prune(): Promise<{ NetworksDeleted: string[] }> {
    return { NetworksDeleted: [] };
  }
}
