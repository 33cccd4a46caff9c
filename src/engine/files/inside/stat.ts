/** What is at a path of the container, in the API's words. */
import { posix } from 'node:path';
import { goMode } from '../../../tar/file-mode.ts';
import { textOf } from '../../../tar/header.ts';
import { followLinks } from '../../safe-path.ts';
import type { PathStat } from '../job.ts';
import { linkAt, lookAt, secondsOf, type Stat } from './bytes.ts';

/** '/a/b/' and '/a/b/.' ask for a directory: what a path's end says outlives its cleaning. */
export function absolute(path: string): string {
  const clean = posix.join('/', path).replace(/(?<=.)\/$/, '');
  if (/(?:^|\/)\.$/.test(path)) return clean === '/' ? '/.' : `${clean}/.`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** Where a link leads to in the end, as far as there is something. */
const destinationOf = (link: string): string =>
  followLinks(link, (path) => (lookAt(path)?.isSymbolicLink() ? linkAt(path) : undefined));

/** The last second of the year 9999: RFC 3339 has no later one, some file systems do. */
const LAST_SECOND = 253_402_300_799n;
/** That of the year 0. */
const FIRST_SECOND = -62_167_219_200n;

function timeOf(mtimeNs: bigint): string {
  const [floor, nanoseconds] = secondsOf(mtimeNs);
  const seconds = floor > LAST_SECOND ? LAST_SECOND : floor < FIRST_SECOND ? FIRST_SECOND : floor;
  const rest = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${rest === '' ? '' : `.${rest}`}Z`;
}

export function pathStat(path: string, stat: Stat): PathStat {
  return {
    name: textOf(posix.basename(path) || '/'),
    size: Number(stat.size),
    mode: goMode(Number(stat.mode)),
    mtime: timeOf(stat.mtimeNs),
    linkTarget: stat.isSymbolicLink() ? textOf(destinationOf(path)) : '',
  };
}
