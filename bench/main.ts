/**
 * npm run bench [-- --quick] [--only run|client|life|scale|cycles] [--write-docs]
 * Everything in one run, contenders in turn; a table on standard output, JSON in bench/out/, and with --write-docs
 * the section of docs/performance.md that holds the latest figures.
 */
import { cpus, release, totalmem } from 'node:os';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startFloor } from './floor.ts';
import { startBerth } from './peers/berth.ts';
import { startDockerd } from './peers/dockerd.ts';
import type { Peer } from './peers/peer.ts';
import { startPodman } from './peers/podman.ts';
import { run } from './process.ts';
import { markdown, type Report } from './report.ts';
import { lifecycle } from './suites/lifecycle.ts';
import { clientStartUp, runFromClient } from './suites/run.ts';
import { cycles, scale } from './suites/scale.ts';
import type { Row } from './suites/suite.ts';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, 'write-docs': { type: 'boolean' } },
});
const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
const wanted = (name: string): boolean => options.only === undefined || options.only === name;

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
  const floor = stack.use(await startFloor(berth));

  const context = { peers, rounds: options.quick ? 7 : 31, say };
  const rows: Row[] = [
    ...(wanted('run') ? await runFromClient(context) : []),
    ...(wanted('client') ? await clientStartUp(context) : []),
    ...(wanted('life') ? await lifecycle(context, floor) : []),
    ...(wanted('scale') ? await scale(context, options.quick ? 40 : 200) : []),
    ...(wanted('cycles') ? await cycles(context, options.quick ? 200 : 2000) : []),
  ];

  const report: Report = {
    date: new Date().toISOString(),
    machine: `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    contenders: Object.fromEntries([
      ...peers.map((peer) => [peer.name, peer.version] as const),
      ['floor', floor.version],
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
