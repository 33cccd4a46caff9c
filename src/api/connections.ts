/**
 * The connections of the API's servers, so that an end does not wait for clients that ask for nothing. Node's own
 * closeIdleConnections() takes one that has not yet sent its first request for busy, and knows none of the connections
 * that a TLS server hands over.
 */
import type { Duplex } from 'node:stream';

export class Connections {
  /** Connection → requests under way on it. */
  readonly #open = new Map<Duplex, number>();
  #closing = false;

  opened(socket: Duplex): void {
    if (this.#closing) {
      socket.destroy();
      return;
    }
    this.#open.set(socket, 0);
    socket.once('close', () => this.#open.delete(socket));
  }

  began(socket: Duplex): void {
    const count = this.#open.get(socket);
    if (count !== undefined) this.#open.set(socket, count + 1);
  }

  /** The answer is written, or its client is gone. */
  ended(socket: Duplex): void {
    const count = this.#open.get(socket);
    if (count === undefined) return;
    this.#open.set(socket, count - 1);
    if (this.#closing && count === 1) socket.destroy();
  }

  /** Closes those that are idle, and each of the others after its answer. */
  close(): void {
    this.#closing = true;
    for (const [socket, count] of this.#open) if (count === 0) socket.destroy();
  }
}
