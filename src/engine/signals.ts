/** Signal names and numbers of Linux (signal(7); the same on x86-64 and arm64). Pure. */
import { invalidParameter } from '../errors.ts';

const NAMES =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS';
const numbers = new Map<string, number>(NAMES.split(' ').map((name, index) => [name, index + 1]));
for (const [alias, of] of [
  ['CLD', 'CHLD'],
  ['IOT', 'ABRT'],
  ['POLL', 'IO'],
] as const) {
  numbers.set(alias, numbers.get(of) ?? 0);
}
const RTMIN = 34;
const RTMAX = 64;

/** 'SIGTERM', 'term', '15', 'RTMIN+3'. */
export function parseSignal(text: string): number {
  if (/^\d{1,3}$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= RTMAX) return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const real = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (real !== null) {
    const offset = Number(real[3] ?? 0) * (real[2] === '-' ? -1 : 1);
    const number = (real[1] === 'MIN' ? RTMIN : RTMAX) + offset;
    if (number >= RTMIN && number <= RTMAX) return number;
  }
  const number = numbers.get(name);
  if (number !== undefined) return number;
  throw invalidParameter(`invalid signal: ${text}`);
}
