import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../client.ts';
import type { Command, Context } from '../command.ts';
import { formatListFlag, noTruncFlag } from '../format/flags.ts';
import { printer } from '../format/listing.ts';
import type { ContainerSummary } from '../lists/containers.ts';
import { type StatsAnswer, type StatsRow, statsListing } from '../lists/stats.ts';
import { pathOf } from '../path.ts';
import { daemonText } from '../run/report.ts';
import { jsonLines } from '../streams/lines.ts';
import { outputOf } from '../streams/output.ts';

/** Milliseconds between two drawings of the table. */
const REDRAW = 500;

const ESCAPE = '\x1b[';
const HOME = `${ESCAPE}H`;
const CLEAR_LINE = `${ESCAPE}K`;
const CLEAR_REST = `${ESCAPE}J`;

const pathFor = (name: string): string => `${pathOf('container', name)}/stats`;

/** Everything in one go; what one container failed with is told instead of a table. */
async function once(client: ApiClient, names: readonly string[]): Promise<StatsRow[]> {
  const results = await Promise.allSettled(
    names.map(async (container) => {
      const answer = await client.json<StatsAnswer>('GET', pathFor(container), { query: { stream: 0 } });
      return { container, answer: answer.cpu_stats === undefined ? undefined : answer };
    }),
  );
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [daemonText(result.reason)] : []));
  if (failures.length > 0) throw new Error(failures.join('\n'));
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** The rows of the live table, each filled by a stream of its own. */
class LiveRows {
  readonly rows = new Map<string, StatsRow>();
  readonly #client: ApiClient;
  readonly #streams = new Map<string, { destroy(): unknown }>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Resolves with the first answer (or the stream's end); rejects when there is no such container. */
  async follow(container: string): Promise<void> {
    if (this.rows.has(container)) return;
    const row: StatsRow = { container, answer: undefined };
    this.rows.set(container, row);
    let stream;
    try {
      stream = await this.#client.stream('GET', pathFor(container), { query: { stream: 1 } });
    } catch (error) {
      if (this.rows.get(container) === row) this.rows.delete(container);
      throw error;
    }
    // It ended meanwhile, and may have the row of its next run by now.
    if (this.rows.get(container) !== row) return void stream.destroy();
    this.#streams.set(container, stream);
    const first = Promise.withResolvers<void>();
    const take = async (): Promise<void> => {
      for await (const answer of jsonLines(stream)) {
        row.answer = answer as unknown as StatsAnswer;
        first.resolve();
      }
    };
    void take()
      .catch(() => undefined)
      .finally(() => {
        // The container was removed, or the daemon has ended.
        if (this.rows.get(container) === row) this.drop(container);
        first.resolve();
      });
    await first.promise;
  }

  drop(container: string): void {
    this.rows.delete(container);
    this.#streams.get(container)?.destroy();
    this.#streams.delete(container);
  }
}

interface ContainerEvent {
  Action?: string;
  Actor?: { ID?: string };
}

/** Containers come into the table when they start (with `all`: are made), and leave it when they end. */
async function followEvents(live: LiveRows, events: AsyncIterable<Buffer>, all: boolean): Promise<void> {
  for await (const line of jsonLines(events)) {
    const { Action, Actor } = line as ContainerEvent;
    const id = Actor?.ID?.slice(0, 12);
    if (id === undefined) continue;
    if (Action === 'start' || (all && Action === 'create')) void live.follow(id).catch(() => undefined);
    else if (Action === 'destroy' || (Action === 'die' && !all)) live.drop(id);
  }
}

async function list(client: ApiClient, all: boolean): Promise<string[]> {
  const query = { all: all ? 1 : undefined };
  const containers = await client.json<ContainerSummary[]>('GET', '/containers/json', { query });
  return containers.map(({ Id }) => Id.slice(0, 12));
}

async function watchAll(
  { client, stdout }: Context,
  names: readonly string[],
  all: boolean,
  print: (rows: readonly StatsRow[]) => string,
): Promise<void> {
  const live = new LiveRows(client);
  const everything = names.length === 0;
  let connected = true;
  if (everything) {
    // Before the list is asked for, so that nothing is missed between the two.
    const events = await client.stream('GET', '/events', {
      query: { filters: JSON.stringify({ type: ['container'] }) },
    });
    void followEvents(live, events, all)
      .catch(() => undefined)
      .finally(() => (connected = false));
  }
  const first = everything ? await list(client, all) : names;
  const results = await Promise.allSettled(first.map(async (name) => live.follow(name)));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [daemonText(result.reason)] : []));
  if (failures.length > 0 && !everything) throw new Error(failures.join('\n'));
  const output = outputOf(stdout);
  // Named containers that are all gone leave nothing to look at.
  while (connected && (everything || live.rows.size > 0)) {
    const lines = print([...live.rows.values()]).split('\n');
    await output.write(`${HOME}${lines.map((line) => `${line} ${CLEAR_LINE}\n`).join('')}${CLEAR_REST}`);
    await sleep(REDRAW);
  }
}

export const command: Command = {
  path: 'stats',
  aliases: ['container stats'],
  usage: '[OPTIONS] [CONTAINER...]',
  summary: 'Display a live stream of container(s) resource usage statistics',
  flags: [
    { name: 'all', short: 'a', type: 'bool', help: 'Show all containers (default shows just running)' },
    formatListFlag,
    { name: 'no-stream', type: 'bool', help: 'Disable streaming stats and only pull the first result' },
    noTruncFlag,
  ],
  args: { min: 0 },
  complete: 'container',
  async run(context, values, names) {
    const { client, stdout } = context;
    const all = values.bool('all');
    const print = await printer(statsListing({ truncate: !values.bool('no-trunc') }), values.string('format'));
    if (values.bool('no-stream')) {
      const rows = await once(client, names.length > 0 ? names : await list(client, all));
      await outputOf(stdout).write(print(rows));
    } else await watchAll(context, names, all, print);
    return 0;
  },
};
