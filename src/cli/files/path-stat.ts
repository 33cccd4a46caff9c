/** What the daemon says about a path in a container. */
import type { ApiClient } from '../client.ts';
import { ApiError } from '../client.ts';
import { pathOf } from '../path.ts';

export interface PathStat {
  name: string;
  size: number;
  /** Go's os.FileMode. */
  mode: number;
  mtime: string;
  linkTarget: string;
}

export function decodeStat(fields: ReadonlyMap<string, string>): PathStat {
  const header = fields.get('x-docker-container-path-stat');
  try {
    return JSON.parse(Buffer.from(header ?? '', 'base64').toString()) as PathStat;
  } catch (error) {
    throw new Error('unable to decode container path stat header', { cause: error });
  }
}

export const archivePath = (container: string): string => `${pathOf('container', container)}/archive`;

/** undefined when there is no such path, or none that can be told of. */
export async function statIn(client: ApiClient, container: string, path: string): Promise<PathStat | undefined> {
  let stat: PathStat | undefined;
  try {
    const body = await client.stream('HEAD', archivePath(container), {
      query: { path },
      onHead: (fields) => (stat = decodeStat(fields)),
    });
    body.destroy();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  return stat;
}
