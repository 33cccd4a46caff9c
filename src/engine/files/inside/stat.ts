/** What is at a path of the container, in the API's words. */
import { posix } from 'node:path';
import { goMode } from '../../../tar/file-mode.ts';
import { textOf } from '../../../tar/header.ts';
import type { PathStat } from '../job.ts';
import { linkAt, lookAt, secondsOf, type Stat } from './bytes.ts';

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

/** '/a/b/' and '/a/b/.' ask for a directory: what a path's end says outlives its cleaning. */
export function absolute(path: string): string {
  const clean = posix.join('/', path).replace(/(?<=.)\/$/, '');
  if (/(?:^|\/)\.$/.test(path)) return clean === '/' ? '/.' : `${clean}/.`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** Where a link leads to in the end, as far as there is something. */
function destinationOf(link: string): string {
  const rest = link.split('/').toReversed();
  const done: string[] = [];
  for (let links = 0; rest.length > 0;) {
    const part = rest.pop();
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = `/${[...done, part].join('/')}`;
    if (!lookAt(here)?.isSymbolicLink() || links++ >= MOST_LINKS) {
      done.push(part);
      continue;
    }
    const target = linkAt(here);
    if (target.startsWith('/')) done.length = 0;
    rest.push(...target.split('/').toReversed());
  }
  return `/${done.join('/')}`;
}

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
