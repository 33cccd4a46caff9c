/**
 * What should be, in the simplest words: networks, containers, who is on what. apply() says whether a verb is refused and
 * changes the model when it is not. It knows no address that was not asked for by name.
 */
import type { Binding, Verb, Wish } from './verbs.ts';

export interface ModelNetwork {
  subnet: string | undefined;
  internal: boolean;
  ipv6: boolean;
  /** Of the host, or made by a verb. */
  predefined: boolean;
}

export interface ModelContainer {
  running: boolean;
  endpoints: Map<string, Omit<Wish, 'network'>>;
  /** Network → IPv4 address, as seen: which one is free is not the model's to know. It is kept until the container ends. */
  given: ReadonlyMap<string, string>;
  ports: Binding[];
}

export class Model {
  networks = new Map<string, ModelNetwork>(
    ['bridge', 'none'].map((name) => [
      name,
      { subnet: undefined, internal: name === 'none', ipv6: false, predefined: true },
    ]),
  );
  containers = new Map<string, ModelContainer>();

  copy(): Model {
    const model = new Model();
    model.networks = new Map(this.networks);
    for (const [name, container] of this.containers) {
      model.containers.set(name, { ...container, endpoints: new Map(container.endpoints) });
    }
    return model;
  }

  /** False, and nothing is changed, when it is refused. */
  apply(verb: Verb): boolean {
    const next = this.copy();
    if (!next.#change(verb) || next.#conflicts()) return false;
    this.networks = next.networks;
    this.containers = next.containers;
    return true;
  }

  /** Host ports that are held, as 'tcp/7001', each with its owner. */
  held(): { key: string; owner: string; port: number }[] {
    return [...this.containers].flatMap(([owner, container]) =>
      this.#leaves(container)
        ? container.ports.map(({ protocol, hostPort, port }) => ({ key: `${protocol}/${hostPort}`, owner, port }))
        : [],
    );
  }

  /** It runs, and one of its networks leads out. */
  #leaves({ running, endpoints }: ModelContainer): boolean {
    return running && [...endpoints.keys()].some((name) => this.networks.get(name)?.internal === false);
  }

  /** A port or an address twice. */
  #conflicts(): boolean {
    const addresses = [...this.containers.values()].flatMap(({ running, endpoints, given }) =>
      [...(running ? endpoints : [])].map(
        ([network, { ip }]) => `${network} ${ip ?? given.get(network) ?? Math.random()}`,
      ),
    );
    return isTwice(this.held().map(({ key }) => key)) || isTwice(addresses);
  }

  #running(network: string): boolean {
    return [...this.containers.values()].some(({ running, endpoints }) => running && endpoints.has(network));
  }

  /** Docker's rules for an address that is asked for by name. */
  #fits({ network, ip, alias }: Wish): boolean {
    const found = this.networks.get(network);
    if (!found) return false;
    if (found.predefined && alias !== undefined) return false;
    if (ip === undefined) return true;
    return found.subnet !== undefined && inSubnet(ip, found.subnet) && ip !== found.subnet.replace(/0\/\d+$/, '1');
  }

  #change(verb: Verb): boolean {
    switch (verb.verb) {
      case 'network create': {
        const { name, subnet, internal, ipv6 } = verb;
        const overlaps = [...this.networks.values()].some((one) => subnet && one.subnet && overlap(subnet, one.subnet));
        if (this.networks.has(name) || overlaps) return false;
        this.networks.set(name, { subnet, internal, ipv6, predefined: false });
        return true;
      }
      case 'network rm':
        if (this.networks.get(verb.name)?.predefined !== false || this.#running(verb.name)) return false;
        return this.networks.delete(verb.name);
      case 'network prune':
        for (const [name, { predefined }] of this.networks) {
          if (!predefined && !this.#running(name)) this.networks.delete(name);
        }
        return true;
      case 'create':
        return this.#create(verb.name, verb.endpoints, verb.ports);
      default:
        return this.#changeContainer(verb);
    }
  }

  #create(name: string, wishes: readonly Wish[], ports: readonly Binding[]): boolean {
    if (this.containers.has(name)) return false;
    const known = wishes.filter(({ network }) => this.networks.has(network));
    if (wishes.length > 1 && wishes.some(({ network }) => network === 'none')) return false;
    // Whether there is such a network is asked at the start.
    if (!known.every((wish) => this.#acceptable(wish))) return false;
    if (wishes.some(({ network, alias }) => isPredefined(network) && alias !== undefined)) return false;
    if (wishes.some(({ network, ip }) => isPredefined(network) && ip !== undefined)) return false;
    const endpoints = new Map(wishes.map(({ network, ...rest }) => [network, rest]));
    this.containers.set(name, { running: false, endpoints, given: new Map(), ports: [...ports] });
    return true;
  }

  /** Before the start it is not asked whether somebody else, or the network itself, has the address. */
  #acceptable({ network, ip }: Wish): boolean {
    const subnet = this.networks.get(network)?.subnet;
    return ip === undefined || (subnet !== undefined && inSubnet(ip, subnet));
  }

  #changeContainer(verb: Exclude<Verb, { verb: `network ${string}` | 'create' }>): boolean {
    const { name } = verb;
    const container = this.containers.get(name);
    if (!container) return false;
    switch (verb.verb) {
      case 'start': {
        if (container.running) return true;
        container.running = true;
        container.given = new Map();
        return [...container.endpoints].every(([network, rest]) => this.#fits({ network, ...rest }));
      }
      case 'stop':
        container.running = false;
        return true;
      case 'kill': {
        const { running } = container;
        container.running = false;
        return running;
      }
      case 'rm':
        return !container.running && this.containers.delete(name);
      case 'rm -f':
        return this.containers.delete(name);
      case 'rename':
        if (this.containers.has(verb.to)) return false;
        this.containers.delete(name);
        this.containers.set(verb.to, container);
        return true;
      case 'connect':
        return this.#connect(container, verb.wish);
      case 'disconnect': {
        const gone = !this.networks.has(verb.network);
        if (gone && container.running && !verb.force) return false;
        return container.endpoints.delete(verb.network);
      }
      case 'publish':
        return publish(container, verb.add, verb.remove);
    }
  }

  #connect(container: ModelContainer, wish: Wish): boolean {
    const { network, ...rest } = wish;
    const { running, endpoints } = container;
    if (!this.networks.has(network)) return false;
    if (isPredefined(network) && (rest.alias !== undefined || rest.ip !== undefined)) return false;
    if (endpoints.has(network)) return !running;
    if (endpoints.has('none') || (network === 'none' && endpoints.size > 0)) return false;
    if (!this.#acceptable(wish)) return false;
    endpoints.set(network, rest);
    return !running || this.#fits(wish);
  }
}

const isPredefined = (network: string): boolean => network === 'bridge' || network === 'none';
const isTwice = (list: readonly string[]): boolean => new Set(list).size < list.length;
const same = (a: Binding, b: Binding): boolean =>
  a.port === b.port && a.protocol === b.protocol && a.hostPort === b.hostPort;
function publish(container: ModelContainer, add: readonly Binding[], remove: readonly Binding[]): boolean {
  const left = container.ports.filter((one) => !remove.some((gone) => same(one, gone)));
  if (left.length + remove.length > container.ports.length) return false;
  if (add.some((one) => left.some((other) => same(one, other)))) return false;
  container.ports = [...left, ...add];
  return true;
}

/** The third byte tells, in all subnets of the test. */
const inSubnet = (ip: string, subnet: string): boolean =>
  subnet.endsWith('/16') || ip.split('.')[2] === subnet.split('.')[2];
const overlap = (a: string, b: string): boolean => a.endsWith('/16') || b.endsWith('/16') || a === b;
