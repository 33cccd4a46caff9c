import type { Command } from '../command.ts';
import { surroundings } from '../run/create.ts';
import { containerPath } from '../run/each.ts';
import { parseEnvFile, resolveEnv } from '../run/env.ts';
import { NO_TERMINAL } from '../run/inspect.ts';
import { runSession } from '../streams/session.ts';
import { followSize } from '../terminal/resize.ts';

export const command: Command = {
  path: 'exec',
  aliases: ['container exec'],
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  summary: 'Execute a command in a running container',
  flags: [
    { name: 'detach', short: 'd', type: 'bool', help: 'Detached mode: run command in the background' },
    { name: 'detach-keys', type: 'string', help: 'Override the key sequence for detaching a container' },
    { name: 'env', short: 'e', type: 'list', help: 'Set environment variables' },
    { name: 'env-file', type: 'list', help: 'Read in a file of environment variables', complete: 'file' },
    { name: 'interactive', short: 'i', type: 'bool', help: 'Keep STDIN open even if not attached' },
    { name: 'privileged', type: 'bool', help: 'Give extended privileges to the command' },
    { name: 'tty', short: 't', type: 'bool', help: 'Allocate a pseudo-TTY' },
    { name: 'user', short: 'u', type: 'string', help: 'Username or UID (format: "<name|uid>[:<group|gid>]")' },
    { name: 'workdir', short: 'w', type: 'string', help: 'Working directory inside the container' },
  ],
  args: { min: 2 },
  interspersed: false,
  complete: 'running-container',
  async run(context, values, [name = '', ...words]) {
    const { client, stdin, stdout, env } = context;
    const { read, size } = surroundings(context);
    const detach = values.bool('detach');
    const tty = values.bool('tty');
    const withInput = values.bool('interactive') && !detach;
    const files = values.list('env-file').flatMap((path) => parseEnvFile(read(path), path, env));
    const Env = [...files, ...values.list('env').map((entry) => resolveEnv(entry, env))];
    if (withInput && tty && !stdin.isTTY) throw new Error(NO_TERMINAL);
    const console = tty && stdout.isTTY ? { ConsoleSize: size } : {};
    const { Id } = await client.json<{ Id: string }>('POST', `${containerPath(name)}/exec`, {
      body: {
        User: values.string('user'),
        Privileged: values.bool('privileged'),
        Tty: tty,
        AttachStdin: withInput,
        AttachStdout: !detach,
        AttachStderr: !detach,
        DetachKeys: values.string('detach-keys'),
        Env,
        WorkingDir: values.string('workdir'),
        Cmd: words,
        ...console,
      },
    });
    const path = `/exec/${Id}`;
    if (detach) {
      await client.json('POST', `${path}/start`, { body: { Detach: true, Tty: tty } });
      return 0;
    }
    const connection = await client.hijack(`${path}/start`, { body: { Detach: false, Tty: tty, ...console } });
    const endSize = tty ? followSize(client, path, stdout) : undefined;
    const end = await runSession(context, connection, {
      tty,
      stdin: withInput,
      detachKeys: values.string('detach-keys'),
    });
    endSize?.();
    if (end.detached) return 0;
    const { ExitCode } = await client.json<{ ExitCode: number | null }>('GET', `${path}/json`);
    return ExitCode ?? 0;
  },
};
