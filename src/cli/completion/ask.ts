/** Names for completion from the daemon; a daemon that is away or slow completes nothing. */
import type { ApiClient } from '../client.ts';
import { shortId } from '../format/text.ts';
import type { Ask, Candidate } from './candidates.ts';

/** Milliseconds: whoever presses a key does not wait longer. */
const PATIENCE = 1500;

interface Container {
  Names: string[];
  Image: string;
}

interface Image {
  Id: string;
  RepoTags: string[] | null;
}

async function containers(client: ApiClient, all: boolean): Promise<Candidate[]> {
  const list = await client.json<Container[]>('GET', '/containers/json', { query: { all: all ? 1 : undefined } });
  return list.map(({ Names, Image }) => ({ text: Names[0]?.replace(/^\//, '') ?? '', about: Image }));
}

export const askDaemon =
  (client: ApiClient): Ask =>
  async (kind) => {
    const answer = async (): Promise<Candidate[]> => {
      switch (kind) {
        case 'container':
        case 'running-container':
          return containers(client, kind === 'container');
        case 'image': {
          const images = await client.json<Image[]>('GET', '/images/json');
          return images.flatMap(({ Id, RepoTags }) =>
            (RepoTags ?? [])
              .filter((tag) => !tag.startsWith('<none>'))
              .flatMap((tag) => (tag.endsWith(':latest') ? [tag.slice(0, -':latest'.length), tag] : [tag]))
              .map((text) => ({ text, about: shortId(Id) })),
          );
        }
        case 'network': {
          const networks = await client.json<{ Name: string; Driver: string }[]>('GET', '/networks');
          return networks.map(({ Name, Driver }) => ({ text: Name, about: Driver }));
        }
        case 'volume': {
          const { Volumes } = await client.json<{ Volumes: { Name: string; Driver: string }[] | null }>(
            'GET',
            '/volumes',
          );
          return (Volumes ?? []).map(({ Name, Driver }) => ({ text: Name, about: Driver }));
        }
      }
    };
    const late = new Promise<Candidate[]>((resolve) => {
      setTimeout(resolve, PATIENCE, []).unref();
    });
    return Promise.race([answer().catch(() => []), late]);
  };
