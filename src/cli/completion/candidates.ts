/** What may stand where the cursor is, from the tables of commands and flags. No reads but through `ask`. */
import type { Command, Flag, Kind } from '../command.ts';
import { globalFlags } from '../globals.ts';
import { entries, find, groups, loadAll, nameIn, topLevel } from '../index.ts';

export interface Candidate {
  text: string;
  /** One line. */
  about: string;
}

/** The shell completes names of files better. */
export const FILES = 'files';

/** Names of what the daemon has; empty when it does not answer. */
export type Ask = (kind: Exclude<Kind, 'file'>) => Promise<Candidate[]>;

const startingWith = (candidates: readonly Candidate[], prefix: string): Candidate[] =>
  candidates.filter(({ text }) => text.startsWith(prefix));

const flagCandidates = (flags: readonly Flag[]): Candidate[] =>
  [...flags, { name: 'help', type: 'bool', help: 'Print usage' } satisfies Flag]
    .filter((flag) => !('hidden' in flag && flag.hidden))
    .map(({ name, help }) => ({ text: `--${name}`, about: help.split('\n')[0] ?? '' }));

interface Walk {
  /** The flag whose value is being typed. */
  open: Flag | undefined;
  /** Values of the flag -H, the only one that completion needs. */
  host: string | undefined;
  args: string[];
  /** Only arguments from here on. */
  ended: boolean;
}

/** Goes over the words before the cursor as parse.ts does, past what is wrong. */
function walk(flags: readonly Flag[], words: readonly string[], interspersed: boolean): Walk & { rest: string[] } {
  const state: Walk = { open: undefined, host: undefined, args: [], ended: false };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return { ...state, args: [...state.args, ...rest], ended: true, rest: [] };
    if (!word.startsWith('-') || word === '-') {
      state.args.push(word);
      if (!interspersed) return { ...state, ended: true, rest };
      continue;
    }
    const [name = '', inline] = word.split(/=(.*)/s);
    const flag = name.startsWith('--')
      ? flags.find((each) => each.name === name.slice(2))
      : flags.find((each) => each.short === name.at(-1));
    if (flag === undefined || flag.type === 'bool') continue;
    const value = inline ?? rest.shift();
    if (value === undefined) return { ...state, open: flag, rest };
    if (flag.name === 'host') state.host = value;
  }
  return { ...state, rest };
}

async function valuesOf(kind: Kind | readonly string[] | undefined, ask: Ask): Promise<Candidate[] | typeof FILES> {
  if (kind === undefined) return [];
  if (kind === 'file') return FILES;
  if (typeof kind === 'string') return ask(kind);
  return kind.map((text) => ({ text, about: '' }));
}

async function ofCommand(
  command: Command,
  words: readonly string[],
  current: string,
  ask: Ask,
): Promise<Candidate[] | typeof FILES> {
  const {
    flags,
    interspersed = true,
    complete,
    args: { max },
  } = command;
  const { open, args, ended, rest } = walk(flags, words, interspersed);
  if (open !== undefined) return valuesOf(open.complete, ask);
  if (!ended && current.startsWith('-')) {
    const [name = '', inline] = current.split(/=(.*)/s);
    if (inline === undefined) return flagCandidates(flags);
    const flag = flags.find((each) => `--${each.name}` === name);
    const values = await valuesOf(flag?.complete, ask);
    return values === FILES ? FILES : values.map(({ text, about }) => ({ text: `${name}=${text}`, about }));
  }
  // What comes after the image or container is the container's business.
  const place = args.length + rest.length;
  if (!interspersed && place > 0) return FILES;
  if (max !== undefined && place >= max) return [];
  const kinds: readonly Kind[] = complete === undefined ? [] : typeof complete === 'string' ? [complete] : complete;
  const found = await valuesOf(kinds[Math.min(place, kinds.length - 1)], ask);
  return found === FILES ? found : found.filter(({ text }) => !args.includes(text));
}

async function names(): Promise<Candidate[]> {
  const commands = (await loadAll(topLevel())).filter((command) => !command.hidden);
  return [
    ...commands.map(({ path, summary }) => ({ text: path, about: summary })),
    ...Object.entries(groups).map(([text, about]) => ({ text, about })),
    { text: 'help', about: 'Help about the command' },
  ];
}

async function namesInGroup(group: string): Promise<Candidate[]> {
  const found = entries.flatMap((entry) => {
    const name = nameIn(group, entry);
    return name === undefined ? [] : [{ entry, name }];
  });
  return Promise.all(
    found.map(async ({ entry, name }) => ({ text: name, about: (await entry.load()).command.summary })),
  );
}

/**
 * `words` after `berth`, the last of which is being typed. `connect` makes an Ask for the daemon that -H names, if it
 * does.
 */
export async function candidates(
  words: readonly string[],
  connect: (host: string | undefined) => Ask,
): Promise<Candidate[] | typeof FILES> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const { open, host, args, rest } = walk(globalFlags, before, false);
  const ask = connect(host);
  const only = (found: Candidate[] | typeof FILES): Candidate[] | typeof FILES =>
    found === FILES ? found : startingWith(found, current);
  if (open !== undefined) return only(await valuesOf(open.complete, ask));
  let [first] = args;
  let after = rest;
  const help = first === 'help';
  if (help) [first, ...after] = after;
  if (first === undefined) {
    return only(current.startsWith('-') && !help ? flagCandidates(globalFlags) : await names());
  }
  let name = first;
  if (Object.hasOwn(groups, first)) {
    const [second, ...more] = after;
    if (second === undefined) return only(await namesInGroup(first));
    name = `${first} ${second}`;
    after = more;
  }
  const entry = find(name);
  if (entry === undefined || help) return [];
  return only(await ofCommand((await entry.load()).command, after, current, ask));
}
