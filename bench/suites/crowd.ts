/**
 * Berth among much else: the same steps in four daemons, in turn, of which three hold a thousand networks, a thousand
 * endpoints on one network, or ten thousand published ports. All endpoints are those of real containers.
 */
import { startBerth, type Berth } from '../peers/berth.ts';
import { figures, interleaved, timed } from '../stats.ts';
import { apiVerbs, range, type Verbs } from '../verbs.ts';
import { startConnector, startGreeter } from './callers.ts';
import { connectAndDisconnect, createAndRemove, setUp, startWithPorts } from './network.ts';
import { target, targetAtLeast, type Row, type SuiteContext } from './suite.ts';

const MOST_PORTS = 206;
const GREETER_PORT = 8080;
/** BR_MAX_PORTS is 1,024 (net/bridge/br_private.h), of which port 0 is none. */
const BRIDGE_PORTS = 1023;
/** Small subnets that 1,000 networks fit in, and room for 1,023 endpoints on the one that is filled. */
const POOL = 'base=10.0.0.0/8,size=21';

interface Host {
  name: string;
  berth: Berth;
  verbs: Verbs;
}

export async function crowd(context: SuiteContext): Promise<Row[]> {
  const { rounds, quick, say } = context;
  await using stack = new AsyncDisposableStack();
  const [networks, endpoints, ports] = quick ? [30, 30, 400] : [1000, 1000, 10_000];
  const text = (count: number): string => count.toLocaleString('en');
  const hosts: Host[] = [];
  const add = async (name: string, fill: (verbs: Verbs) => Promise<void>): Promise<Host> => {
    say(`filling: ${name}`);
    const berth = stack.use(await startBerth({ args: ['--default-address-pool', POOL], abandon: true }));
    const verbs = apiVerbs(name, berth.socket);
    stack.defer(() => verbs.close());
    await setUp(verbs);
    await fill(verbs);
    const host = { name, berth, verbs };
    hosts.push(host);
    return host;
  };
  await add('1 network, 1 endpoint, 10 ports', (verbs) => publish(verbs, 10));
  await add(`${text(networks)} networks`, async (verbs) => {
    for (let i = 2; i < networks; i++) await verbs.createNetwork(`many${i}`);
  });
  const crowded = await add(`${text(endpoints)} endpoints on the network`, (verbs) => populate(verbs, 1, endpoints));
  await add(`${text(ports)} published ports`, (verbs) => publish(verbs, ports));

  const rows: Row[] = [];
  const put = (
    what: string,
    measured: ReadonlyMap<string, ReturnType<typeof figures>>,
    unit: Row['unit'] = 'ms',
  ): Row => {
    const [alone = Number.NaN, ...others] = [...measured.values()].map(({ median }) => median);
    const row: Row = {
      what: `${what}, berth among much else`,
      unit,
      figures: Object.fromEntries(measured),
      targets: target('largest / smallest size', Math.max(...others) / alone, 1.3),
    };
    rows.push(row);
    return row;
  };
  const each = <T>(of: (host: Host) => T): Map<string, T> => new Map(hosts.map((host) => [host.name, of(host)]));

  say('networks and endpoints among much else');
  put(
    'network create + rm',
    await interleaved(
      each(({ verbs }) => createAndRemove(verbs)),
      rounds,
    ),
  );
  const pairs = each(({ verbs }) => connectAndDisconnect(verbs));
  put('connect', await interleaved(new Map([...pairs].map(([name, { connect }]) => [name, connect])), rounds));
  put('disconnect', new Map([...pairs].map(([name, { disconnects }]) => [name, figures(disconnects.slice(1))])));
  const bare = each(({ verbs }) => startWithPorts(verbs, 0, 'none'));
  const control = put('start without a network', await interleaved(bare, Math.ceil(rounds / 2)));
  control.targets = [];
  control.notes = [
    'what the runtime and the kernel take among so many processes, with no network: the starts below contain it',
  ];
  for (const count of quick ? [1, 8] : [1, 32, MOST_PORTS]) {
    say(`start with ${count} ports among much else`);
    const starts = each(({ verbs }) => startWithPorts(verbs, count));
    put(`start with ${count} published port${count > 1 ? 's' : ''}`, await interleaved(starts, Math.ceil(rounds / 2)));
  }
  put('connection from outside to a published port', await connections(hosts, context, stack), 'µs');
  // A quick run's bridge is far from full.
  if (!quick) rows.push(await fillBridge(crowded, endpoints, context));
  return rows;
}

/** Containers on the network, `count` of them. */
async function populate(verbs: Verbs, first: number, count: number): Promise<void> {
  const left = range(first, count);
  const worker = async (): Promise<void> => {
    for (let i = left.shift(); i !== undefined; i = left.shift()) {
      await verbs.create(`one${i}`, { network: 'bench' });
      await verbs.start(`one${i}`);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/**
 * Ports from 30,000 upwards, on as few containers as have 206 each; of IPv4 only: for both families 20,000 sockets would be held,
 * more open files than some machines allow a process.
 */
async function publish(verbs: Verbs, count: number): Promise<void> {
  for (let done = 0; done < count; done += MOST_PORTS) {
    const ports = range(30_000 + done, Math.min(MOST_PORTS, count - done));
    await verbs.create(`ports${done}`, { network: 'bench-home', ports, hostIp: '0.0.0.0' });
    await verbs.start(`ports${done}`);
  }
}

async function connections(
  hosts: readonly Host[],
  { quick }: SuiteContext,
  stack: AsyncDisposableStack,
): Promise<Map<string, ReturnType<typeof figures>>> {
  const samples = new Map<string, number[]>();
  const asks: { name: string; ask: () => Promise<number[]> }[] = [];
  for (const { name, berth, verbs } of hosts) {
    await verbs.create('greeter', { network: 'bench', ports: [GREETER_PORT] });
    await verbs.start('greeter');
    const { State } = await verbs.inspect('greeter');
    stack.use(await startGreeter(berth.host, State.Pid, GREETER_PORT));
    const connector = stack.use(startConnector(berth.host.outside));
    samples.set(name, []);
    asks.push({ name, ask: () => connector.connect('198.51.100.2', GREETER_PORT, quick ? 50 : 300) });
  }
  for (let round = 0; round < 5; round++) {
    for (const { name, ask } of asks) {
      const times = await ask();
      // The first round warms up both programs.
      if (round > 0) samples.get(name)?.push(...times);
    }
  }
  return new Map([...samples].map(([name, times]) => [name, figures(times)]));
}

/** Fills the network's bridge up to the kernel's limit: the next container must be refused with a reason. */
async function fillBridge({ verbs }: Host, present: number, { say }: SuiteContext): Promise<Row> {
  const row: Row = {
    what: 'endpoints on one bridge, until the kernel refuses',
    unit: 'endpoints',
    figures: {},
    targets: [],
  };
  say('filling a bridge to the last port');
  // The greeter is one more.
  let count = present + 1;
  const refusal = await (async () => {
    for (; count <= BRIDGE_PORTS + 1; count++) await populate(verbs, 10_000 + count, 1);
  })().then(
    () => 'no error at all',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const took = await timed(() => verbs.remove(`one${10_000 + count}`));
  row.figures['berth'] = figures([count]);
  row.targets.push(...targetAtLeast('endpoints', count, BRIDGE_PORTS));
  row.notes = [
    `the next container is refused: \`${refusal.replace(/^.*?: (?=\d{3} )/, '').trim()}\` (and removed in ${took.toFixed(0)} ms)`,
  ];
  return row;
}
