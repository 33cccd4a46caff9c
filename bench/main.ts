/**
 * npm run bench [-- --quick] [--only run,client,life,scale,cycles,network,crowd,path,resolver,heal,hosts,joining,overlay,cluster,load] [--write-docs]
 *     --quick       small sizes and few rounds: whether everything runs
 *     --only        these suites, separated by commas
 * Everything in one run, contenders in turn; a table on standard output, JSON in bench/out/, and with --write-docs
 * the section of docs/performance.md that holds the latest figures.
 */
import { cpus, loadavg, release, totalmem } from 'node:os';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startFloor, type Floor } from './floor.ts';
import { startBerth } from './peers/berth.ts';
import { startDockerd } from './peers/dockerd.ts';
import type { Peer } from './peers/peer.ts';
import { startPodman } from './peers/podman.ts';
import { run } from './process.ts';
import { markdown, type Report } from './report.ts';
import { cluster } from './suites/cluster.ts';
import { lifecycle } from './suites/lifecycle.ts';
import { crowd } from './suites/crowd.ts';
import { heal } from './suites/heal.ts';
import { hosts } from './suites/hosts.ts';
import { joining } from './suites/joining.ts';
import { load } from './suites/load.ts';
import { network } from './suites/network.ts';
import { overlay } from './suites/overlay.ts';
import { path } from './suites/path.ts';
import { resolver } from './suites/resolver.ts';
import { clientStartUp, runFromClient } from './suites/run.ts';
import { cycles, scale } from './suites/scale.ts';
import type { Row, SuiteContext } from './suites/suite.ts';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, 'write-docs': { type: 'boolean' } },
});
const say = (text: string): void =>
  void process.stderr.write(`bench ${process.uptime().toFixed(0).padStart(4)} s: ${text}\n`);
const only = options.only?.split(',');
const wanted = (name: string): boolean => only?.includes(name) ?? true;

process.exitCode = await main().then(
  () => 0,
  (error: unknown) => {
    // What went wrong first; the clean-up after it may have failed, too.
    console.error(error instanceof SuppressedError ? error.suppressed : error);
    return 1;
  },
);

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const [before = 0] = loadavg();
  mkdirSync('bench/out', { recursive: true });
  const archive = resolve('bench/out/busybox.tar');

  say('starting berthd');
  const berth = stack.use(await startBerth());
  await run(berth.client(['save', '-o', archive, 'busybox']));
  const peers: Peer[] = [berth];
  for (const [name, start] of [
    ['dockerd', startDockerd],
    ['podman', startPodman],
  ] as const) {
    say(`starting ${name}`);
    const peer = await start(archive);
    if (peer) peers.push(stack.use(peer));
    else say(`${name} is not installed: left out`);
  }
  let floor: Floor | undefined;
  if (wanted('life')) floor = stack.use(await startFloor(berth));

  const context: SuiteContext = { peers, rounds: options.quick ? 5 : 21, quick: options.quick === true, say };
  const rows: Row[] = [];
  for (const [name, suite] of suites(floor)) {
    if (!wanted(name)) continue;
    const began = performance.now();
    rows.push(...(await suite(context)));
    say(`${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }

  const report: Report = {
    date: new Date().toISOString(),
    machine: `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    load: { before, after: loadavg()[0] ?? 0 },
    contenders: Object.fromEntries([
      ...peers.map((peer) => [peer.name, peer.version] as const),
      ...(floor ? [['floor', floor.version] as const] : []),
    ]),
    rows,
  };
  writeFileSync(`bench/out/${report.date.replaceAll(':', '-')}.json`, `${JSON.stringify(report, null, 2)}\n`);
  const text = markdown(report);
  process.stdout.write(text);
  if (options['write-docs']) {
    const page = readFileSync('docs/performance.md', 'utf8');
    const [head = '', , tail = ''] = page.split(/<!-- latest(?: end)? -->\n/);
    writeFileSync('docs/performance.md', `${head}<!-- latest -->\n${text}<!-- latest end -->\n${tail}`);
  }
}

function suites(floor: Floor | undefined): [string, (context: SuiteContext) => Promise<Row[]>][] {
  return [
    ['run', runFromClient],
    ['client', clientStartUp],
    ['life', async (context) => (floor ? lifecycle(context, floor) : [])],
    ['network', network],
    ['crowd', crowd],
    ['path', path],
    ['resolver', resolver],
    ['heal', heal],
    ['hosts', hosts],
    ['joining', joining],
    ['overlay', overlay],
    ['cluster', cluster],
    ['scale', (context) => scale(context, context.quick ? 40 : 200)],
    ['load', load],
    ['cycles', (context) => cycles(context, context.quick ? 200 : 2000)],
  ];
}
