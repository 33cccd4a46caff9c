/**
 * The stock docker CLI as a judge of wording and layout. An old one words and lays out otherwise, so it is no judge;
 * that it works with the daemon is tested all the same (test/api/old-cli.test.ts, test/e2e).
 */
import { execFileSync } from 'node:child_process';

const OLDEST_JUDGE = 28;

function versionOf(): number {
  try {
    return Number(/(\d+)\./.exec(execFileSync('docker', ['--version'], { encoding: 'utf8' }))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const version = versionOf();

/** For `skip`: false, or the program that is missing. */
export const noJudge: string | false =
  version >= OLDEST_JUDGE
    ? false
    : `needs a docker CLI of version ${OLDEST_JUDGE} or newer first in PATH; ${version === 0 ? 'there is none' : `there is ${version}`}`;
