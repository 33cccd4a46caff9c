/** Networks, attachments and published ports in each engine: over the API's socket on one kept connection where there is one. */
import { figures, interleaved, timed, type Figures } from '../stats.ts';
import { range, verbsOf, type Verbs } from '../verbs.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

type Sample = () => Promise<number>;
const NET = 'bench';
const PROBE = 'bench-probe';

/** One measured `start` of a container with `count` published ports; its creation and removal are not counted. */
export const startWithPorts =
  (verbs: Verbs, count: number, network = NET): Sample =>
  async () => {
    await verbs.create('bench-ports', { network, ports: range(20_001, count) });
    const took = await timed(() => verbs.start('bench-ports'));
    await verbs.remove('bench-ports');
    return took;
  };

export const createAndRemove =
  (verbs: Verbs): Sample =>
  () =>
    timed(async () => {
      await verbs.createNetwork('bench-more');
      await verbs.removeNetwork('bench-more');
    });

/**
 * Two samples of one round trip, taken in turn: the second is of what the first one's round measured. Both need the
 * container PROBE, which runs on the default bridge, and the network NET.
 */
export function connectAndDisconnect(verbs: Verbs): { connect: Sample; disconnects: number[] } {
  const disconnects: number[] = [];
  return {
    disconnects,
    async connect() {
      const took = await timed(() => verbs.connect(NET, PROBE));
      disconnects.push(await timed(() => verbs.disconnect(NET, PROBE)));
      return took;
    },
  };
}

/** The network NET and, running on another, PROBE. */
export async function setUp(verbs: Verbs): Promise<void> {
  await verbs.createNetwork(NET);
  // Podman connects only what is on a network of the same kind: not on its default one.
  await verbs.createNetwork('bench-home');
  await verbs.create(PROBE, { network: 'bench-home' });
  await verbs.start(PROBE);
}

async function takeDown(verbs: Verbs): Promise<void> {
  await verbs.remove(PROBE);
  await verbs.removeNetwork('bench-home');
  await verbs.removeNetwork(NET);
  verbs.close();
}

export async function network({ peers, rounds, quick, say }: SuiteContext): Promise<Row[]> {
  const all = peers.map(verbsOf);
  for (const verbs of all) await setUp(verbs);
  const each = (of: (verbs: Verbs) => Sample): Map<string, Sample> =>
    new Map(all.map((verbs) => [verbs.name, of(verbs)]));
  const row = (what: string, measured: Map<string, Figures>, limits: Row['targets'] = []): Row => ({
    what,
    unit: 'ms',
    figures: Object.fromEntries(measured),
    targets: limits,
  });
  const ofDockerd = (measured: Map<string, Figures>): number =>
    (measured.get('berth')?.median ?? Number.NaN) / (measured.get('dockerd')?.median ?? Number.NaN);

  say('network create + rm');
  const created = await interleaved(each(createAndRemove), rounds);
  const rows = [row('network create + rm', created, target('berth / dockerd', ofDockerd(created), 0.2))];

  say('connect and disconnect');
  const pairs = new Map(all.map((verbs) => [verbs.name, connectAndDisconnect(verbs)]));
  const connected = await interleaved(new Map([...pairs].map(([name, { connect }]) => [name, connect])), rounds);
  rows.push(
    row('connect a running container to a second network', connected, [
      ...target('berth, in the daemon (ms)', connected.get('berth')?.median ?? Number.NaN, 15),
      ...target('berth / dockerd', ofDockerd(connected), 0.2),
    ]),
    row(
      'disconnect it',
      // The first is the warm-up's.
      new Map([...pairs].map(([name, { disconnects }]) => [name, figures(disconnects.slice(1))])),
    ),
  );

  // dockerd takes 25 s for 206 ports, and as long to take them away.
  for (const [count, most] of quick
    ? ([
        [1, 3],
        [8, 1],
      ] as const)
    : ([
        [1, 9],
        [32, 3],
        [206, 1],
      ] as const)) {
    say(`start with ${count} published ports`);
    const costly = Object.fromEntries(all.filter(({ name }) => name !== 'berth').map(({ name }) => [name, most]));
    const started = await interleaved(
      each((verbs) => startWithPorts(verbs, count)),
      rounds,
      1,
      costly,
    );
    const ports = `${count} published port${count > 1 ? 's' : ''}`;
    rows.push(row(`start on a network of one's own with ${ports}`, started));
  }
  for (const verbs of all) await takeDown(verbs);
  return rows;
}
