/** `POST /containers/{id}/restart`. */
import { type Context, publish } from './context.ts';
import type { Container } from './registry.ts';
import { startAsAsked } from './start.ts';
import { stopContainer } from './stop.ts';

export async function restartContainer(
  context: Context,
  container: Container,
  options: { signal?: string; timeout?: number },
): Promise<void> {
  if (container.running || container.record.state.Restarting) {
    // A restart is no end: --rm does not remove. Several may be under way at once.
    container.restarts++;
    try {
      await stopContainer(context, container, options);
    } catch (error) {
      if (container.running) throw error;
    } finally {
      container.restarts--;
    }
  }
  await container.lock.run(async () => {
    if (!container.running) await startAsAsked(context, container);
  });
  publish(context, container, 'restart');
}
