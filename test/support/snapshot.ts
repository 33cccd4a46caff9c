/**
 * The state of the kernel as lines of text, so that two of them are compared as sets and a difference reads as it is.
 * Taken from /proc where that is enough: a process spawned costs 10 ms and every test takes these.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, rmdirSync } from 'node:fs';
import { promisify } from 'node:util';

export type State = ReadonlySet<string>;

/** What is in `after` and not in `before`, and the other way round. */
export function leftovers(before: State, after: State): string[] {
  return [
    ...[...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
    ...[...before].filter((line) => !after.has(line)).map((line) => `- ${line}`),
  ].toSorted();
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
const list = (path: string): string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

/**
 * Inside a throw-away host: whatever belongs to one container. `all`: also daemons and the bridges of their networks.
 */
export function insideState(pid: number, { all } = { all: false }): State {
  const state = new Set<string>();
  for (const entry of list(`/proc/${pid}/root/proc`)) {
    if (!/^\d+$/.test(entry)) continue;
    const command = read(`/proc/${pid}/root/proc/${entry}/cmdline`).replaceAll('\0', ' ').trim();
    if (command && (all || !/^berth-netd$|\/berth(d|-netd)\.(ts|cjs)( |$)/.test(command)))
      state.add(`process ${entry}: ${command}`);
  }
  for (const name of linkNames(`/proc/${pid}/net/dev`)) {
    if (all || !existsSync(`/proc/${pid}/root/sys/class/net/${name}/bridge`)) state.add(`link ${name}`);
  }
  for (const line of mountPoints(pid)) state.add(`mount ${line}`);
  for (const name of list(`/proc/${pid}/root/run/netns`)) state.add(`named netns ${name}`);
  return state;
}

const linkNames = (devFile: string): string[] =>
  read(devFile)
    .split('\n')
    .slice(2)
    .map((line) => line.slice(0, line.indexOf(':')).trim())
    .filter(Boolean);

const mountPoints = (pid: number | 'self'): string[] =>
  read(`/proc/${pid}/mountinfo`)
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      return `${left.split(' ')[4]} (${right.split(' ')[0]})`;
    });

const execute = promisify(execFile);
const output = async (command: string, ...args: string[]): Promise<string> => {
  try {
    return (await execute(command, args)).stdout;
  } catch {
    return '';
  }
};

let first: Promise<State> | undefined;

/** Of the machine itself: links, addresses, routes, named namespaces, mounts, rules. Remembered unless `fresh`. */
export async function machineState(fresh = false): Promise<State> {
  if (fresh) return takeMachineState();
  first ??= takeMachineState();
  return first;
}

async function takeMachineState(): Promise<State> {
  const state = new Set<string>();
  const add = (kind: string, lines: readonly string[]): void => {
    for (const line of lines) if (line.trim()) state.add(`${kind} ${line.trim()}`);
  };
  add('link', linkNames('/proc/self/net/dev'));
  add('route', routes(read('/proc/self/net/route')));
  add('address', addresses(read('/proc/self/net/fib_trie')));
  add('address', read('/proc/self/net/if_inet6').split('\n'));
  add('named netns', list('/run/netns'));
  add('mount', mountPoints('self'));
  // Also the rules of iptables, which is iptables-nft; counters move with the machine's own traffic.
  const rules = await output('nft', '-s', 'list', 'ruleset');
  add('rule', rules.replaceAll(/counter packets \d+ bytes \d+/g, 'counter').split('\n'));
  return state;
}

/** Interface, destination and mask of /proc/net/route: its other columns count uses. */
const routes = (text: string): string[] =>
  text
    .split('\n')
    .slice(1)
    .map((line) => {
      const columns = line.split('\t');
      return [columns[0], columns[1], columns[2], columns[7]].join(' ');
    });

/** The local addresses in /proc/net/fib_trie: a line '|-- ADDRESS' before one '/32 host LOCAL'. */
function addresses(text: string): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const address = /\|-- ([\d.]+)$/.exec(line)?.[1];
    return address && lines[index + 1]?.includes('/32 host LOCAL') ? [address] : [];
  });
}

const hierarchies = (): string[] => {
  const root = '/sys/fs/cgroup';
  return existsSync(`${root}/cgroup.controllers`) ? [root] : list(root).map((name) => `${root}/${name}`);
};

/** The containers' cgroups below `parent` ('/name'), in every hierarchy. */
export function cgroupsOf(parent: string): string[] {
  return hierarchies().flatMap((hierarchy) =>
    list(hierarchy + parent)
      .map((name) => `${hierarchy}${parent}/${name}`)
      .filter((path) => existsSync(`${path}/cgroup.procs`)),
  );
}

export function removeCgroups(parent: string): void {
  const remove = (path: string): void => {
    for (const name of list(path)) if (existsSync(`${path}/${name}/cgroup.procs`)) remove(`${path}/${name}`);
    if (existsSync(path)) rmdirSync(path);
  };
  for (const hierarchy of hierarchies()) remove(hierarchy + parent);
}

/** The processes whose parent is `pid`, as this process numbers them (/proc/*\/children is not in every kernel). */
export function childrenOf(pid: number): number[] {
  return list('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter(
      (entry) =>
        read(`/proc/${entry}/stat`)
          .replace(/^.*\) /, '')
          .split(' ')[1] === String(pid),
    )
    .map(Number);
}

/** Identity of a process's network namespace: 'net:[4026531840]'. */
export const netnsOf = (pid: number | string): string => readlinkSync(`/proc/${pid}/ns/net`);
