/** `run --rm busybox true` as a person waits for it: from the start of the client's process to its end. */
import { interleaved, timed, type Figures } from '../stats.ts';
import { run } from '../process.ts';
import { target, type Row, type SuiteContext } from './suite.ts';

const WORKLOAD = ['run', '--rm', 'busybox', 'true'];

export async function runFromClient({ peers, rounds, say }: SuiteContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const network of ['bridge', 'none', 'host']) {
    say(`run --rm on ${network}`);
    const args = ['run', '--rm', '--network', network, ...WORKLOAD.slice(2)];
    const contenders = new Map<string, () => Promise<number>>();
    for (const peer of peers) {
      contenders.set(`${peer.name}`, () => timed(() => run(peer.client(args))));
      const own = peer.ownClient?.(args);
      if (own) contenders.set(`${peer.name} (own client)`, () => timed(() => run(own)));
    }
    const measured = await interleaved(contenders, rounds);
    rows.push({
      what: `run --rm, --network ${network}`,
      unit: 'ms',
      figures: Object.fromEntries(measured),
      targets: targetsOf(measured, network),
    });
  }
  return rows;
}

function targetsOf(measured: Map<string, Figures>, network: string): Row['targets'] {
  const median = (name: string): number => measured.get(name)?.median ?? Number.NaN;
  return [
    ...(network === 'bridge'
      ? target('berth / dockerd, same stock client', median('berth') / median('dockerd'), 0.25)
      : []),
    ...target('own client / stock client', median('berth (own client)') / median('berth'), 1.05),
  ];
}

/** What a command costs when the daemon has nothing to do: the client's own start-up. */
export async function clientStartUp({ peers, rounds, say }: SuiteContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const args of [['--version'], ['network', 'ls']]) {
    say(`client: ${args.join(' ')}`);
    const contenders = new Map<string, () => Promise<number>>();
    for (const peer of peers) {
      contenders.set(peer.name, () => timed(() => run(peer.client(args))));
      const own = peer.ownClient?.(args);
      if (own) contenders.set(`${peer.name} (own client)`, () => timed(() => run(own)));
    }
    const measured = await interleaved(contenders, rounds);
    const median = (name: string): number => measured.get(name)?.median ?? Number.NaN;
    rows.push({
      what: args.join(' '),
      unit: 'ms',
      figures: Object.fromEntries(measured),
      targets: target('own client / stock client', median('berth (own client)') / median('berth'), 1),
    });
  }
  return rows;
}
