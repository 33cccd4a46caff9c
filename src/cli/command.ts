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
  | 'list'
  /** '10s', '1m30s', '500ms'. */
  | 'duration'
  /** '512m', '2g' → bytes. */
  | 'bytes';

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
  /** What completion offers for the value. */
  complete?: 'container' | 'running-container' | 'image' | 'network' | 'file' | readonly string[];
}

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
  /** Stop reading flags at the first positional argument (run, create, exec: what follows belongs to the container). */
  interspersed?: boolean;
  complete?: 'container' | 'running-container' | 'image' | 'network' | 'file';
  /** Returns the exit code. Errors thrown are printed as 'Error response from daemon: …' or 'berth: …' by main. */
  run(context: Context, values: Values, args: readonly string[]): Promise<number>;
}
