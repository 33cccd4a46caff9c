/** Pulls one image and shows how it goes. */
import type { Context } from '../command.ts';
import { showProgress } from '../streams/show-progress.ts';
import { authHeaders } from './credentials.ts';
import { pullReference, registryOf } from './reference.ts';

export interface PullOptions {
  platform: string;
  quiet: boolean;
  out: NodeJS.WriteStream;
  /** Every tag of the repository. */
  all?: boolean;
}

export async function pullImage(
  { client, env }: Context,
  image: string,
  { platform, quiet, out, all = false }: PullOptions,
): Promise<void> {
  const { fromImage, tag } = pullReference(image);
  const stream = await client.stream('POST', '/images/create', {
    query: { fromImage, tag: all ? undefined : tag, platform: platform || undefined },
    headers: authHeaders(registryOf(image), env),
  });
  await showProgress(stream, out, { quiet });
}
