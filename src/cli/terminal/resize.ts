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
  const ended = new AbortController();
  const send = async (): Promise<void> => {
    const { rows: h, columns: w } = stdout;
    if (h === 0 || w === 0) return;
    await client.json('POST', `${path}/resize`, { query: { h, w } });
  };
  const begin = async (): Promise<void> => {
    for (let attempt = 0; attempt < ATTEMPTS && !ended.signal.aborted; attempt++) {
      try {
        return await send();
      } catch {
        await sleep(10 * (attempt + 1), undefined, { ref: false });
      }
    }
  };
  // The window of a process that is about to end cannot be set, and need not be.
  const changed = (): void => void send().catch(() => undefined);
  void begin();
  stdout.on('resize', changed);
  return () => {
    ended.abort();
    stdout.off('resize', changed);
  };
}
