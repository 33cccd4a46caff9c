/** Tables for people and for docs/performance.md. */
import type { Row } from './suites/suite.ts';

export interface Report {
  /** ISO date of the run. */
  date: string;
  machine: string;
  /** Load averages over a minute: of what ran beside, before the run, and of both, after it. */
  load: { before: number; after: number };
  contenders: Record<string, string>;
  rows: Row[];
}

const number = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(value < 10 ? 2 : 1));

/** Markdown: one table a row of the report, ratios against Berth's figure (the first where several are Berth's), then targets and notes. */
export function markdown(report: Report): string {
  const lines = [
    `Measured on ${report.date.slice(0, 10)}, ${report.machine}. Load average before the run ${report.load.before.toFixed(1)}, after it ${report.load.after.toFixed(1)}.`,
    '',
    ...Object.entries(report.contenders).map(([name, version]) => `- ${name}: ${version}`),
  ];
  for (const row of report.rows) {
    const base = 'berth' in row.figures ? 'berth' : (Object.keys(row.figures)[0] ?? '');
    const unit = row.figures[base]?.median ?? Number.NaN;
    lines.push(
      '',
      `### ${row.what}`,
      '',
      `| | median ${row.unit} | p95 | min | n | against ${base} |`,
      '| --- | ---: | ---: | ---: | ---: | ---: |',
    );
    for (const [name, f] of Object.entries(row.figures)) {
      lines.push(
        `| ${name} | ${number(f.median)} | ${number(f.p95)} | ${number(f.min)} | ${f.n} | ${(f.median / unit).toFixed(2)} |`,
      );
    }
    if (row.targets.length || row.notes?.length) lines.push('');
    for (const { met, text, value, limit, least } of row.targets) {
      const bound = least ? `at least ${limit}` : `limit ${limit}`;
      lines.push(`- ${met ? 'met' : '**missed**'}: ${text}: ${value.toFixed(2)} (${bound})`);
    }
    for (const note of row.notes ?? []) lines.push(`- ${note}`);
  }
  return lines.join('\n') + '\n';
}
