/** argv → the command, its flags, its exit code; and what went wrong in docker's words. */
import { messageOf } from '../errors.ts';
import { ApiError, type ApiClient } from './client.ts';
import type { Command, Context, Values } from './command.ts';
import { harmless } from './format/text.ts';
import { globalFlags, hostOf, isLevel } from './globals.ts';
import { commandHelp, groupHelp, overviewHelp, type Listed } from './help.ts';
import { common, entries, type Entry, find, groups, loadAll, nameIn, topLevel } from './index.ts';
import { FlagError, parseFlags, wrongCount } from './parse.ts';
import { BrokenPipe, outputOf } from './streams/output.ts';
import { closest } from './suggest.ts';
import { BERTH_VERSION } from './version.ts';

/** What a process has; the streams are asked for when they are needed, because making one takes a millisecond. */
export type Surroundings = Pick<Context, 'stdout' | 'stderr' | 'stdin' | 'env'>;

/** As of a process that wrote into a pipe without a reader. */
const SIGPIPE_EXIT = 141;
const FLAG_EXIT = 125;
const COLUMNS = 80;

type Columns = () => number;

/** The text says everything, its end included. */
class UsageError extends Error {
  readonly exitCode: number;
  constructor(text: string, exitCode = 1) {
    super(text);
    this.exitCode = exitCode;
  }
}

const usageError = (problem: string, usage: string, name: string, exitCode: number): UsageError => {
  const words = name === '' ? 'berth' : `berth ${name}`;
  return new UsageError(
    `${problem}\n\nUsage:  ${`${words} ${usage}`.trimEnd()}\n\nRun '${words} --help' for more information\n`,
    exitCode,
  );
};

function parse<T>(work: () => T, usage: string, name: string): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FlagError) throw usageError(error.message, usage, name, FLAG_EXIT);
    throw error;
  }
}

const suggestion = (word: string, names: readonly string[], before: string): string => {
  const near = closest(word, names);
  return near === undefined ? '' : `\n\nDid you mean 'berth ${before}${near}'?`;
};

const listed = (name: string, { summary }: Command): Listed => ({ name, summary });
const byName = (a: Listed, b: Listed): number => (a.name < b.name ? -1 : 1);

async function overview(columns: Columns): Promise<string> {
  const all = (await loadAll(topLevel())).filter((command) => !command.hidden);
  return overviewHelp(
    {
      common: common.flatMap((name) => all.filter(({ path }) => path === name).map((command) => listed(name, command))),
      groups: Object.entries(groups).map(([name, summary]) => ({ name, summary })),
      commands: all
        .filter(({ path }) => !common.includes(path))
        .map((command) => listed(command.path, command))
        .toSorted(byName),
    },
    globalFlags,
    columns(),
  );
}

const ofGroup = (group: string): { entry: Entry; name: string }[] =>
  entries.flatMap((entry) => {
    const name = nameIn(group, entry);
    return name === undefined ? [] : [{ entry, name }];
  });

async function helpOfGroup(group: string): Promise<string> {
  const list = await Promise.all(
    ofGroup(group).map(async ({ entry, name }) => listed(name, (await entry.load()).command)),
  );
  return groupHelp(group, groups[group] ?? '', list.toSorted(byName));
}

/** The help of what `words` name, or undefined when they name nothing. */
async function helpOf(words: readonly string[], columns: Columns): Promise<string | undefined> {
  if (words.length === 0) return overview(columns);
  const [first = ''] = words;
  if (words.length === 1 && Object.hasOwn(groups, first)) return helpOfGroup(first);
  const name = words.join(' ');
  const entry = find(name);
  return entry === undefined ? undefined : commandHelp((await entry.load()).command, name, columns());
}

/** Which command `argv` names, and what is left for it. */
async function resolve(
  argv: readonly string[],
  columns: Columns,
): Promise<{ help: string } | { entry: Entry; name: string; rest: readonly string[] }> {
  const [first = '', ...rest] = argv;
  if (first === 'help') {
    const help = await helpOf(rest, columns);
    if (help === undefined) throw new UsageError(`unknown help topic: ${rest.join(' ')}\n`);
    return { help };
  }
  if (Object.hasOwn(groups, first)) {
    const parsed = parse(() => parseFlags([], rest, false), 'COMMAND', first);
    const [word] = parsed.args;
    if (parsed.help || word === undefined) return { help: await helpOfGroup(first) };
    const name = `${first} ${word}`;
    const entry = find(name);
    if (entry !== undefined) return { entry, name, rest: parsed.args.slice(1) };
    const names = ofGroup(first).map((each) => each.name);
    throw usageError(`berth: unknown command: berth ${name}${suggestion(word, names, `${first} `)}`, '', first, 1);
  }
  const entry = find(first);
  if (entry !== undefined) return { entry, name: first, rest };
  const names = [...topLevel().map(({ names: [path] }) => path), ...Object.keys(groups)];
  const near = suggestion(first, names, '');
  throw new UsageError(`berth: unknown command: berth ${first}${near}\n\nRun 'berth --help' for more information\n`);
}

interface Prepared {
  command: Command;
  values: Values;
  args: readonly string[];
}

async function prepare(
  { entry, name, rest }: { entry: Entry; name: string; rest: readonly string[] },
  columns: Columns,
): Promise<Prepared | { help: string }> {
  const { command } = await entry.load();
  const { usage } = command;
  const { values, args, help } = parse(() => parseFlags(command.flags, rest, command.interspersed), usage, name);
  if (help) return { help: commandHelp(command, name, columns()) };
  const wrong = wrongCount(args.length, command.args);
  if (wrong !== undefined) throw usageError(`berth: 'berth ${name}' ${wrong}`, usage, name, 1);
  return { command, values, args };
}

/** Resolves with the exit code; everything is written by then. */
export async function main(argv: readonly string[], own: Surroundings): Promise<number> {
  const print = async (text: string): Promise<number> => {
    await outputOf(own.stdout).write(text);
    return 0;
  };
  /** Asked for when help is printed only: making the stream of stdout takes a millisecond. */
  const columns = (): number => (own.stdout.isTTY ? own.stdout.columns : 0) || COLUMNS;
  let debug = false;
  try {
    const { values, args, help } = parse(() => parseFlags(globalFlags, argv, false), '[OPTIONS] COMMAND [ARG...]', '');
    debug = values.bool('debug');
    if (values.bool('version')) return await print(`Berth version ${BERTH_VERSION}\n`);
    if (!isLevel(values.string('log-level'))) {
      throw new UsageError(`Unable to parse logging level: ${values.string('log-level')}\n`);
    }
    if (help || args.length === 0) return await print(await overview(columns));
    const target = await resolve(args, columns);
    const prepared = 'help' in target ? target : await prepare(target, columns);
    if ('help' in prepared) return await print(prepared.help);
    const { createClient } = await import('./http/client.ts');
    const client = createClient(hostOf(values.string('host'), own.env));
    return await prepared.command.run(contextOf(own, client), prepared.values, prepared.args);
  } catch (error) {
    return await report(error, own, debug);
  }
}

const contextOf = (own: Surroundings, client: ApiClient): Context => ({
  client,
  env: own.env,
  get stdout() {
    return own.stdout;
  },
  get stderr() {
    return own.stderr;
  },
  get stdin() {
    return own.stdin;
  },
});

function textOf(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  // The daemon's words may be a registry's.
  const text = harmless(messageOf(error));
  return error instanceof ApiError ? `Error response from daemon: ${text}\n` : `${text}\n`;
}

async function report(error: unknown, own: Surroundings, debug: boolean): Promise<number> {
  if (error instanceof BrokenPipe) return SIGPIPE_EXIT;
  const stack = debug && error instanceof Error && error.stack !== undefined ? `${error.stack}\n` : '';
  try {
    await outputOf(own.stderr).write(textOf(error) + stack);
  } catch (failure) {
    if (!(failure instanceof BrokenPipe)) throw failure;
  }
  return error instanceof UsageError ? error.exitCode : 1;
}
