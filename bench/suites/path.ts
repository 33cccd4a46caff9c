/**
 * The way of packets: to a published port by DNAT against the container's own address, and on the host to
 * 127.0.0.1. The daemon runs with --allow-direct-routing, so that outside may reach both. What is behind is the same server in
 * the same container, and the three are measured in turn.
 */
import type { Host } from '../../test/support/host.ts';
import { OUTSIDE } from '../../test/support/host.ts';
import { startBerth } from '../peers/berth.ts';
import { figures, interleaved, type Figures } from '../stats.ts';
import { apiVerbs, verbsOf, type Verbs } from '../verbs.ts';
import { ended, inNetworkOf, startConnector, startGreeter } from './callers.ts';
import { targetAtLeast, target, type Row, type SuiteContext } from './suite.ts';

const GREETER_PORT = 8081;
const IPERF_PORT = 5201;

interface Way {
  name: string;
  from: 'outside' | 'host';
  address: string;
}

interface Subject extends AsyncDisposable {
  host: Host;
  ways: Way[];
}

export async function path({ peers, quick, say }: SuiteContext): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const berth = stack.use(await startBerth({ args: ['--allow-direct-routing'], abandon: true }));
  const subject = stack.use(await prepare('berth', berth.host, apiVerbs('berth', berth.socket), true));
  const subjects = [subject];
  const dockerd = peers.find(({ name }) => name === 'dockerd');
  if (dockerd) subjects.push(stack.use(await prepare('dockerd', dockerd.host, verbsOf(dockerd), false)));

  say('connections by the ways to a container');
  const latency = await connectTimes(subjects, quick);
  const median = (of: Map<string, Figures>, name: string): number => of.get(name)?.median ?? Number.NaN;
  const rows: Row[] = [
    {
      what: 'TCP connection to a container, by the way there',
      unit: 'µs',
      figures: Object.fromEntries(latency),
      targets: target(
        'DNAT / direct, from outside',
        median(latency, 'berth, outside, by DNAT') / median(latency, 'berth, outside, direct'),
        1.3,
      ),
    },
  ];
  if (!(await hasProgram(berth.host, 'iperf3'))) {
    say('iperf3 is not installed: throughput is left out');
    return rows;
  }
  say('throughput by the ways to a container');
  const samples = new Map(
    subjects.flatMap(({ host, ways }) => ways.map((way) => [way.name, () => throughput(host, way, 1)] as const)),
  );
  const measured = await interleaved(samples, quick ? 2 : 7);
  rows.push({
    what: 'throughput of one TCP stream to a container, by the way there',
    unit: 'Gbit/s',
    figures: Object.fromEntries(measured),
    targets: [
      ...targetAtLeast(
        'DNAT / direct, from outside',
        median(measured, 'berth, outside, by DNAT') / median(measured, 'berth, outside, direct'),
        0.95,
      ),
      ...targetAtLeast(
        'host to 127.0.0.1 / direct',
        median(measured, 'berth, host, to 127.0.0.1') / median(measured, 'berth, host, direct'),
        0.95,
      ),
    ],
  });
  return rows;
}

/** A container with both servers in its namespace and their ports published. */
async function prepare(name: string, host: Host, verbs: Verbs, routed: boolean): Promise<Subject> {
  await using stack = new AsyncDisposableStack();
  stack.defer(() => verbs.close());
  await verbs.createNetwork('path');
  stack.defer(() => verbs.removeNetwork('path'));
  await verbs.create('path', { network: 'path', ports: [GREETER_PORT, IPERF_PORT] });
  stack.defer(() => verbs.remove('path'));
  await verbs.start('path');
  const { State, NetworkSettings } = await verbs.inspect('path');
  const address = NetworkSettings.Networks['path']?.IPAddress ?? '';
  stack.use(await startGreeter(host, State.Pid, GREETER_PORT));
  if (await hasProgram(host, 'iperf3')) {
    const script = `iperf3 -s -p ${IPERF_PORT} & cat; kill $!`;
    stack.use(ended(host.spawn(inNetworkOf(State.Pid, 'sh', '-c', script), { stdio: ['pipe', 'ignore', 'ignore'] })));
  }
  const ways: Way[] = [
    { name: `${name}, outside, by DNAT`, from: 'outside', address: OUTSIDE.host4 },
    ...(routed ? [{ name: `${name}, outside, direct`, from: 'outside', address } as const] : []),
    { name: `${name}, host, to 127.0.0.1`, from: 'host', address: '127.0.0.1' },
    ...(routed ? [{ name: `${name}, host, direct`, from: 'host', address } as const] : []),
  ];
  if (routed) {
    const { Gateway = '' } = NetworkSettings.Networks['path'] ?? {};
    // The part of the subnet that the first container's address is in.
    await host.outside.run('ip', 'route', 'add', `${Gateway.replace(/\.\d+$/, '.0')}/24`, 'via', OUTSIDE.host4);
  }
  const undo = stack.move();
  return { host, ways, [Symbol.asyncDispose]: () => undo.disposeAsync() };
}

const hasProgram = async (host: Host, name: string): Promise<boolean> =>
  (await host.exec(['sh', '-c', `command -v ${name}`])).code === 0;

async function connectTimes(subjects: readonly Subject[], quick: boolean): Promise<Map<string, Figures>> {
  await using stack = new AsyncDisposableStack();
  const asks = subjects.flatMap(({ host, ways }) => {
    const connectors = { outside: stack.use(startConnector(host.outside)), host: stack.use(startConnector(host)) };
    return ways.map((way) => ({ way, times: [] as number[], connector: connectors[way.from] }));
  });
  for (let round = 0; round < 6; round++) {
    for (const { way, times, connector } of asks) {
      const taken = await connector.connect(way.address, GREETER_PORT, quick ? 50 : 300);
      // The first round warms up both programs.
      if (round > 0) times.push(...taken);
    }
  }
  return new Map(asks.map(({ way, times }) => [way.name, figures(times)]));
}

/** Gbit/s that the server received in `seconds`, a whole number. */
async function throughput(host: Host, { from, address }: Way, seconds: number): Promise<number> {
  const place = from === 'outside' ? host.outside : host;
  const text = await place.run('iperf3', '-c', address, '-p', `${IPERF_PORT}`, '-t', `${seconds}`, '-J');
  const { end } = JSON.parse(text) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}
