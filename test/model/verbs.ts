/** What the model-based test does, as plain data: a seed gives the same sequence everywhere, and a failure can be printed. */
import type { Daemon } from '../support/daemon.ts';
import { randomFrom } from '../support/chaos.ts';

export interface Binding {
  /** Of the container. */
  port: number;
  protocol: 'tcp' | 'udp';
  hostPort: number;
}

export interface Wish {
  network: string;
  ip?: string;
  alias?: string;
}

export type Verb =
  | { verb: 'network create'; name: string; subnet?: string; internal: boolean; ipv6: boolean }
  | { verb: 'network rm'; name: string }
  | { verb: 'network prune' }
  | { verb: 'create'; name: string; endpoints: Wish[]; ports: Binding[] }
  | { verb: 'start' | 'stop' | 'kill' | 'rm' | 'rm -f'; name: string }
  | { verb: 'rename'; name: string; to: string }
  | { verb: 'connect'; name: string; wish: Wish }
  | { verb: 'disconnect'; name: string; network: string; force: boolean }
  | { verb: 'publish'; name: string; add: Binding[]; remove: Binding[] };

/** `verbs` are under way when the process is killed, `after` milliseconds from their begin. berthd is started again. */
export type Step = Verb | { verb: 'KILL'; what: 'berthd' | 'berth-netd' | 'both'; verbs: Verb[]; after: number };

const NETWORKS = ['n1', 'n2', 'n3'];
/** No hexadecimal digits: 'c2' would also mean a container whose ID begins so. */
const CONTAINERS = ['w1', 'w2', 'w3'];
const SUBNETS = [undefined, undefined, '10.50.1.0/24', '10.50.2.0/24', '10.50.0.0/16'];
const ADDRESSES = [...Array.from({ length: 8 }, () => undefined), '10.50.1.9', '10.50.1.2', '10.50.2.9', '10.50.2.1'];

export function sequence(seed: number, length: number): Step[] {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const network = (): string =>
    random(7) === 0 ? pick(['bridge', 'bridge', 'bridge', 'none', 'gone']) : pick(NETWORKS);
  const wish = (name = network()): Wish => {
    const ip = pick(ADDRESSES);
    const alias = pick([undefined, 'x', 'y']);
    return { network: name, ...(ip === undefined ? {} : { ip }), ...(alias === undefined ? {} : { alias }) };
  };
  const binding = (): Binding => ({
    port: pick([80, 81]),
    protocol: pick(['tcp', 'tcp', 'udp']),
    hostPort: pick([7001, 7002, 7003, 7004]),
  });
  /** No two that are the same. */
  const bindings = (): Binding[] => [...new Map(some(2, binding).map((one) => [JSON.stringify(one), one])).values()];
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: random(most + 1) }, make);
  const name = (): string => pick(CONTAINERS);
  const subnet = (): { subnet?: string } => {
    const text = pick(SUBNETS);
    return text === undefined ? {} : { subnet: text };
  };
  const wishes = (): Wish[] => {
    const list = [wish(), ...some(2, () => wish(pick(NETWORKS)))];
    return list.filter((one, index) => list.findIndex((other) => other.network === one.network) === index);
  };
  const networkCreate = (): Verb & { verb: 'network create' } => ({
    verb: 'network create',
    name: pick(NETWORKS),
    ...subnet(),
    internal: random(5) === 0,
    ipv6: random(3) === 0,
  });
  const makers: [weight: number, make: () => Verb][] = [
    [3, networkCreate],
    [1, () => ({ verb: 'network rm', name: network() })],
    [1, () => ({ verb: 'network prune' })],
    [6, () => ({ verb: 'create', name: name(), endpoints: wishes(), ports: bindings() })],
    [9, () => ({ verb: 'start', name: name() })],
    [2, () => ({ verb: 'stop', name: name() })],
    [1, () => ({ verb: 'kill', name: name() })],
    [1, () => ({ verb: 'rm', name: name() })],
    [2, () => ({ verb: 'rm -f', name: name() })],
    [1, () => ({ verb: 'rename', name: name(), to: name() })],
    [6, () => ({ verb: 'connect', name: name(), wish: wish() })],
    [4, () => ({ verb: 'disconnect', name: name(), network: network(), force: random(4) === 0 })],
    [3, () => ({ verb: 'publish', name: name(), add: some(1, binding), remove: some(1, binding) })],
  ];
  const lots = makers.flatMap(([weight, make]) => Array.from({ length: weight }, () => make));
  const verb = (): Verb => pick(lots)();
  const steps: Step[] = NETWORKS.map((each): Step => ({ ...networkCreate(), name: each }));
  while (steps.length < length) {
    if (random(9) === 0) {
      const what = pick(['berthd', 'berthd', 'berthd', 'berth-netd', 'both'] as const);
      steps.push({ verb: 'KILL', what, verbs: some(3, verb), after: random(120) });
      continue;
    }
    const step = verb();
    steps.push(step);
    // As `run` does; sequences in which hardly anything runs show little.
    if (step.verb === 'create' && random(4) > 0) steps.push({ verb: 'start', name: step.name });
  }
  return steps;
}

const portMap = (list: readonly Binding[]): Record<string, { HostIp: string; HostPort: string }[]> => {
  const map: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { port, protocol, hostPort } of list)
    (map[`${port}/${protocol}`] ??= []).push({ HostIp: '', HostPort: `${hostPort}` });
  return map;
};

const settings = ({ ip, alias }: Wish): object => ({
  ...(ip === undefined ? {} : { IPAMConfig: { IPv4Address: ip } }),
  ...(alias === undefined ? {} : { Aliases: [alias] }),
});

type Request = [method: string, path: string, body?: unknown];

function request(verb: Verb): Request {
  switch (verb.verb) {
    case 'network create': {
      const { name: Name, subnet, internal: Internal, ipv6: EnableIPv6 } = verb;
      const IPAM = subnet === undefined ? {} : { IPAM: { Config: [{ Subnet: subnet }] } };
      return ['POST', '/networks/create', { Name, Internal, EnableIPv6, ...IPAM }];
    }
    case 'network rm':
      return ['DELETE', `/networks/${verb.name}`];
    case 'network prune':
      return ['POST', '/networks/prune'];
    case 'create': {
      const { name, endpoints, ports } = verb;
      const HostConfig = { NetworkMode: endpoints[0]?.network ?? 'bridge', PortBindings: portMap(ports) };
      const EndpointsConfig = Object.fromEntries(endpoints.map((wish) => [wish.network, settings(wish)]));
      const Image = 'busybox';
      const body = {
        Image,
        Cmd: ['sleep', '1000'],
        StopSignal: 'KILL',
        HostConfig,
        NetworkingConfig: { EndpointsConfig },
      };
      return ['POST', `/containers/create?name=${name}`, body];
    }
    case 'rm':
      return ['DELETE', `/containers/${verb.name}`];
    case 'rm -f':
      return ['DELETE', `/containers/${verb.name}?force=1`];
    case 'rename':
      return ['POST', `/containers/${verb.name}/rename?name=${verb.to}`];
    case 'connect':
      return [
        'POST',
        `/networks/${verb.wish.network}/connect`,
        { Container: verb.name, EndpointConfig: settings(verb.wish) },
      ];
    case 'disconnect':
      return ['POST', `/networks/${verb.network}/disconnect`, { Container: verb.name, Force: verb.force }];
    case 'publish':
      return ['POST', `/containers/${verb.name}/ports`, { Add: portMap(verb.add), Remove: portMap(verb.remove) }];
    default:
      return ['POST', `/containers/${verb.name}/${verb.verb}${verb.verb === 'stop' ? '?t=0' : ''}`];
  }
}

export interface Outcome {
  /** undefined when the daemon ended before it answered. */
  done: boolean | undefined;
  /** What it said. */
  text: string;
}

export async function carryOut(daemon: Daemon, verb: Verb): Promise<Outcome> {
  try {
    const { status, body } = await daemon.api(...request(verb));
    return { done: status < 400, text: `${status} ${JSON.stringify(body)}` };
  } catch (error) {
    return { done: undefined, text: String(error) };
  }
}
