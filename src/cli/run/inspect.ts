/** What the commands that join a container have to know of it first. */
import type { ApiClient } from '../client.ts';
import { containerPath } from './each.ts';

export interface Inspected {
  Id: string;
  Name: string;
  State: { Running: boolean; Paused: boolean; Restarting: boolean };
  Config: { Tty: boolean; OpenStdin: boolean };
  HostConfig: { AutoRemove: boolean };
}

export const inspect = (client: ApiClient, name: string): Promise<Inspected> =>
  client.json<Inspected>('GET', `${containerPath(name)}/json`);

/** The same words for attach, exec and start -a when a terminal was asked for that is none. */
export const NO_TERMINAL = 'the input device is not a TTY';
