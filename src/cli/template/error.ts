/** A template cannot be parsed or executed; the text is the one of Go's text/template. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** Go's %q for a text. */
export const quote = (text: string): string => JSON.stringify(text);

/** Go's %#U for a character: U+0040 '@'. */
export function character(char: string): string {
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${code} '${char}'`;
}
