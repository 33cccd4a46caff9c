/** TCP from a held port to the container, for what no rule translated. */
import { messageOf } from '../errors.ts';
import { acceptStream, listenStream } from '../linux/listen.ts';
import { SysError, libc } from '../linux/libc.ts';
import type { Logger } from '../log.ts';
import { StreamRelay } from './stream-relay.ts';
import type { RelayParts } from './stream-relay.ts';

export interface ProxyTarget {
  address: string;
  port: number;
}

/** A held port that somebody serves, or nobody. */
export interface HeldSocket {
  /** What comes from now on goes there. */
  aim(target: ProxyTarget): void;
  close(): void;
}

/** How many connections are taken in before others have their turn. */
const ACCEPT_BATCH = 64;
const EXHAUSTED: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOSPC']);
/** Milliseconds to wait when the process has no descriptor left. */
const EXHAUSTED_PAUSE = 100;

export function serveStream(
  { hostAddress, hostPort, ...first }: ProxyTarget & { hostAddress: string; hostPort: number },
  parts: RelayParts & { log: Logger },
): HeldSocket {
  const { readiness, streams, log } = parts;
  let target: ProxyTarget = first;
  const connections = new Set<StreamRelay>();
  const fd = listenStream(hostAddress, hostPort);
  let unwatch = (): void => undefined;
  let pause: NodeJS.Timeout | undefined;
  /** Said already. */
  let full = false;
  const relay = (accepted: number): void => {
    try {
      const connection: StreamRelay = new StreamRelay(accepted, target, parts, () => connections.delete(connection));
      connections.add(connection);
    } catch (error) {
      // No way to the container (ENETUNREACH, ECONNREFUSED …): this one was reset, the next may have better luck.
      if (!(error instanceof SysError) || EXHAUSTED.has(error.code)) throw error;
    }
  };
  const accept = (): void => {
    try {
      for (let taken = 0; taken < ACCEPT_BATCH; taken++) {
        if (streams.open >= streams.most) throw new Error(`${streams.most} connections are proxied already`);
        const accepted = acceptStream(fd);
        if (accepted === undefined) return;
        relay(accepted);
        full = false;
      }
    } catch (error) {
      if (!full) {
        log.warn('connections to a published port have to wait', { hostAddress, hostPort, error: messageOf(error) });
      }
      full = true;
      // What waits in the queue would be reported without end.
      unwatch();
      pause = setTimeout(resume, EXHAUSTED_PAUSE);
    }
  };
  const resume = (): void => {
    try {
      watch();
    } catch {
      pause = setTimeout(resume, EXHAUSTED_PAUSE);
    }
  };
  const watch = (): void => {
    unwatch = readiness.add(fd, accept);
  };
  try {
    watch();
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  return {
    aim: (next) => (target = next),
    close() {
      clearTimeout(pause);
      unwatch();
      libc.close(fd);
      for (const connection of connections) connection.reset();
    },
  };
}
