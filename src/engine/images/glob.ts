/**
 * Patterns of Go's path.Match: '*' and '?' stop at '/', '[a-z]' and '[^a]' are classes, '\' takes the next character as it
 * is. Pure. Not by a regular expression, whose time grows with the power of the stars ('*a*a*a*…b').
 */
import { invalidParameter } from '../../errors.ts';

/** The whole of `text`; in time that grows with the product of both lengths. */
export type Glob = (text: string) => boolean;

type Token = '*' | ((char: string) => boolean);

/** Throws InvalidParameter for a pattern that is none. */
export function parseGlob(pattern: string): Glob {
  const tokens = tokensOf(pattern);
  return (text) => {
    // Which tokens may be the next one; as many as there are tokens stands for the end.
    let next = reach(tokens, new Set([0]));
    for (const char of text) {
      const after = new Set<number>();
      for (const at of next) {
        const token = tokens[at];
        if (token === '*') {
          if (char !== '/') after.add(at);
        } else if (token?.(char)) after.add(at + 1);
      }
      next = reach(tokens, after);
      if (next.size === 0) return false;
    }
    return next.has(tokens.length);
  };
}

/** A star may stand for nothing. */
function reach(tokens: readonly Token[], places: Set<number>): Set<number> {
  // A set's iteration comes to what is added during it.
  for (const at of places) if (tokens[at] === '*') places.add(at + 1);
  return places;
}

function tokensOf(pattern: string): Token[] {
  const bad = (): Error => invalidParameter(`invalid filter 'reference=${pattern}': syntax error in pattern`);
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  let at = 0;
  const literal = (): string => {
    if (chars[at] === '\\') at++;
    const char = chars[at++];
    if (char === undefined) throw bad();
    return char;
  };
  const member = (): string => {
    if (chars[at] === '-' || chars[at] === ']') throw bad();
    return literal();
  };
  const charClass = (): Token => {
    const negated = chars[at] === '^';
    if (negated) at++;
    const ranges: [first: number, last: number][] = [];
    while (ranges.length === 0 || chars[at] !== ']') {
      const first = member().codePointAt(0) ?? 0;
      let last = first;
      if (chars[at] === '-') {
        at++;
        last = member().codePointAt(0) ?? 0;
      }
      if (last < first) throw bad();
      ranges.push([first, last]);
    }
    at++;
    return (char) => {
      const code = char.codePointAt(0) ?? 0;
      return ranges.some(([first, last]) => first <= code && code <= last) !== negated;
    };
  };
  while (at < chars.length) {
    const char = chars[at];
    if (char === '*' || char === '?' || char === '[') at++;
    if (char === '*') tokens.push('*');
    else if (char === '?') tokens.push((one) => one !== '/');
    else if (char === '[') tokens.push(charClass());
    else {
      const wanted = literal();
      tokens.push((one) => one === wanted);
    }
  }
  return tokens;
}
