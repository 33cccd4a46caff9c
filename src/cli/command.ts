/**
 * The declarative shape of a command. Parsing, `--help`, completion and docs/reference are all derived from it, so a
 * flag exists in one place. `parse.ts` turns argv into `Values`; `index.ts` lists every command.
 */
import type { ApiClient } from './client.ts';

export type FlagType =
  | 'bool'
  | 'string'
  | 'int'
  /** May be given several times; values are kept in order. */
  | 'list';

export interface Flag {
  /** Without dashes: 'publish'. */
  name: string;
  /** 'p' */
  short?: string;
  type: FlagType;
  /** Placeholder in --help, as Docker prints it: 'list', 'string', 'bytes', 'map', 'ulimit'… Default: the type's own. */
  placeholder?: string;
  default?: string | number | boolean;
  help: string;
  /** Kept out of --help and completion (deprecated spellings). */
  hidden?: boolean;
  /** Throws an Error that says what is wrong with the value; main puts the flag's name before it. */
  check?(value: string): void;
  /** What completion offers for the value. */
  complete?: Kind | readonly string[];
}

/** What stands for a name of in completion. */
export type Kind = 'container' | 'running-container' | 'image' | 'network' | 'volume' | 'file';

/** Typed access to what was parsed. A flag that was not given yields its default; `given` tells the difference. */
export interface Values {
  given(name: string): boolean;
  bool(name: string): boolean;
  string(name: string): string;
  int(name: string): number;
  list(name: string): readonly string[];
}

export interface Context {
  client: ApiClient;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  stdin: NodeJS.ReadStream;
  env: NodeJS.ProcessEnv;
}

export interface Command {
  /** Words after `berth`: 'run', 'network ls', 'container prune'. */
  path: string;
  /** Other spellings that do the same: 'container run', 'container ls'. */
  aliases?: readonly string[];
  /** Everything after the path in the usage line: '[OPTIONS] IMAGE [COMMAND] [ARG...]'. */
  usage: string;
  summary: string;
  flags: readonly Flag[];
  args: { min: number; max?: number };
  /** False: reading flags stops at the first argument (run, create, exec: what follows belongs to the container). */
  interspersed?: boolean;
  /** What completion offers for the arguments: of one kind, or one for each place (the last for all that follow). */
  complete?: Kind | readonly Kind[];
  /** Kept out of the lists of commands and of completion. */
  hidden?: boolean;
  /** Returns the exit code. Errors thrown are printed as 'Error response from daemon: …' or 'berth: …' by main. */
  run(context: Context, values: Values, args: readonly string[]): Promise<number>;
}
