/** Runs the steps one after another. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon } from './daemon.ts';
import { type HostName, type Step, type StepCommand, steps, TOKEN } from './steps.ts';
import type { World } from './world.ts';

export interface CommandResult {
  /** Where it ran. */
  host: HostName;
  /** It was shown because it fails. */
  refused: boolean;
  /** As a user types it. */
  command: string;
  /** stdout and stderr as they came. */
  output: string;
  exitCode: number;
}

export interface StepResult {
  id: string;
  title: string;
  explanation: string;
  commands: CommandResult[];
}

interface Running {
  result: Promise<CommandResult>;
  /** Resolves when the program has said something, or has ended. */
  spoke: Promise<unknown>;
  end: () => void;
}

/** Milliseconds for tcpdump to open its socket, beyond its 'listening on'. */
const SETTLE = 100;
/** Milliseconds that a watcher has after all it was to see. */
const WATCH_TIMEOUT = 5000;

/** The hosts' daemons; that of the second is started when it is first needed. */
class Daemons {
  readonly #world: World;
  readonly #started = new Map<HostName, Promise<Daemon>>();

  constructor(world: World) {
    this.#world = world;
  }

  async get(on: HostName): Promise<Daemon> {
    const daemon = this.#started.get(on) ?? startDaemon(this.#world, on);
    this.#started.set(on, daemon);
    return daemon;
  }
}

function run(world: World, { berth }: Daemon, { argv, fails = false, on = 'a' }: StepCommand): Running {
  const [program = '', ...rest] = argv;
  const command = program === 'berth' ? [...berth, ...rest] : argv;
  // One pipe for both outputs keeps them in the order in which they were written.
  const child = world.spawn(['sh', '-c', 'exec "$@" 2>&1', 'sh', ...command], on);
  const spoke = Promise.race([once(child, 'close'), child.stdout ? once(child.stdout, 'data') : undefined]);
  return {
    result: collect(child, { command: argv.map(quoted).join(' '), refused: fails, host: on }),
    spoke,
    end: () => void child.kill(),
  };
}

const quoted = (argument: string): string => (/^[\w./:=,@+-]+$/.test(argument) ? argument : `'${argument}'`);

async function collect(
  child: ChildProcess,
  what: Pick<CommandResult, 'command' | 'refused' | 'host'>,
): Promise<CommandResult> {
  let output = '';
  const take = (data: Buffer): void => void (output += data.toString());
  child.stdout?.on('data', take);
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...what, output, exitCode: code ?? 1 };
}

async function runStep(world: World, daemons: Daemons, step: Step, before: readonly StepResult[]): Promise<StepResult> {
  const watching: Running[] = [];
  const results: CommandResult[] = [];
  const soFar = { id: step.id, title: step.title, explanation: step.explanation, commands: results };
  for (const command of step.commands) {
    const argv = command.argv.map((word) => (word === TOKEN ? tokenIn([...before, soFar]) : word));
    const running = run(world, await daemons.get(command.on ?? 'a'), { ...command, argv });
    if (command.watches !== true) {
      results.push(await running.result);
      continue;
    }
    watching.push(running);
    await running.spoke;
    await sleep(SETTLE);
  }
  for (const { result, end } of watching) {
    // What was to be seen may never have come; the exit code tells then.
    const timer = setTimeout(end, WATCH_TIMEOUT);
    results.push(await result);
    clearTimeout(timer);
  }
  return soFar;
}

/** What the last `berth cluster init` gave out. */
function tokenIn(results: readonly StepResult[]): string {
  const said = results.flatMap(({ commands }) => commands.map(({ output }) => output));
  return said.map((text) => /berth cluster join (\S+)/.exec(text)?.[1]).findLast((token) => token !== undefined) ?? '';
}

/** Each step as it is done. */
export async function* tour(world: World): AsyncGenerator<StepResult> {
  const daemons = new Daemons(world);
  const results: StepResult[] = [];
  for (const step of steps) {
    const result = await runStep(world, daemons, step, results);
    results.push(result);
    yield result;
  }
}

const prompt = (host: HostName): string => (host === 'a' ? '$' : `${host}$`);

/** A step as text; `bold` sets what is typed apart. */
export function stepText({ title, explanation, commands }: StepResult, number: number, bold: boolean): string {
  const strong = (text: string): string => (bold ? `\x1b[1m${text}\x1b[0m` : text);
  const parts = commands.map(({ command, output, exitCode, refused, host }) => {
    const failed = exitCode === 0 || refused ? '' : `(exit code ${exitCode})\n`;
    const said = output.trimEnd();
    return `${strong(`${prompt(host)} ${command}`)}\n${said === '' ? '' : `${said}\n`}${failed}`;
  });
  return `${strong(`${number}. ${title}`)}\n   ${explanation}\n\n${parts.join('\n')}\n`;
}
