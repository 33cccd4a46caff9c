/** Runs the steps one after another. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon } from './daemon.ts';
import { type Step, type StepCommand, steps } from './steps.ts';
import type { World } from './world.ts';

export interface CommandResult {
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

function run(world: World, berth: readonly string[], { argv, fails = false }: StepCommand): Running {
  const [program = '', ...rest] = argv;
  const command = program === 'berth' ? [...berth, ...rest] : argv;
  // One pipe for both outputs keeps them in the order in which they were written.
  const child = world.spawn(['sh', '-c', 'exec "$@" 2>&1', 'sh', ...command]);
  const spoke = Promise.race([once(child, 'close'), child.stdout ? once(child.stdout, 'data') : undefined]);
  return { result: collect(child, argv.map(quoted).join(' '), fails), spoke, end: () => void child.kill() };
}

const quoted = (argument: string): string => (/^[\w./:=,@+-]+$/.test(argument) ? argument : `'${argument}'`);

async function collect(child: ChildProcess, command: string, refused: boolean): Promise<CommandResult> {
  let output = '';
  const take = (data: Buffer): void => void (output += data.toString());
  child.stdout?.on('data', take);
  const [code] = (await once(child, 'close')) as [number | null];
  return { command, output, exitCode: code ?? 1, refused };
}

async function runStep(world: World, berth: readonly string[], step: Step): Promise<StepResult> {
  const watching: Running[] = [];
  const results: CommandResult[] = [];
  for (const command of step.commands) {
    const running = run(world, berth, command);
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
  const { id, title, explanation } = step;
  return { id, title, explanation, commands: results };
}

/** Each step as it is done. */
export async function* tour(world: World): AsyncGenerator<StepResult> {
  const { berth } = await startDaemon(world);
  for (const step of steps) yield await runStep(world, berth, step);
}

/** A step as text; `bold` sets what is typed apart. */
export function stepText({ title, explanation, commands }: StepResult, number: number, bold: boolean): string {
  const strong = (text: string): string => (bold ? `\x1b[1m${text}\x1b[0m` : text);
  const parts = commands.map(({ command, output, exitCode, refused }) => {
    const failed = exitCode === 0 || refused ? '' : `(exit code ${exitCode})\n`;
    const said = output.trimEnd();
    return `${strong(`$ ${command}`)}\n${said === '' ? '' : `${said}\n`}${failed}`;
  });
  return `${strong(`${number}. ${title}`)}\n   ${explanation}\n\n${parts.join('\n')}\n`;
}
