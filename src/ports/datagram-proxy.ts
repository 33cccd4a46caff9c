/**
 * UDP from a held port to the container, for what no rule translated. Every client (address and port, and the address of
 * this host that it speaks to) has a socket of its own towards the container, until 90 s passed without a datagram
 * (docker-proxy's time). Senders can claim any source: there are never more than FLOWS of them, the one idle longest makes room.
 */
import { messageOf } from '../errors.ts';
import { DatagramSlot } from '../linux/listen-datagrams.ts';
import type { DatagramPath } from '../linux/listen-datagrams.ts';
import type { Readiness } from '../linux/listen-readiness.ts';
import { bindDatagram, connectDatagram } from '../linux/listen.ts';
import { libc } from '../linux/libc.ts';
import type { Logger } from '../log.ts';
import type { HeldSocket, ProxyTarget } from './stream-proxy.ts';

const IDLE = 90_000;
const SWEEP = 5_000;
const FLOWS = 4_096;
/** How many datagrams of one socket are carried before others have their turn. */
const BATCH = 64;

interface Flow {
  /** Towards the container. */
  fd: number;
  path: DatagramPath;
  /** Milliseconds of performance.now(). */
  lastUsed: number;
  close(): void;
}

/** All flows of the process, the one idle longest first. */
export class DatagramFlows implements Disposable {
  readonly slot = new DatagramSlot();
  readonly #flows = new Set<Flow>();
  readonly #idle: number;
  readonly #limit: number;
  #sweep: NodeJS.Timeout | undefined;

  constructor({ idle = IDLE, limit = FLOWS }: { idle?: number; limit?: number } = {}) {
    this.#idle = idle;
    this.#limit = limit;
  }

  add(flow: Flow): void {
    for (const oldest of this.#flows) {
      if (this.#flows.size < this.#limit) break;
      oldest.close();
    }
    this.#flows.add(flow);
    this.#sweep ??= setInterval(() => this.#expire(), Math.min(SWEEP, this.#idle));
  }

  /** It is the youngest now. */
  touch(flow: Flow): void {
    flow.lastUsed = performance.now();
    this.#flows.delete(flow);
    this.#flows.add(flow);
  }

  remove(flow: Flow): void {
    this.#flows.delete(flow);
    if (this.#flows.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  [Symbol.dispose](): void {
    for (const flow of this.#flows) flow.close();
  }

  #expire(): void {
    const limit = performance.now() - this.#idle;
    for (const flow of this.#flows) {
      if (flow.lastUsed > limit) return;
      flow.close();
    }
  }
}

interface Parts {
  readiness: Readiness;
  flows: DatagramFlows;
  log: Logger;
}

export function serveDatagrams(
  { hostAddress, hostPort, ...first }: ProxyTarget & { hostAddress: string; hostPort: number },
  { readiness, flows, log }: Parts,
): HeldSocket {
  const { slot } = flows;
  const own = new Map<string, Flow>();
  let target: ProxyTarget = first;
  const fd = bindDatagram(hostAddress, hostPort);

  const openFlow = (key: string, path: DatagramPath): Flow => {
    const upstream = connectDatagram(target.address, target.port);
    let unwatch = (): void => undefined;
    const flow: Flow = {
      fd: upstream,
      path: { peer: Buffer.from(path.peer), from: Buffer.from(path.from) },
      lastUsed: performance.now(),
      close() {
        if (!own.delete(key)) return;
        flows.remove(flow);
        unwatch();
        libc.close(upstream);
      },
    };
    own.set(key, flow);
    try {
      unwatch = readiness.add(upstream, () => back(flow));
    } catch (error) {
      own.delete(key);
      libc.close(upstream);
      throw error;
    }
    flows.add(flow);
    return flow;
  };
  const back = (flow: Flow): void => {
    for (let count = 0; count < BATCH; count++) {
      const data = slot.receiveConnected(flow.fd);
      if (!data) return;
      flows.touch(flow);
      slot.sendBack(fd, flow.path, data);
    }
  };
  const forth = (): void => {
    try {
      for (let count = 0; count < BATCH; count++) {
        const datagram = slot.receive(fd);
        if (!datagram) return;
        const key = `${datagram.peer.toString('latin1')}|${datagram.from.toString('latin1')}`;
        const flow = own.get(key) ?? openFlow(key, datagram);
        flows.touch(flow);
        slot.send(flow.fd, datagram.data);
      }
    } catch (error) {
      // EMFILE, or no route to the container: the datagram is lost, as datagrams are.
      log.debug('a datagram to a published port was dropped', { hostAddress, hostPort, error: messageOf(error) });
    }
  };
  let unwatch: () => void;
  try {
    unwatch = readiness.add(fd, forth);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  const closeFlows = (): void => {
    for (const flow of own.values()) flow.close();
  };
  return {
    aim(next) {
      target = next;
      closeFlows();
    },
    close() {
      closeFlows();
      unwatch();
      libc.close(fd);
    },
  };
}
