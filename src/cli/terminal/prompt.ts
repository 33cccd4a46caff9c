/** Asks for a line on the terminal, with or without showing what is typed. */
import type { Context } from '../command.ts';
import { rawMode } from './raw.ts';

const INTERRUPT = '\x03';
const END_OF_INPUT = '\x04';

export async function ask({ stdin, stderr }: Context, question: string, visible: boolean): Promise<string> {
  stderr.write(question);
  const restore = rawMode(stdin);
  stdin.setEncoding('utf8');
  let line = '';
  try {
    return await new Promise<string>((resolve, reject) => {
      const finish = (text: string | Error): void => {
        stdin.off('data', take).off('end', ended);
        stdin.pause();
        stderr.write('\n');
        if (typeof text === 'string') resolve(text);
        else reject(text);
      };
      const ended = (): void => finish(line);
      const take = (text: string): void => {
        for (const character of text) {
          if (character === '\r' || character === '\n' || character === END_OF_INPUT) return finish(line);
          if (character === INTERRUPT) return finish(new Error('interrupted'));
          if (character === '\x7f' || character === '\b') {
            if (line !== '' && visible) stderr.write('\b \b');
            line = line.slice(0, -1);
          } else if (character >= ' ') {
            line += character;
            if (visible) stderr.write(character);
          }
        }
      };
      stdin.on('data', take).on('end', ended);
      stdin.resume();
    });
  } finally {
    restore();
  }
}
