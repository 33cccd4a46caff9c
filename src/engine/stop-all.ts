/** The daemon ends, and with `--live-restore=false` its containers end with it. */
import { messageOf } from '../errors.ts';
import { type Context, save } from './context.ts';
import { stopContainer } from './stop.ts';

/** Seconds; dockerd gives a container without its own time as long. */
const STOP_TIMEOUT = 10;

/**
 * All at once, each with the time that it has for a stop. Nobody stopped them by hand: those whose restart policy says so run
 * again after the next start.
 */
export async function stopAll(context: Context): Promise<void> {
  const running = context.registry.all().filter(({ running: runs }) => runs);
  await Promise.all(
    running.map(async (container) => {
      const own = container.record.config.StopTimeout ?? STOP_TIMEOUT;
      try {
        await stopContainer(context, container, { timeout: own < 0 ? context.settings.shutdownTimeout : own });
      } catch (error) {
        context.log.warn('a container did not end with the daemon', {
          container: container.id,
          error: messageOf(error),
        });
      }
      if (context.registry.get(container.id) !== container) return;
      container.record.stoppedByHand = false;
      save(context, container);
    }),
  );
}
