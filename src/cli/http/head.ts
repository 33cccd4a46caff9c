/** HTTP/1.1 heads (RFC 9112), as little of them as a client of one daemon needs. Pure. */

/** Bytes that the head of an answer may have: the daemon sends some hundred. */
export const HEAD_LIMIT = 64 * 1024;

export interface ResponseHead {
  status: number;
  reason: string;
  /** Names in lower case; repeated fields are joined by ', '. */
  headers: ReadonlyMap<string, string>;
}

export class ProtocolError extends Error {}

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/;

/** `text` is everything before the empty line. */
export function parseHead(text: string): ResponseHead {
  const [first = '', ...lines] = text.split('\r\n');
  const match = STATUS_LINE.exec(first);
  if (match === null) throw new ProtocolError(`malformed HTTP response ${JSON.stringify(first.slice(0, 80))}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new ProtocolError(`malformed HTTP header ${JSON.stringify(line.slice(0, 80))}`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(match[1]), reason: match[2] ?? '', headers };
}

export interface RequestHead {
  method: string;
  /** With query. */
  target: string;
  headers: Readonly<Record<string, string>>;
}

/** A line break in a value would begin a header of its own. */
const CONTROL = /[\0\r\n]/;

export function formatHead({ method, target, headers }: RequestHead): string {
  const lines = [`${method} ${target} HTTP/1.1`];
  for (const [name, value] of Object.entries(headers)) {
    if (CONTROL.test(name + value))
      throw new ProtocolError(`invalid value for the HTTP header ${JSON.stringify(name)}`);
    lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Booleans become '1' and '0'; undefined is left out. `path` may have a query already. */
export function targetOf(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const text = typeof value === 'boolean' ? String(Number(value)) : String(value);
    return [`${encodeURIComponent(name)}=${encodeURIComponent(text)}`];
  });
  // A path is made of names that a user typed: blanks and control characters would break the request line.
  const clean = path.replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
  if (pairs.length === 0) return clean;
  return `${clean}${clean.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}
