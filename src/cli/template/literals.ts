/** Go's string, character and number literals. Pure. */

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"]))|(\\)/g;

/** '"a\n"' or '`a`' → its text, undefined when an escape is none. */
export function unquote(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner.replaceAll('\r', '');
  let valid = true;
  const text = inner.replace(ESCAPE, (_, x?: string, u?: string, U?: string, octal?: string, simple?: string) => {
    if (simple !== undefined) return SIMPLE[simple] ?? '';
    const hex = x ?? u ?? U;
    const code = hex === undefined ? parseInt(octal ?? '', 8) : parseInt(hex, 16);
    if (Number.isNaN(code) || code > 0x10ffff || (octal !== undefined && code > 255)) {
      valid = false;
      return '';
    }
    return String.fromCodePoint(code);
  });
  return valid ? text : undefined;
}

/** A number as text → its value; bigint beyond what a double holds exactly. */
export function parseNumber(kind: string, text: string): number | bigint | undefined {
  if (kind === 'char') {
    const inner = unquote(text);
    if (inner === undefined || Array.from(inner).length !== 1) return undefined;
    return inner.codePointAt(0);
  }
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/s.exec(text.replaceAll('_', '')) ?? [];
  const integer = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  if (/^(\d+|0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(integer)) {
    const value = BigInt(integer) * (sign === '-' ? -1n : 1n);
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }
  const value = digits === '' ? NaN : Number(sign + digits);
  return Number.isFinite(value) ? value : undefined;
}
