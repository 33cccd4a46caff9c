import type { Command, Context } from '../command.ts';
import { authKey, type Credentials, storeCredentials } from '../images/credentials.ts';
import { HUB_INDEX } from '../images/reference.ts';
import { outputOf } from '../streams/output.ts';
import { ask } from '../terminal/prompt.ts';

export const command: Command = {
  path: 'login',
  usage: '[OPTIONS] [SERVER]',
  summary: 'Authenticate to a registry',
  flags: [
    { name: 'password', short: 'p', type: 'string', help: 'Password or Personal Access Token (PAT)' },
    { name: 'password-stdin', type: 'bool', help: 'Take the Password or Personal Access Token (PAT) from stdin' },
    { name: 'username', short: 'u', type: 'string', help: 'Username' },
  ],
  args: { min: 0, max: 1 },
  async run(context, values, [server = HUB_INDEX]) {
    const { client, env, stdout, stderr, stdin } = context;
    const fromStdin = values.bool('password-stdin');
    let password = values.string('password');
    let username = values.string('username');
    if (password !== '') {
      await outputOf(stderr).write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
      if (fromStdin) throw new Error('--password and --password-stdin are mutually exclusive');
    }
    if (fromStdin) {
      if (username === '') throw new Error('Must provide --username with --password-stdin');
      password = (await readAll(stdin)).replace(/\r?\n$/, '');
    }
    if (username === '' || password === '') {
      if (!stdin.isTTY) throw new Error('Error: Cannot perform an interactive login from a non TTY device');
      if (username === '') username = (await ask(context, 'Username: ', true)).trim();
      if (password === '') password = await ask(context, 'Password: ', false);
      if (username === '' || password === '') throw new Error('Error: Username and Password required');
    }
    const serveraddress = authKey(server);
    const credentials: Credentials = { username, password, serveraddress };
    const { Status, IdentityToken } = await client.json<{ Status: string; IdentityToken?: string }>('POST', '/auth', {
      body: credentials,
    });
    const path = storeCredentials(IdentityToken ? { ...credentials, identitytoken: IdentityToken } : credentials, env);
    await outputOf(stderr).write(`\nWARNING! Your credentials are stored unencrypted in '${path}'.\n\n`);
    await outputOf(stdout).write(`${Status}\n`);
    return 0;
  },
};

async function readAll(stdin: Context['stdin']): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stdin as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}
