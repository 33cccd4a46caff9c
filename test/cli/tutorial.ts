/**
 * The code blocks of docs/tutorial*.md come from a run of the tour. Behind each line `<!-- step: ID -->`, `<!-- step: ID 2 -->` or
 * `<!-- step: ID 2-4 -->` stands what these commands of the step say; everything else in the pages is by hand.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

export interface StepResult {
  id: string;
  title: string;
  commands: { host: 'a' | 'b'; command: string; output: string; exitCode: number; refused: boolean }[];
}

/** Releases whose words the pages have; others say the same in other words. */
const WORDS = [
  ['nft', '--version', 'v1.0.6'],
  ['iptables', '--version', 'v1.8.9 (nf_tables)'],
  ['tcpdump', '--version', '4.99.3'],
  ['ip', '-V', 'iproute2-6.1'],
  ['busybox', '--help', 'v1.35'],
] as const;

const BLOCK = /<!-- step: ([a-z]+)(?: (\d+)(?:-(\d+))?)? -->\n(?:\n```console\n[^]*?\n```\n)?/g;

/** What differs from run to run. */
const VARIABLE: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/\b[0-9a-f]{12}\b/g, '<short id>'],
  [/\bveth[0-9a-f]+\b/g, 'veth<n>'],
  [/\b([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b/g, '<mac>'],
  [/\bfe80::[0-9a-f:]+/g, 'fe80::<n>'],
  [/\b8000\.[0-9a-f]{12}|8000\.<short id>/g, '8000.<mac>'],
  [/(RX|TX) packets:.*/g, '$1 packets'],
  [/(time=|min\/avg\/max = )[\d./]+/g, '$1<ms>'],
  [/\bid \d+, seq/g, 'id <n>, seq'],
  [/(198\.51\.100\.1\.)\d{4,5}\b/g, '$1<port>'],
  [/\d+ packets? received by filter/g, '<n> packets received by filter'],
  [/@if\d+/g, '@if<n>'],
  [/\bvx-[0-9a-f]{12}\b|\bvx-<short id>/g, 'vx-<id>'],
  [/(198\.51\.100\.[23]\.)\d{4,5}( > 198\.51\.100\.[23]\.4789)/g, '$1<port>$2'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'],
  [/\b0\.1\.0(-dev)?\b/g, '<version>'],
  [/RX bytes:.*/g, 'RX bytes'],
  // Columns are as wide as what stands in them.
  [/[ \t]+/g, ' '],
];

export function comparable(text: string): string {
  return VARIABLE.reduce((result, [pattern, by]) => result.replaceAll(pattern, by), text);
}

function blockText(commands: StepResult['commands']): string {
  const parts = commands.map(({ host, command, output }) =>
    `${host === 'a' ? '' : host}$ ${command}\n${output}`
      .trimEnd()
      .replaceAll(/[ \t]+$/gm, '')
      .replaceAll(/BERTH1-[\w-]+/g, 'BERTH1-…'),
  );
  return `\n\`\`\`console\n${parts.join('\n\n')}\n\`\`\`\n`;
}

/** The page as it should be; asserts that it shows every command of the tour once, in order. */
function renewed(text: string, steps: readonly StepResult[]): string {
  const shown: string[] = [];
  const now = text.replaceAll(BLOCK, (whole: string, id: string, from?: string, to?: string) => {
    const step = steps.find((one) => one.id === id);
    assert.ok(step, `the tour has no step ${id}`);
    const first = from === undefined ? 1 : Number(from);
    const last = from === undefined ? step.commands.length : Number(to ?? from);
    for (let number = first; number <= last; number++) shown.push(`${id} ${number}`);
    const marker = whole.slice(0, whole.indexOf('\n') + 1);
    return marker + blockText(step.commands.slice(first - 1, last));
  });
  const all = steps.flatMap(({ id, commands }) => commands.map((_, index) => `${id} ${index + 1}`));
  assert.deepEqual(shown, all);
  return now;
}

function sameWords(): boolean {
  return WORDS.every(([program, flag, release]) =>
    execFileSync(program, [flag], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).includes(release),
  );
}

/** With `write` pages that are out of date are written anew, all of them from this run. */
export function comparePages(pages: readonly URL[], steps: readonly StepResult[], write: boolean): void {
  const lines = (text: string): string[] => comparable(text).split('\n');
  const compared = pages.map((page) => {
    const text = readFileSync(page, 'utf8');
    return { page, text, now: renewed(text, steps) };
  });
  const differs = compared.some(({ text, now }) => comparable(text) !== comparable(now));
  if (write && differs) for (const { page, now } of compared) writeFileSync(page, now);
  else if (sameWords()) for (const { text, now } of compared) assert.deepEqual(lines(text), lines(now));
}
