/** One record of comma-separated values (RFC 4180), as Go's encoding/csv reads the long form of --mount. Pure. */

/** Throws an Error on a quote that stands where it must not. */
export function parseCsv(text: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const [field, end] = quoted(text, at + 1);
      fields.push(field);
      at = end;
    } else {
      const comma = text.indexOf(',', at);
      const field = text.slice(at, comma < 0 ? text.length : comma);
      if (field.includes('"'))
        throw new Error(`parse error on line 1, column ${at + field.indexOf('"') + 1}: bare " in non-quoted-field`);
      fields.push(field);
      at += field.length;
    }
    if (at >= text.length) return fields;
    at += 1;
  }
}

/** The field whose opening quote stands before `start`, and where it ends. */
function quoted(text: string, start: number): [field: string, end: number] {
  let field = '';
  for (let at = start; ;) {
    const quote = text.indexOf('"', at);
    if (quote < 0)
      throw new Error(`parse error on line 1, column ${text.length + 1}: extraneous or missing " in quoted-field`);
    field += text.slice(at, quote);
    const next = text[quote + 1];
    if (next === undefined || next === ',') return [field, quote + 1];
    if (next !== '"')
      throw new Error(`parse error on line 1, column ${quote + 1}: extraneous or missing " in quoted-field`);
    field += '"';
    at = quote + 2;
  }
}
