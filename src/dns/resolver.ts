/**
 * The resolver of one container: sockets in its namespace, and what is answered there. Names of containers and cached
 * answers go back in the burst in which they were asked; the rest waits for the forwarder.
 */
import { DatagramBatch, sendDatagram } from '../linux/datagrams.ts';
import { messageOf } from '../errors.ts';
import { libc } from '../linux/libc.ts';
import type { Readiness } from '../linux/listen-readiness.ts';
import type { ResolverNamespace, ResolverSockets } from '../linux/resolver-sockets.ts';
import type { Logger } from '../log.ts';
import { answerFromZone } from './answers.ts';
import { AnswerWriter } from './codec-answer.ts';
import { emptyQuery, readQuery } from './codec-query.ts';
import { copyResponse } from './codec-response.ts';
import type { Response } from './codec-response.ts';
import { HEADER_SIZE, LONGEST_MESSAGE, RCODE } from './codec.ts';
import type { Forwarder, Servers } from './forwarder.ts';
import { outward, variantOf } from './outward.ts';
import { LONGEST_QUERY, StreamConnections } from './stream.ts';
import type { ZoneView } from './zone.ts';

const BURST = 64;
/** Bursts of one container before the others have their turn. */
const BURSTS = 4;
const RECEIVE_SIZE = LONGEST_QUERY;
/** What is sent by UDP at most, however much the client takes. */
const SEND_SIZE = 4096;
/** Questions of this container that others are being asked. Each takes about 1 kB, one with many options some 8. */
const MOST_WAITING = 8192;
const PAUSE = 100;

/** Of one process: used by one call after the other. */
const batch = new DatagramBatch({ count: BURST, receiveSize: RECEIVE_SIZE, sendSize: SEND_SIZE });
const query = emptyQuery();
const writer = new AnswerWriter();
const large = Buffer.allocUnsafeSlow(LONGEST_MESSAGE);

/** In place of a length: the query has no answer yet. */
const LATER = -1;

export interface ResolverParts {
  readiness: Readiness;
  forwarder: Forwarder;
  log: Logger;
}

export interface ResolverRole {
  view: ZoneView;
  /** Who is asked for other names at this moment; undefined: nobody. */
  servers: () => Servers | undefined;
}

export class Resolver {
  role: ResolverRole;
  readonly namespace: ResolverNamespace;
  readonly port: number;
  readonly #udp: number;
  readonly #tcp: number;
  readonly #parts: ResolverParts;
  readonly #streams: StreamConnections;
  readonly #ignoreUdp: () => void;
  #ignoreTcp: () => void;
  #waiting = 0;
  #pause: NodeJS.Timeout | undefined;
  #complained = false;
  #closed = false;

  /** Takes over namespace and sockets; when it throws they are the caller's again. */
  constructor(namespace: ResolverNamespace, sockets: ResolverSockets, role: ResolverRole, parts: ResolverParts) {
    this.namespace = namespace;
    this.port = sockets.port;
    this.#udp = sockets.udp;
    this.#tcp = sockets.tcp;
    this.role = role;
    this.#parts = parts;
    this.#streams = new StreamConnections((bytes, send) => {
      const length = this.#answer(bytes, bytes.length, large, LONGEST_MESSAGE, LONGEST_MESSAGE);
      if (length > 0) send(large.subarray(0, length));
      else if (length === LATER) this.#forward(Buffer.from(bytes), LONGEST_MESSAGE, send);
    });
    this.#ignoreUdp = parts.readiness.add(this.#udp, () => this.#receive());
    try {
      this.#ignoreTcp = parts.readiness.add(this.#tcp, () => this.#accept());
    } catch (error) {
      this.#ignoreUdp();
      throw error;
    }
  }

  /** Nothing in the namespace is held any longer. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#ignoreUdp();
    this.#ignoreTcp();
    libc.close(this.#udp);
    libc.close(this.#tcp);
    this.#streams.close();
    this.namespace.close();
  }

  #receive(): void {
    for (let burst = 0; burst < BURSTS; burst++) {
      const count = batch.receive(this.#udp);
      for (let i = 0; i < count; i++) {
        const bytes = batch.received[i];
        const length = batch.length(i);
        if (!bytes || length === 0) continue;
        const answered = this.#answer(bytes, length, batch.slot, SEND_SIZE, 0);
        if (answered > 0) batch.answer(i, answered);
        else if (answered === LATER) {
          const peer = batch.peer(i);
          // query.payload is this query's until the next one is read.
          const limit = Math.min(query.payload, SEND_SIZE);
          this.#forward(Buffer.from(bytes.subarray(0, length)), limit, (answer) => {
            if (!this.#closed) sendDatagram(this.#udp, peer, answer);
          });
        }
      }
      batch.flush(this.#udp);
      if (count < BURST) return;
    }
  }

  #accept(): void {
    try {
      this.#streams.accept(this.#tcp);
    } catch (error) {
      // Out of descriptors: what waits would be reported without end.
      if (!this.#complained) this.#parts.log.warn('a resolver cannot take connections', { error: messageOf(error) });
      this.#complained = true;
      this.#ignoreTcp();
      this.#pause = setTimeout(() => {
        this.#ignoreTcp = this.#parts.readiness.add(this.#tcp, () => this.#accept());
      }, PAUSE);
    }
  }

  /**
   * Writes the answer into `out`, returns its length: 0: none is due, LATER: others are to be asked. `most` bytes fit; `limit` 0: as many as
   * the query says.
   */
  #answer(bytes: Buffer, length: number, out: Buffer, most: number, limit: number): number {
    const rcode = readQuery(bytes, length, query);
    if (rcode === undefined) return 0;
    const room = Math.min(most, limit || query.payload);
    writer.begin(out, bytes, query, room);
    if (rcode !== RCODE.ok) return writer.finish(rcode);
    const found = answerFromZone(this.role.view, query, writer);
    if (found !== undefined) return writer.finish(found);
    const servers = this.role.servers();
    if (!servers || this.#waiting >= MOST_WAITING) return writer.finish(RCODE.serverFailure);
    const cached = this.#parts.forwarder.cached(servers.scope, variantOf(bytes, query), query.key);
    if (!cached) return LATER;
    return respond(cached.response, cached.age, bytes, out, room);
  }

  /** `bytes`: a copy of what `query` was read from. `send` is called once, unless the resolver is closed. */
  #forward(bytes: Buffer, limit: number, send: (answer: Buffer) => void): void {
    const servers = this.role.servers();
    if (!servers) return;
    this.#waiting++;
    this.#parts.forwarder.ask(outward(bytes, query), servers, (response) => {
      this.#waiting--;
      if (this.#closed) return;
      // Others were read since.
      readQuery(bytes, bytes.length, query);
      writer.begin(large, bytes, query, limit);
      const length = response ? respond(response, 0, bytes, large, limit) : writer.finish(RCODE.serverFailure);
      send(large.subarray(0, length));
    });
  }
}

/** The writer has begun with this query, for the case that the response does not fit. */
function respond(response: Response, age: number, bytes: Buffer, out: Buffer, room: number): number {
  if (response.bytes.length > room) return writer.truncate();
  return copyResponse(response, out, bytes.readUInt16BE(0), bytes.subarray(HEADER_SIZE, query.questionEnd), age);
}
