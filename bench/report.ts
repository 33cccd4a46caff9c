/** Tables for people and for docs/performance.md. */
import type { Row } from './suites/suite.ts';

export interface Report {
  /** ISO date of the run. */
  date: string;
  machine: string;
  contenders: Record<string, string>;
  rows: Row[];
}

const number = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** Markdown: one table a row of the report, ratios against Berth's figure, then the targets. */
export function markdown(report: Report): string {
  const lines = [
    `Measured on ${report.date.slice(0, 10)}, ${report.machine}.`,
    '',
    ...Object.entries(report.contenders).map(([name, version]) => `- ${name}: ${version}`),
  ];
  for (const row of report.rows) {
    lines.push(
      '',
      `### ${row.what}`,
      '',
      `| | median ${row.unit} | p95 | min | n | against berth |`,
      '| --- | ---: | ---: | ---: | ---: | ---: |',
    );
    const base = (row.figures['berth'] ?? Object.values(row.figures)[0])?.median ?? Number.NaN;
    for (const [name, f] of Object.entries(row.figures)) {
      lines.push(
        `| ${name} | ${number(f.median)} | ${number(f.p95)} | ${number(f.min)} | ${f.n} | ${(f.median / base).toFixed(2)} |`,
      );
    }
    if (row.targets.length) lines.push('');
    for (const t of row.targets)
      lines.push(`- ${t.met ? 'met' : '**missed**'}: ${t.text}: ${t.value.toFixed(2)} (limit ${t.limit})`);
  }
  return lines.join('\n') + '\n';
}
