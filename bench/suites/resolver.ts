/**
 * Each engine's resolver asked by dnsperf from inside a container: for names of containers, for names outside that it may
 * keep, and for such that it must ask for each time. All are the same queries and the same name server outside.
 */
import { writeFileSync } from 'node:fs';
import { OUTSIDE } from '../../test/support/host.ts';
import type { Peer } from '../peers/peer.ts';
import { cpuMilliseconds } from '../process.ts';
import { figures, type Figures } from '../stats.ts';
import { range, verbsOf } from '../verbs.ts';
import { inNetworkOf, startUpstream } from './callers.ts';
import { targetAtLeast, target, type Row, type SuiteContext } from './suite.ts';

const NETWORK = 'resolver';
/** Queries a second at which the time of single answers is measured: every contender can do that. */
const CALM = 1000;

/** Which process answers. */
const PROCESS: Record<string, string> = { berth: 'berth-netd', dockerd: 'dockerd', podman: 'aardvark-dns' };

interface Subject extends AsyncDisposable {
  name: string;
  /** Milliseconds of CPU that its resolver has used. */
  cpu: () => number;
  /** Runs dnsperf with the queries; returns what it prints. */
  ask: (kind: Kind, ...args: string[]) => Promise<string>;
}

const KINDS = {
  'names of containers': range(1, 50).map((i) => `alias${i}`),
  'one name of a container': ['alias1'],
  'names outside, to be kept': range(1, 50).map((i) => `k${i}.example.test`),
  'names outside, asked for each time': range(1, 50).map((i) => `u${i}.example.test`),
} as const;
type Kind = keyof typeof KINDS;

export async function resolver({ peers, quick, say }: SuiteContext): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const subjects: Subject[] = [];
  for (const peer of peers) {
    const subject = await prepare(peer, say);
    if (subject) subjects.push(stack.use(subject));
  }
  const seconds = quick ? 0.5 : 1.5;
  const rows: Row[] = [];
  const rates = new Map<Kind, number>();
  for (const kind of Object.keys(KINDS) as Kind[]) {
    say(`resolver: ${kind}`);
    const rate: Record<string, Figures> = {};
    const late: Record<string, Figures> = {};
    const notes: string[] = [];
    const samples = new Map(subjects.map(({ name }) => [name, [] as number[]]));
    const costs = new Map(subjects.map(({ name }) => [name, [] as number[]]));
    for (let round = -1; round < (quick ? 1 : 3); round++) {
      for (const { name, ask, cpu } of subjects) {
        const before = cpu();
        const text = await ask(kind, '-l', `${round < 0 ? 0.3 : seconds}`);
        if (round < 0) continue;
        costs.get(name)?.push((1000 * (cpu() - before)) / read(text, /Queries completed:\s+(\d+)/));
        samples.get(name)?.push(read(text, /Queries per second:\s+([\d.]+)/));
        const good = read(text, /NOERROR \d+ \(([\d.]+)%\)/);
        const lost = read(text, /Queries lost:\s+\d+ \(([\d.]+)%\)/);
        if (!(good >= 99 && lost < 1)) notes.push(`${name}: ${good || 0} % answered well, ${lost} % lost`);
      }
    }
    for (const [name, values] of samples) rate[name] = figures(values);
    const cost = [...costs].map(([name, values]) => {
      const microseconds = figures(values).median;
      // Below 1 for a resolver of one thread, the load generator had no more for it.
      const busy = ((rate[name]?.median ?? 0) * microseconds) / 1e6;
      return `${name} ${microseconds.toFixed(1)} µs (${busy.toFixed(2)} cores busy)`;
    });
    notes.push(`CPU time of the resolver for one query: ${cost.join(', ')}`);
    const ofBerth = rate['berth']?.median ?? Number.NaN;
    rates.set(kind, ofBerth);
    rows.push({
      what: `resolver: ${kind}`,
      unit: 'queries/s',
      figures: rate,
      targets: targetAtLeast('berth / dockerd', ofBerth / (rate['dockerd']?.median ?? Number.NaN), 3),
      notes: [...new Set(notes)],
    });
    if (kind === 'one name of a container') {
      const of50 = rates.get('names of containers') ?? Number.NaN;
      rows.at(-1)?.targets.push(...target('one name / many names', ofBerth / of50, 1.3));
      continue;
    }
    for (const { name, ask } of subjects)
      late[name] = figures(latencies(await ask(kind, '-l', `${seconds}`, '-Q', `${CALM}`, '-v')));
    rows.push({
      what: `resolver: time of one answer at ${CALM} queries/s: ${kind}`,
      unit: 'ms',
      figures: late,
      targets: [],
      notes: [
        `99th percentile: ${Object.entries(late)
          .map(([name, { p99 }]) => `${name} ${p99.toFixed(2)} ms`)
          .join(', ')}`,
      ],
    });
  }
  return rows;
}

async function prepare(peer: Peer, say: (text: string) => void): Promise<Subject | undefined> {
  await using stack = new AsyncDisposableStack();
  const { host } = peer;
  if ((await host.exec(['sh', '-c', 'command -v dnsperf'])).code !== 0) {
    say('dnsperf is not installed: the resolver is left out');
    return undefined;
  }
  if (peer.name === 'podman' && (await host.exec(['test', '-x', '/usr/lib/podman/aardvark-dns'])).code !== 0) {
    say('aardvark-dns is not installed: Podman has no resolver');
    return undefined;
  }
  const verbs = verbsOf(peer);
  stack.defer(() => verbs.close());
  stack.use(await startUpstream(host.outside, OUTSIDE.ip4));
  await verbs.createNetwork(NETWORK);
  stack.defer(() => verbs.removeNetwork(NETWORK));
  // Two containers: one that is asked for, one that asks.
  await verbs.createNetwork('resolver-home');
  stack.defer(() => verbs.removeNetwork('resolver-home'));
  await verbs.create('resolver-named', { network: 'resolver-home' });
  stack.defer(() => verbs.remove('resolver-named'));
  await verbs.start('resolver-named');
  await verbs.connect(NETWORK, 'resolver-named', KINDS['names of containers']);
  await verbs.create('resolver-asking', { network: NETWORK });
  stack.defer(() => verbs.remove('resolver-asking'));
  await verbs.start('resolver-asking');
  const { State, NetworkSettings } = await verbs.inspect('resolver-asking');
  const server = peer.name === 'podman' ? (NetworkSettings.Networks[NETWORK]?.Gateway ?? '') : '127.0.0.11';
  const files = new Map<Kind, string>();
  for (const [kind, names] of Object.entries(KINDS)) {
    const file = `${host.root}/q${files.size}`;
    writeFileSync(file, names.map((name) => `${name} A\n`).join(''));
    files.set(kind as Kind, file);
  }
  const undo = stack.move();
  return {
    name: peer.name,
    cpu: () => cpuMilliseconds(host.pid, PROCESS[peer.name] ?? ''),
    ask: (kind, ...args) =>
      host.run(...inNetworkOf(State.Pid, 'dnsperf', '-s', server, '-d', files.get(kind) ?? '', '-c', '4', ...args)),
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

const read = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);

/** Milliseconds of each answer of `dnsperf -v`: '> NOERROR name A 0.000123'. */
const latencies = (text: string): number[] =>
  [...text.matchAll(/^> NOERROR .* (\d+\.\d+)$/gm)].map(([, seconds]) => Number(seconds) * 1000);
