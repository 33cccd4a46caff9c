/** What a child says, line by line. */
import type { Readable } from 'node:stream';

/** Lines end with '\n' alone: node:readline takes U+2028 for an end, too, which JSON may have in the midst of a string. */
export function onLines(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}
