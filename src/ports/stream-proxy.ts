/**
 * TCP from a held port to the container, for what no rule translated. Both directions are copied with back pressure; the end
 * of one leaves the other open; a reset, or a container that refuses, is a reset for the other side.
 */
import { Socket, connect } from 'node:net';
import { messageOf } from '../errors.ts';
import type { Readiness } from '../linux/listen-readiness.ts';
import { acceptStream, listenStream } from '../linux/listen.ts';
import { libc } from '../linux/libc.ts';
import type { Logger } from '../log.ts';

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
/** Milliseconds to wait when the process has no descriptor left. */
const EXHAUSTED_PAUSE = 100;
/** Milliseconds after which the kernel asks a silent peer whether it is there still, as docker-proxy does. */
const KEEPALIVE = 15_000;

export function serveStream(
  { hostAddress, hostPort, ...first }: ProxyTarget & { hostAddress: string; hostPort: number },
  { readiness, log }: { readiness: Readiness; log: Logger },
): HeldSocket {
  let target: ProxyTarget = first;
  const connections = new Set<Connection>();
  const fd = listenStream(hostAddress, hostPort);
  const accept = (): void => {
    try {
      for (let taken = 0; taken < ACCEPT_BATCH; taken++) {
        const accepted = acceptStream(fd);
        if (accepted === undefined) return;
        const connection = new Connection(accepted, target, () => connections.delete(connection));
        connections.add(connection);
      }
    } catch (error) {
      log.warn('connections to a published port have to wait', { hostAddress, hostPort, error: messageOf(error) });
      readiness.pause(EXHAUSTED_PAUSE);
    }
  };
  try {
    readiness.add(fd, accept);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  return {
    aim: (next) => (target = next),
    close() {
      readiness.remove(fd);
      libc.close(fd);
      for (const connection of connections) connection.reset();
    },
  };
}

class Connection {
  readonly #ends: readonly [Socket, Socket];
  #open = 2;

  constructor(fd: number, { address, port }: ProxyTarget, closed: () => void) {
    const client = new Socket({ fd, allowHalfOpen: true });
    const container = connect({ host: address, port, allowHalfOpen: true });
    this.#ends = [client, container];
    for (const end of this.#ends) {
      end.setNoDelay(true);
      end.setKeepAlive(true, KEEPALIVE);
      // It closes by itself after its error; the other side learns of it as of a reset.
      end.on('error', () => this.reset());
      end.on('close', () => {
        if (--this.#open === 0) closed();
      });
    }
    client.pipe(container);
    container.pipe(client);
  }

  reset(): void {
    for (const end of this.#ends) {
      if (end.destroyed) continue;
      if (end.connecting) end.destroy();
      else end.resetAndDestroy();
    }
  }
}
