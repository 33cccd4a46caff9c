/** Drives test/firewall/process.ts and probe.ts on a throw-away host, and makes the bridges that a network would have. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { FirewallChange, FirewallSettings, FirewallState } from '../../src/firewall/firewall.ts';
import type { FirewallOptions } from '../../src/firewall/index.ts';
import type { GatewayMode, NetworkRules } from '../../src/drivers/plan.ts';
import { OUTSIDE } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import type { ProbeAnswer, ProbeRequest } from './probe.ts';
import type { Answer, Call, ProcessOptions } from './process.ts';

export const BACKENDS = ['nftables', 'iptables'] as const;
const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
const script = (name: string): string => new URL(name, import.meta.url).pathname;

export interface FirewallProcess extends AsyncDisposable {
  /** Milliseconds that the call took in the process. */
  set(state: FirewallState): Promise<number>;
  change(change: FirewallChange): Promise<number>;
  remove(): Promise<number>;
  leave(last: FirewallOptions['backend']): Promise<number>;
  /** What it warned of so far. */
  readonly warnings: string[];
}

export async function startFirewall(
  host: Host,
  backend: FirewallOptions['backend'],
  settings: Partial<FirewallSettings> = {},
): Promise<FirewallProcess> {
  const options: ProcessOptions = {
    backend,
    settings: { instance: 'berth', directRouting: false, acceptMark: '', ...settings },
  };
  const child = host.spawn([...node, script('process.ts'), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = child;
  assert.ok(stdin && stdout);
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const warnings: string[] = [];
  const ask = async (call: Call): Promise<number> => {
    stdin.write(`${JSON.stringify(call)}\n`);
    const { value, done } = await lines.next();
    assert.ok(!done, `the firewall ended at ${call.call}`);
    const answer = JSON.parse(value) as Answer;
    warnings.push(...answer.warnings);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.ms;
  };
  return {
    set: async (state) => ask({ call: 'set', state }),
    change: async (change) => ask({ call: 'change', change }),
    remove: async () => ask({ call: 'remove' }),
    leave: async (last) => ask({ call: 'leave', last }),
    warnings,
    [Symbol.asyncDispose]: async () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.stdin?.end();
  await closed;
}

/** One machine of the laboratory. */
export interface Machine extends AsyncDisposable {
  listen(...ports: number[]): Promise<void>;
  /** Who answered and whom it saw: 'web-nat 198.51.100.1'; '-' for nothing. Waits longer for what is expected. */
  reach(to: {
    protocol: 'tcp' | 'udp';
    address: string;
    port: number;
    expected?: boolean;
    from?: number;
  }): Promise<string>;
}

/** `enter` is what stands before the program: ['nsenter', '--net=…', '--'], or nothing for the host itself. */
function startMachine(place: Pick<Host, 'spawn'>, name: string, enter: readonly string[] = []): Machine {
  const child = place.spawn([...enter, ...node, script('probe.ts'), name], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  assert.ok(stdin && stdout);
  const waiting = new Map<number, (answer: string) => void>();
  let last = 0;
  createInterface({ input: stdout }).on('line', (line) => {
    const { id, answer } = JSON.parse(line) as ProbeAnswer;
    waiting.get(id)?.(answer);
    waiting.delete(id);
  });
  const ask = async (make: (id: number) => ProbeRequest): Promise<string> => {
    const id = ++last;
    const answer = new Promise<string>((resolve) => waiting.set(id, resolve));
    stdin.write(`${JSON.stringify(make(id))}\n`);
    return answer;
  };
  return {
    async listen(...ports) {
      await ask((id) => ({ id, ask: 'listen', ports }));
    },
    reach: async ({ protocol, address, port, expected = true, from = 0 }) =>
      ask((id) => ({ id, ask: 'reach', protocol, address, port, patience: expected ? 5000 : 400, from })),
    [Symbol.asyncDispose]: async () => end(child),
  };
}

/** A network of the laboratory: bridge br-NAME, and the machines web-NAME (….2) and peer-NAME (….3) on it. */
export interface LabNetwork {
  name: string;
  mode: GatewayMode;
  internal?: boolean;
  interContainer?: boolean;
  masquerade?: boolean;
  trustedInterfaces?: readonly string[];
  sourceAddress?: { 4: string; 6: string };
}

export interface Lab extends AsyncDisposable {
  readonly host: Machine;
  readonly lan: Machine;
  web(network: string): Machine;
  peer(network: string): Machine;
  /** 'web', 'peer' or 'gateway' of a network. */
  address(network: string, who: 'web' | 'peer' | 'gateway', family: 4 | 6): string;
  rules(network: string): NetworkRules[];
}

/** Two families each. The outside (machine `lan`) has a route to all their subnets by way of the host. */
export async function createLab(host: Host, networks: readonly LabNetwork[]): Promise<Lab> {
  const number = (name: string): number => networks.findIndex((network) => network.name === name) + 1;
  const address = (name: string, who: 'web' | 'peer' | 'gateway', family: 4 | 6): string => {
    const last = { gateway: 1, web: 2, peer: 3 }[who];
    return family === 4 ? `10.${number(name)}.0.${last}` : `fd00:${number(name)}::${last}`;
  };
  for (const name of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) {
    await host.run('sh', '-c', `echo 1 >/proc/sys/net/${name}`);
  }
  for (const network of networks) await makeNetwork(host, network, address);
  await host.outside.run('ip', 'route', 'add', '10.0.0.0/8', 'via', OUTSIDE.host4);
  await host.outside.run('ip', '-6', 'route', 'add', 'fd00::/16', 'via', OUTSIDE.host6);

  await using started = new AsyncDisposableStack();
  const enter = (name: string): string[] => ['nsenter', `--net=/run/netns/${name}`, '--'];
  const machines = new Map<string, Machine>([
    ['host', started.use(startMachine(host, 'host'))],
    ['lan', started.use(startMachine(host.outside, 'lan'))],
    ...networks.flatMap(({ name }) =>
      ['web', 'peer'].map((who): [string, Machine] => {
        const full = `${who}-${name}`;
        return [full, started.use(startMachine(host, full, enter(full)))];
      }),
    ),
  ]);
  const machine = (name: string): Machine => {
    const found = machines.get(name);
    assert.ok(found, `no machine ${name}`);
    return found;
  };
  const all = started.move();
  return {
    host: machine('host'),
    lan: machine('lan'),
    web: (network) => machine(`web-${network}`),
    peer: (network) => machine(`peer-${network}`),
    address,
    rules: (name) => rulesOf(networks[number(name) - 1], number(name)),
    async [Symbol.asyncDispose]() {
      await all.disposeAsync();
      for (const { name } of networks) {
        for (const who of ['web', 'peer']) await host.exec(['ip', 'netns', 'delete', `${who}-${name}`]);
        await host.exec(['ip', 'link', 'delete', `br-${name}`]);
      }
      // `ip netns` makes a mount of it.
      await host.run('umount', '-R', '/run/netns');
    },
  };
}

function rulesOf(network: LabNetwork | undefined, number: number): NetworkRules[] {
  assert.ok(network);
  const { name, mode, internal = false, interContainer = true, masquerade = true, trustedInterfaces = [] } = network;
  return ([4, 6] as const).map((family) => ({
    bridge: `br-${name}`,
    family,
    subnets: [family === 4 ? `10.${number}.0.0/24` : `fd00:${number}::/64`],
    mode,
    masquerade,
    sourceAddress: network.sourceAddress?.[family] ?? '',
    internal,
    interContainer,
    trustedInterfaces,
  }));
}

async function makeNetwork(
  host: Host,
  { name, mode, interContainer = true }: LabNetwork,
  address: Lab['address'],
): Promise<void> {
  const bridge = `br-${name}`;
  const gateway = mode === 'isolated' ? [] : ([4, 6] as const).map((family) => address(name, 'gateway', family));
  const batch = async (enter: readonly string[], lines: readonly string[]): Promise<void> => {
    const { code, stderr } = await host.exec([...enter, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
    assert.equal(code, 0, stderr);
  };
  const place = (ip: string): string => `${ip}/${ip.includes(':') ? '64 nodad' : '24'}`;
  await batch(
    [],
    [
      `link add ${bridge} type bridge`,
      `link set ${bridge} up`,
      ...gateway.map((ip) => `addr add ${place(ip)} dev ${bridge}`),
      ...['web', 'peer'].flatMap((who) => [
        `netns add ${who}-${name}`,
        `link add ${who[0]}-${name} master ${bridge} up type veth peer name eth0 netns ${who}-${name}`,
        // What the attendant of an interface does where containers may not speak to each other.
        ...(interContainer ? [] : [`link set ${who[0]}-${name} type bridge_slave isolated on`]),
      ]),
    ],
  );
  if (gateway.length > 0) await host.run('sh', '-c', `echo 1 >/proc/sys/net/ipv4/conf/${bridge}/route_localnet`);
  for (const who of ['web', 'peer'] as const) {
    await batch(
      ['nsenter', `--net=/run/netns/${who}-${name}`, '--'],
      [
        'link set lo up',
        'link set eth0 up',
        ...([4, 6] as const).map((family) => `addr add ${place(address(name, who, family))} dev eth0`),
        ...gateway.map((ip) => `route add default via ${ip}`),
      ],
    );
  }
}
