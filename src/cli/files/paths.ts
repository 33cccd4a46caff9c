/** Paths of `cp`, local and in the container, as docker reads them: '/a/.' and '/a/' say more than '/a'. Pure. */
import { posix } from 'node:path';

/** 'web:/a' is a path in a container; a local one with ':' in it begins with '/' or '.'. */
export function splitArgument(argument: string): { container: string; path: string } {
  const colon = argument.indexOf(':');
  if (argument.startsWith('/') || colon < 0 || argument.startsWith('.')) return { container: '', path: argument };
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}

export const namesContents = (path: string): boolean => posix.basename(path) === '.';
const endsWithSlash = (path: string): boolean => path.endsWith('/');
/** Whether only a directory can be meant. */
export const assertsDirectory = (path: string): boolean => endsWithSlash(path) || namesContents(path);

/** As Go's filepath.Clean: without '/' at the end. */
export const clean = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, '');

/** `cleaned` with the end of `original` that says more. */
export function keepEnd(cleaned: string, original: string): string {
  let path = cleaned;
  if (!namesContents(path) && /(?:^|\/)\.$/.test(original)) path += endsWithSlash(path) ? '.' : '/.';
  if (!endsWithSlash(path) && endsWithSlash(original)) path += '/';
  return path;
}

/** Directory and last name; the name of '/a/.' is '.'. */
export function splitEntry(path: string): { directory: string; name: string } {
  const whole = /(?:^|\/)\.$/.test(path) ? `${clean(path)}/.` : clean(path);
  const slash = whole.lastIndexOf('/');
  return { directory: whole.slice(0, slash) || (slash === 0 ? '/' : '.'), name: whole.slice(slash + 1) || '/' };
}

/** What `path` resolved to, with the end of `path`; and the name that it is to keep when that is another one. */
export function renamed(path: string, resolved: string): { path: string; rename: string } {
  const kept = keepEnd(clean(resolved), path);
  const wanted = posix.basename(clean(path));
  return { path: kept, rename: wanted === posix.basename(clean(resolved)) ? '' : wanted };
}
