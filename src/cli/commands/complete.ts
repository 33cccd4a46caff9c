import type { Command } from '../command.ts';
import { askDaemon } from '../completion/ask.ts';
import { candidates, FILES } from '../completion/candidates.ts';
import { hostOf } from '../globals.ts';
import { createClient } from '../http/client.ts';
import { outputOf } from '../streams/output.ts';

/** For the scripts of `completion`: a candidate a line, its explanation after a tab; ':files' for names of files. */
export const command: Command = {
  path: '__complete',
  usage: '-- WORD...',
  summary: 'Answer the completion scripts',
  flags: [],
  args: { min: 0 },
  hidden: true,
  async run({ client, env, stdout }, _values, words) {
    const found = await candidates(words, (host) =>
      askDaemon(host === undefined ? client : createClient(hostOf(host, env))),
    );
    const text = found === FILES ? ':files\n' : found.map(({ text, about }) => `${text}\t${about}\n`).join('');
    await outputOf(stdout).write(text);
    return 0;
  },
};
