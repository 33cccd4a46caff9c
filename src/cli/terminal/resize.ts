/** Keeps a container's terminal at the size of the client's. */
import type { ApiClient } from '../client.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that was just started may not have its terminal yet. */
const ATTEMPTS = 10;

/**
 * `path`: '/containers/ID' or '/exec/ID'. Sends the size at once and at every change. Returns what ends it.
 */
export function followSize(client: ApiClient, path: string, stdout: NodeJS.WriteStream): () => void {
  if (!stdout.isTTY) return () => undefined;
  let ended = false;
  let wanted = false;
  let sending = false;
  const send = async (): Promise<void> => {
    const { rows: h, columns: w } = stdout;
    if (h > 0 && w > 0) await client.json('POST', `${path}/resize`, { query: { h, w } });
  };
  /** One at a time, the latest size last: requests on connections of their own may overtake each other. */
  const follow = async (attempts: number): Promise<void> => {
    wanted = true;
    if (sending) return;
    sending = true;
    for (let failures = 0; wanted && !ended && failures < attempts;) {
      wanted = false;
      try {
        await send();
      } catch {
        wanted = true;
        failures++;
        await sleep(10 * failures, undefined, { ref: false });
      }
    }
    sending = false;
  };
  // Later the window of a process that is about to end cannot be set, and need not be.
  const changed = (): void => void follow(1);
  void follow(ATTEMPTS);
  stdout.on('resize', changed);
  return () => {
    ended = true;
    stdout.off('resize', changed);
  };
}
