/** Moves bytes between a session and its client, each way at the pace of the slower side. */
import type { Logger } from '../log.ts';
import { messageOf } from '../errors.ts';
import type { Session } from '../engine/port.ts';
import type { Wire } from './exchange.ts';
import { drained, writeFrame } from './framing.ts';

/** Returns when the session's output has ended or the client is gone. */
export async function pump(session: Session, wire: Wire, stdin: boolean, log: Logger): Promise<void> {
  const { output } = wire;
  const gone = (): void => session.close();
  output.once('close', gone);
  if (output.destroyed) gone();
  if (stdin) void feed(session, wire, log);
  // Without anyone reading, the end of the connection would never be seen.
  else wire.input.resume();
  try {
    for await (const { stream, data } of session.output) {
      if (output.destroyed) break;
      const free = session.tty ? output.write(data) : writeFrame(output, stream, data);
      if (!free) await drained(output);
    }
  } catch (error) {
    log.warn('a stream with a process failed', { error: messageOf(error) });
  } finally {
    output.off('close', gone);
    wire.finish();
  }
}

async function feed(session: Session, { input, initial }: Wire, log: Logger): Promise<void> {
  const take = async (data: Buffer): Promise<void> => {
    try {
      await session.write(data);
    } catch (error) {
      log.debug('input was not taken', { error: messageOf(error) });
    }
  };
  if (initial.length > 0) await take(initial);
  try {
    // Not by 'data' and pause(): 'end' does not wait for a paused stream, and would overtake the last chunk. The
    // connection stays: its other half still carries the output.
    for await (const chunk of input.iterator({ destroyOnReturn: false })) await take(chunk as Buffer);
    session.end();
  } catch (error) {
    log.debug('the client left', { error: messageOf(error) });
  }
}
