/**
 * The way between two hosts: a network that spans them against VXLAN made by hand on the same hosts, between the same two
 * containers, which have an interface on each. Measured in turn.
 */
import type { ClusterMember } from '../../test/overlay/hosts.ts';
import { startCluster } from '../../test/overlay/hosts.ts';
import { figures, interleaved, type Figures } from '../stats.ts';
import { apiVerbs } from '../verbs.ts';
import { ended, inNetworkOf } from './callers.ts';
import { target, targetAtLeast, type Row, type SuiteContext } from './suite.ts';

const NETWORK = 'wide';
const IPERF_PORT = 5201;
/** Beside the cluster's own port and numbers. */
const BY_HAND = { vni: 99, port: 8472, mtu: 1450 };
const byHandAddress = (number: number): string => `192.168.99.${number}`;
const PINGS = 200;

/** A container, and how a program is run in its network. */
interface End {
  member: ClusterMember;
  pid: number;
  /** Its addresses by the contenders' names. */
  addresses: { berth: string; 'by hand': string };
}

export async function overlay({ quick, say }: SuiteContext): Promise<Row[]> {
  say('two hosts: the way between their containers');
  await using cluster = await startCluster(2, { args: ['--cluster-lease=30'] });
  const [a, b] = cluster.members;
  if (!a || !b) throw new Error('there are not two hosts');
  if ((await a.host.exec(['sh', '-c', 'command -v iperf3'])).code !== 0) {
    say('iperf3 is not installed: the way between hosts is left out');
    return [];
  }
  await using stack = new AsyncDisposableStack();
  const maker = apiVerbs(a.name, a.daemon.socket);
  stack.defer(() => maker.close());
  await maker.createNetwork(NETWORK, 'overlay');
  while ((await b.daemon.api('GET', `/networks/${NETWORK}`)).status !== 200);
  const from = await place(a, b, stack);
  const to = await place(b, a, stack);
  const server = `iperf3 -s -p ${IPERF_PORT} & cat; kill $!`;
  stack.use(ended(b.host.spawn(inNetworkOf(to.pid, 'sh', '-c', server), { stdio: ['pipe', 'ignore', 'ignore'] })));

  const contenders = (measure: (address: string) => Promise<number>): Map<string, () => Promise<number>> =>
    new Map(Object.entries(to.addresses).map(([name, address]) => [name, async () => measure(address)]));
  const streams = await interleaved(
    contenders(async (address) => throughput(from, address)),
    quick ? 3 : 11,
  );
  const pings = await interleaved(
    contenders(async (address) => roundTrip(from, address)),
    quick ? 5 : 21,
  );
  const ratio = (of: Map<string, Figures>): number =>
    (of.get('berth')?.median ?? Number.NaN) / (of.get('by hand')?.median ?? Number.NaN);
  return [
    {
      what: 'throughput of one TCP stream between containers on two hosts, against VXLAN by hand',
      unit: 'Gbit/s',
      figures: Object.fromEntries(streams),
      targets: targetAtLeast('berth / by hand', ratio(streams), 0.97),
    },
    {
      what: `round trip between containers on two hosts, against VXLAN by hand (medians of ${PINGS} pings)`,
      unit: 'µs',
      figures: Object.fromEntries(pings),
      targets: target('berth / by hand', ratio(pings), 1.05),
    },
  ];
}

/** A container on the network, with a second interface on a bridge whose VXLAN device knows the other host, as `ip link` makes it. */
async function place(member: ClusterMember, other: ClusterMember, stack: AsyncDisposableStack): Promise<End> {
  const { host, daemon, name, number } = member;
  const verbs = apiVerbs(name, daemon.socket);
  stack.defer(() => verbs.close());
  const container = `end-${name}`;
  await verbs.create(container, { network: NETWORK });
  stack.defer(() => verbs.remove(container));
  await verbs.start(container);
  const { State, NetworkSettings } = await verbs.inspect(container);
  const { vni, port, mtu } = BY_HAND;
  const tunnel = `type vxlan id ${vni} dstport ${port} local ${member.address} remote ${other.address}`;
  for (const command of [
    'link add hand-br type bridge',
    `link add hand-vx mtu ${mtu} master hand-br ${tunnel}`,
    `link add hand-veth mtu ${mtu} master hand-br type veth peer name hand0 mtu ${mtu} netns ${State.Pid}`,
    ...['hand-br', 'hand-vx', 'hand-veth'].map((link) => `link set ${link} up`),
  ]) {
    await host.run('ip', ...command.split(' '));
  }
  stack.defer(async () => void (await host.run('ip', 'link', 'del', 'hand-br')));
  stack.defer(async () => void (await host.run('ip', 'link', 'del', 'hand-vx')));
  await host.run(...inNetworkOf(State.Pid, 'ip', 'addr', 'add', `${byHandAddress(number)}/24`, 'dev', 'hand0'));
  await host.run(...inNetworkOf(State.Pid, 'ip', 'link', 'set', 'hand0', 'up'));
  const berth = NetworkSettings.Networks[NETWORK]?.IPAddress ?? '';
  return { member, pid: State.Pid, addresses: { berth, 'by hand': byHandAddress(number) } };
}

/** Gbit/s that the other side received in a second. */
async function throughput({ member, pid }: End, address: string): Promise<number> {
  const text = await member.host.run(
    ...inNetworkOf(pid, 'iperf3', '-c', address, '-p', `${IPERF_PORT}`, '-t', '1', '-J'),
  );
  const { end } = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}

/** Microseconds, the median of what single pings took. */
async function roundTrip({ member, pid }: End, address: string): Promise<number> {
  const text = await member.host.run(...inNetworkOf(pid, 'ping', '-c', `${PINGS}`, '-i', '0.002', address));
  return figures([...text.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms) * 1000)).median;
}
