/** Model, API and kernel, against each other: every function lists what does not fit. */
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import type { Model } from './model.ts';
import { observe, observeInside, observeKernel, observeNames, settled } from './observe.ts';
import type { Seen, SeenContainer } from './observe.ts';

const sorted = (list: Iterable<string>): string => [...list].toSorted().join(', ');
const differ = (what: string, actual: Iterable<string>, expected: Iterable<string>): string[] =>
  sorted(actual) === sorted(expected) ? [] : [`${what}: [${sorted(actual)}] instead of [${sorted(expected)}]`];

/** What the API tells against the model. */
export function compareModel(model: Model, seen: Seen): string[] {
  const wrong = differ('networks', Object.keys(seen.networks), model.networks.keys());
  wrong.push(...differ('containers', Object.keys(seen.containers), model.containers.keys()));
  for (const [name, { subnet, internal, ipv6 }] of model.networks) {
    const found = seen.networks[name];
    if (!found) continue;
    if (subnet !== undefined && !found.subnets.includes(subnet)) wrong.push(`${name} has ${sorted(found.subnets)}`);
    if (found.internal !== internal || found.ipv6 !== ipv6) wrong.push(`${name} is internal or IPv6 or not`);
  }
  const held = model.held();
  for (const [name, { running, endpoints, given, ports }] of model.containers) {
    const found = seen.containers[name];
    if (!found) continue;
    if (running !== (found.state === 'running')) wrong.push(`${name} is ${found.state}`);
    // Started on no network at all, it is on 'none'.
    const shown = Object.keys(found.endpoints).filter((network) => network !== 'none' || endpoints.has('none'));
    wrong.push(...differ(`networks of ${name}`, shown, endpoints.keys()));
    for (const [network, { ip = '', alias }] of endpoints) {
      const endpoint = found.endpoints[network];
      if (!endpoint) continue;
      if (endpoint.asked !== ip) wrong.push(`${name} on ${network} asks for ${endpoint.asked} instead of ${ip}`);
      const address = ip || given.get(network);
      if (running && address !== undefined && endpoint.ip !== address) {
        wrong.push(`${name} on ${network} has ${endpoint.ip} instead of ${address}`);
      }
      wrong.push(...differ(`aliases of ${name} on ${network}`, endpoint.aliases, alias === undefined ? [] : [alias]));
    }
    const wanted = ports.map(({ protocol, hostPort, port }) => `${protocol}/${hostPort} ${port}`);
    wrong.push(...differ(`ports that ${name} wants`, found.wanted, wanted));
    const published = held
      .filter(({ owner }) => owner === name)
      .flatMap(({ key, port }) => ['0.0.0.0', '::'].map((address) => `${key.replace('/', `/${address}:`)} ${port}`));
    wrong.push(...differ(`ports of ${name}`, found.published, published));
  }
  return wrong;
}

/** The API against itself: both ways to ask tell the same, and nothing is given twice. */
export function compareViews({ networks, containers }: Seen): string[] {
  const wrong: string[] = [];
  for (const [network, { containers: members }] of Object.entries(networks)) {
    const on = Object.entries(containers).flatMap(([name, { state, endpoints }]) => {
      const endpoint = endpoints[network];
      return endpoint && state === 'running' ? [`${name} ${endpoint.addresses.join(' ')}`] : [];
    });
    const told = Object.entries(members).map(([name, list]) => `${name} ${list.join(' ')}`);
    wrong.push(...differ(`containers on ${network}`, told, on));
    const addresses = Object.values(members).flat();
    if (new Set(addresses).size < addresses.length) wrong.push(`an address twice on ${network}: ${sorted(addresses)}`);
  }
  return wrong;
}

const bridgeOf = (name: string, id: string): string => (name === 'bridge' ? 'docker0' : `br-${id.slice(0, 12)}`);

export async function compareKernel(host: Host, daemon: Daemon, model: Model, seen: Seen): Promise<string[]> {
  const kernel = await observeKernel(host, daemon);
  const running = Object.entries(seen.containers).filter(([, { state }]) => state === 'running');
  const bridged = running.flatMap(([name, { endpoints }]) =>
    Object.entries(endpoints).flatMap(([network, endpoint]) => {
      const found = seen.networks[network];
      return network === 'none' || !found ? [] : [{ name, network, endpoint, bridge: bridgeOf(network, found.id) }];
    }),
  );
  const bridges = Object.entries(seen.networks).flatMap(([name, { id }]) =>
    name === 'none' ? [] : [bridgeOf(name, id)],
  );
  const wrong = differ('bridges', kernel.bridges, bridges);
  wrong.push(
    ...differ(
      'bridges of veths',
      kernel.masters,
      bridged.map(({ bridge }) => bridge),
    ),
  );
  const keys = running.map(([, { sandboxKey }]) => sandboxKey.replace(/^.*\//, ''));
  wrong.push(...differ('namespaces', kernel.namespaces, keys));
  const held = model.held();
  const sockets = held.flatMap(({ key }) => ['0.0.0.0', '[::]'].map((address) => key.replace('/', `/${address}:`)));
  wrong.push(...differ('held ports', kernel.held, sockets));
  const targets = held.map(({ key, owner, port }) => {
    const own = bridged.filter(
      ({ name, network }) => name === owner && model.networks.get(network)?.internal === false,
    );
    // Which of its networks it leaves by is told by translation: one of them.
    const to = kernel.translated.find((text) => text.startsWith(`${key} `))?.split(' ')[1] ?? '';
    return own.some(({ endpoint }) => `${endpoint.ip}:${port}` === to) ? `${key} ${to}` : `${key} ${owner}:${port}`;
  });
  wrong.push(...differ('translated ports', kernel.translated, targets));
  const opened = kernel.translated.map((text) => {
    const [, protocol = '', address = '', port = ''] = /^(\w+)\/\d+ (.*):(\d+)$/.exec(text) ?? [];
    return `${address} ${protocol}/${port}`;
  });
  wrong.push(...differ('opened ports', kernel.opened, new Set(opened)));
  for (const [name, { pid }] of running) wrong.push(...(await compareInside(host, model, name, pid, bridged)));
  return wrong;
}

type Bridged = { name: string; network: string; endpoint: SeenContainer['endpoints'][string] }[];

async function compareInside(host: Host, model: Model, name: string, pid: number, bridged: Bridged): Promise<string[]> {
  const own = bridged.filter((one) => one.name === name);
  const { links, routes } = await observeInside(host, pid);
  const expected = own.map(({ endpoint }) => [endpoint.mac, ...endpoint.addresses.toSorted()].join(' '));
  const wrong = differ(`interfaces in ${name}`, links, expected);
  const outward = own.some(({ network }) => model.networks.get(network)?.internal === false);
  if (routes.some((line) => line.includes('via') && !line.includes(':')) !== outward) {
    wrong.push(`default routes of ${name}: ${routes.join('; ')}`);
  }
  return wrong;
}

/** Every name that anybody has, asked in one container after the other that has a resolver. */
export async function compareNames(host: Host, model: Model, seen: Seen): Promise<string[]> {
  const wrong: string[] = [];
  const running = Object.entries(seen.containers).filter(([, { state }]) => state === 'running');
  const names = ['w1', 'w2', 'w3', 'x', 'y'];
  for (const [client, { pid, endpoints }] of running) {
    const searched = Object.keys(endpoints).filter((network) => model.networks.get(network)?.predefined === false);
    if (searched.length === 0) continue;
    const answers = await observeNames(host, pid, names);
    for (const name of names) {
      const known = searched.map((network) =>
        running.flatMap(([other, container]) => {
          const endpoint = container.endpoints[network];
          return endpoint && (other === name || endpoint.aliases.includes(name)) ? [endpoint.ip] : [];
        }),
      );
      const got = sorted(answers.get(name) ?? []);
      // One network answers.
      const expected = known.map(sorted).filter((text) => text !== '');
      if (expected.length === 0 ? got !== '' : !expected.includes(got)) {
        wrong.push(`${client} finds [${got}] as ${name} instead of [${expected.join('] or [')}]`);
      }
    }
  }
  return wrong;
}

/** All of it. The addresses that were seen become part of the model. */
export async function compare(host: Host, daemon: Daemon, model: Model): Promise<string[]> {
  let seen: Seen = { networks: {}, containers: {} };
  const wrong = await settled(async () => {
    seen = await observe(daemon);
    const told = [...compareModel(model, seen), ...compareViews(seen)];
    if (told.length > 0) return told;
    return [...(await compareKernel(host, daemon, model, seen)), ...(await compareNames(host, model, seen))];
  });
  remember(model, seen);
  return wrong;
}

export function remember(model: Model, seen: Seen): void {
  for (const [name, container] of model.containers) {
    const found = seen.containers[name];
    if (!found || !container.running) continue;
    container.given = new Map(
      Object.entries(found.endpoints).flatMap(([network, { ip }]) => (ip === '' ? [] : [[network, ip] as const])),
    );
  }
}
