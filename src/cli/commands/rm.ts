import { ApiError } from '../client.ts';
import type { Command } from '../command.ts';
import { forEach } from '../run/each.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'rm',
  aliases: ['container rm', 'container remove'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Remove one or more containers',
  flags: [
    { name: 'force', short: 'f', type: 'bool', help: 'Force the removal of a running container (uses SIGKILL)' },
    { name: 'link', short: 'l', type: 'bool', help: 'Remove the specified link' },
    { name: 'volumes', short: 'v', type: 'bool', help: 'Remove anonymous volumes associated with the container' },
  ],
  args: { min: 1 },
  complete: 'container',
  async run(context, values, names) {
    const force = values.bool('force');
    const on = (flag: string): 1 | undefined => (values.bool(flag) ? 1 : undefined);
    const query = { force: on('force'), link: on('link'), v: on('volumes') };
    let serious = 0;
    await forEach(context, names, async (name) => {
      const bare = name.replace(/^\/+|\/+$/g, '');
      try {
        if (bare === '') throw new Error('container name cannot be empty');
        await context.client.json('DELETE', pathOf('container', bare), { query });
        return name;
      } catch (error) {
        // With --force, what is gone already is said but no failure.
        if (!force || !(error instanceof ApiError) || error.status !== 404) serious += 1;
        throw error;
      }
    });
    return serious === 0 ? 0 : 1;
  },
};
