/** Texts for iptables-restore(8) --noflush: each table of them is one transaction. Pure. */
import type { FirewallSettings, FirewallState } from '../firewall.ts';
import { chainNames, jumps, tableRules, USER_CHAIN } from './rules.ts';
import type { Jump, RuleOptions, TableRules } from './rules.ts';

const TABLES = ['raw', 'nat', 'filter'] as const;

/** Chains that are named with ':' are made or emptied; then they are filled. The jumps into them are there. */
export const changeText = (state: FirewallState, settings: RuleOptions, family: 4 | 6): string =>
  tableRules(state, settings, family)
    .map((table) => tableText(table, [], []))
    .join('');

/** As changeText, and puts the jumps where they belong, whatever `saved` (the output of iptables-save) has of them. */
export function setText(state: FirewallState, settings: RuleOptions, family: 4 | 6, saved: string): string {
  const wanted = jumps(chainNames(settings.instance), family);
  return tableRules(state, settings, family)
    .map((table) => {
      const before = savedTable(saved, table.table);
      const here = wanted.filter((jump) => jump.table === table.table);
      const old = presentJumps(before, here).map((line) => line.replace('-A', '-D'));
      // Each is put at the head, so the last one first.
      const anew = here.toReversed().map(({ from, rule }) => `-I ${from} 1 ${rule}`);
      const makesUserChain = table.table === 'filter' && !before.some((line) => line.startsWith(`:${USER_CHAIN} `));
      return tableText(table, makesUserChain ? [USER_CHAIN] : [], [...old, ...anew]);
    })
    .join('');
}

function tableText({ table, chains }: TableRules, made: readonly string[], jumpLines: readonly string[]): string {
  const lines = [
    ...[...made, ...chains.map(({ name }) => name)].map((name) => `:${name} - [0:0]`),
    ...jumpLines,
    ...chains.flatMap(({ name, rules }) => rules.map((rule) => `-A ${name} ${rule}`)),
  ];
  return `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

/**
 * Takes away what `saved` shows of this daemon: '' when that is nothing. DOCKER-USER goes with it when it is empty and nobody
 * but Berth jumps to it.
 */
export function removalText(settings: FirewallSettings, family: 4 | 6, saved: string): string {
  const names = chainNames(settings.instance);
  const own = Object.values(names) as string[];
  return TABLES.map((table) => {
    const before = savedTable(saved, table);
    const chains = own.filter((name) => before.some((line) => line.startsWith(`:${name} `)));
    const wanted = jumps(names, family).filter((jump) => jump.table === table);
    const ours = presentJumps(
      before,
      wanted.filter(({ rule }) => !rule.endsWith(USER_CHAIN)),
    );
    if (chains.length === 0 && ours.length === 0) return '';
    const userLines = before.filter((line) => line.startsWith('-A ') && line.split(' ').includes(USER_CHAIN));
    const userChain = before.some((line) => line.startsWith(`:${USER_CHAIN} `));
    const onlyJump = userLines.every((line) => line === `-A FORWARD -j ${USER_CHAIN}`);
    // Another daemon of this host may still send packets there.
    const others = before.some(
      (line) => line.startsWith('-A FORWARD -j ') && line.endsWith('-FORWARD') && !ours.includes(line),
    );
    const dropsUserChain = userChain && onlyJump && !others;
    const lines = [
      ...ours.map((line) => line.replace('-A', '-D')),
      ...chains.map((name) => `-F ${name}`),
      ...chains.map((name) => `-X ${name}`),
      ...(dropsUserChain ? [...userLines.map((line) => line.replace('-A', '-D')), `-X ${USER_CHAIN}`] : []),
    ];
    return `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
  }).join('');
}

/** Lines of one table in iptables-save's output. */
function savedTable(saved: string, table: string): string[] {
  const lines = saved.split('\n');
  const start = lines.indexOf(`*${table}`);
  if (start === -1) return [];
  const end = lines.indexOf('COMMIT', start);
  return lines.slice(start + 1, end === -1 ? undefined : end);
}

/** Lines that lead to the same chain from the same place, however an earlier release had written their conditions. */
const presentJumps = (lines: readonly string[], wanted: readonly Jump[]): string[] =>
  lines.filter((line) =>
    wanted.some(({ from, rule }) => {
      const target = rule.slice(rule.lastIndexOf('-j '));
      return line.startsWith(`-A ${from} `) && line.endsWith(` ${target}`);
    }),
  );
