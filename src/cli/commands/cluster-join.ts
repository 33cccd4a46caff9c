import type { Command } from '../command.ts';
import { advertiseFlag } from '../cluster/shared.ts';
import { outputOf } from '../streams/output.ts';

/** Bytes. */
const LONGEST_TOKEN = 4096;

async function readToken(stdin: NodeJS.ReadStream): Promise<string> {
  let text = '';
  for await (const part of stdin.setEncoding('utf8') as AsyncIterable<string>) {
    text += part;
    if (text.length > LONGEST_TOKEN) break;
  }
  return text.trim();
}

export const command: Command = {
  path: 'cluster join',
  usage: '[OPTIONS] TOKEN|-',
  summary: 'Go into the cluster that the token is for ("-" reads it from stdin)',
  flags: [advertiseFlag],
  args: { min: 1, max: 1 },
  async run({ client, stdin, stdout }, values, [word = '']) {
    const Token = word === '-' ? await readToken(stdin) : word;
    const body = { Token, AdvertiseAddr: values.string('advertise-addr') };
    const { Name, Address, Hosts } = await client.json<{ Name: string; Address: string; Hosts: number }>(
      'POST',
      '/berth/cluster/join',
      { body },
    );
    const others = Hosts === 1 ? '' : `, one of ${Hosts} hosts`;
    await outputOf(stdout).write(`This host is in the cluster as ${Name}, at ${Address}${others}.\n`);
    return 0;
  },
};
