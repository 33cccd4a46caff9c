import type { Command } from '../command.ts';
import { authHeaders } from '../images/credentials.ts';
import { canonicalReference, registryOf, splitReference } from '../images/reference.ts';
import { outputOf } from '../streams/output.ts';
import { showProgress } from '../streams/show-progress.ts';

/** '{}': the API wants the header also from someone who has no credentials. */
const NO_CREDENTIALS = { 'X-Registry-Auth': 'e30=' };

export const command: Command = {
  path: 'push',
  aliases: ['image push'],
  usage: '[OPTIONS] NAME[:TAG]',
  summary: 'Upload an image to a registry',
  flags: [
    { name: 'all-tags', short: 'a', type: 'bool', help: 'Push all tags of an image to the repository' },
    { name: 'disable-content-trust', type: 'bool', default: true, help: 'Skip image signing', hidden: true },
    { name: 'quiet', short: 'q', type: 'bool', help: 'Suppress verbose output' },
  ],
  args: { min: 1, max: 1 },
  complete: 'image',
  async run(context, values, [name = '']) {
    const { client, stdout, env } = context;
    const quiet = values.bool('quiet');
    const all = values.bool('all-tags');
    const { repository, tag } = splitReference(name);
    if (all && tag !== '') throw new Error("tag can't be used with --all-tags/-a");
    if (!all && tag === '' && !quiet) await outputOf(stdout).write('Using default tag: latest\n');
    const stream = await client.stream('POST', `/images/${repository}/push`, {
      query: { tag: all ? undefined : tag || 'latest' },
      headers: { ...NO_CREDENTIALS, ...authHeaders(registryOf(name), env) },
    });
    await showProgress(stream, stdout, { quiet });
    if (quiet) await outputOf(stdout).write(`${canonicalReference(name, !all)}\n`);
    return 0;
  },
};
