/**
 * One TCP connection and its continuation to the container. The bytes stay in the kernel; what the reader does not take
 * waits in the sender. The end of one direction leaves the other open; a reset of one side resets the other.
 */
import { EPOLLERR, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '../linux/listen-readiness.ts';
import type { Readiness } from '../linux/listen-readiness.ts';
import { PIPE_SIZE, connectStream, resetStream, splice, tuneStream } from '../linux/listen-stream.ts';
import type { Pipe, PipePool } from '../linux/listen-stream.ts';
import { SHUT_WR, SysError, libc } from '../linux/libc.ts';

/** How many pipes full one direction moves before others have their turn. */
const ROUNDS = 8;
/** Reported once for each change, so both sides are asked until they would have to wait. */
const EVENTS = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;

const EPIPE = 32;

interface Direction {
  from: number;
  to: number;
  /** Only while bytes are under way. */
  pipe: Pipe | undefined;
  /** Bytes in the pipe. */
  waiting: number;
  /** `from` has ended. */
  ended: boolean;
  /** And `to` was told. */
  done: boolean;
}

const direction = (from: number, to: number): Direction => ({
  from,
  to,
  pipe: undefined,
  waiting: 0,
  ended: false,
  done: false,
});

/**
 * How many connections of all ports there are, and may be. Each takes two descriptors, and names and held ports need some, too: nobody
 * outside shall be able to take them away.
 */
export interface StreamLimit {
  open: number;
  most: number;
}

export interface RelayParts {
  readiness: Readiness;
  pipes: PipePool;
  streams: StreamLimit;
}

export class StreamRelay {
  readonly #pipes: PipePool;
  readonly #client: number;
  readonly #container: number;
  readonly #directions: readonly [Direction, Direction];
  readonly #watched: (() => void)[] = [];
  readonly #closed: () => void;
  /** The container has answered. */
  #connected = false;
  #open = true;
  #again: NodeJS.Immediate | undefined;

  /** Owns `client` from now on, also when it throws (EMFILE, ENETUNREACH …): then it was reset. */
  constructor(
    client: number,
    target: { address: string; port: number },
    { readiness, pipes, streams }: RelayParts,
    closed: () => void,
  ) {
    this.#client = client;
    this.#closed = () => {
      streams.open--;
      closed();
    };
    this.#pipes = pipes;
    try {
      this.#container = connectStream(target.address, target.port);
    } catch (error) {
      resetStream(client);
      throw error;
    }
    this.#directions = [direction(client, this.#container), direction(this.#container, client)];
    try {
      tuneStream(client);
      tuneStream(this.#container);
      this.#watched.push(readiness.add(client, (events) => this.#ready(events), EVENTS));
      const answered = (events: number): void => {
        this.#connected ||= (events & (EPOLLOUT | EPOLLERR)) === EPOLLOUT;
        this.#ready(events);
      };
      this.#watched.push(readiness.add(this.#container, answered, EVENTS));
    } catch (error) {
      this.#release();
      resetStream(this.#container);
      resetStream(client);
      throw error;
    }
    streams.open++;
  }

  /** Ends it now: both sides see a reset. */
  reset(): void {
    if (!this.#open) return;
    this.#release();
    resetStream(this.#client);
    resetStream(this.#container);
    this.#closed();
  }

  #ready(events: number): void {
    if (!this.#open) return;
    try {
      // What came before a reset is passed on. Before the container has answered nothing can be: reading from it is ENOTCONN.
      if (this.#connected) this.#pump();
      if (this.#open && events & EPOLLERR) this.reset();
    } catch (error) {
      // ECONNRESET, EPIPE, ETIMEDOUT of one side; EMFILE: the connection is lost, this process is not.
      if (!(error instanceof SysError)) throw error;
      this.reset();
    }
  }

  #pump(): void {
    const [there, back] = this.#directions;
    const more = [move(there, this.#pipes), move(back, this.#pipes)].includes(true);
    if (there.done && back.done) this.#finish();
    // Nothing will be reported for what is there already.
    else if (more)
      this.#again ??= setImmediate(() => {
        this.#again = undefined;
        this.#ready(0);
      });
  }

  #finish(): void {
    this.#release();
    libc.close(this.#client);
    libc.close(this.#container);
    this.#closed();
  }

  #release(): void {
    this.#open = false;
    clearImmediate(this.#again);
    for (const unwatch of this.#watched) unwatch();
    for (const one of this.#directions) dropPipe(one, this.#pipes);
  }
}

/** Moves what can be moved; true when there may be more at once. */
function move(one: Direction, pipes: PipePool): boolean {
  for (let round = 0; round < ROUNDS; round++) {
    while (one.waiting > 0 && one.pipe) {
      const written = splice(one.pipe.reading, one.to, one.waiting);
      if (written === undefined) return false;
      if (written === 0) throw new SysError('splice', EPIPE);
      one.waiting -= written;
    }
    if (one.ended) {
      if (!one.done) libc.shutdown(one.to, SHUT_WR);
      one.done = true;
      dropPipe(one, pipes);
      return false;
    }
    one.pipe ??= pipes.take();
    const read = splice(one.from, one.pipe.writing, PIPE_SIZE);
    if (read === undefined) {
      dropPipe(one, pipes);
      return false;
    }
    one.ended = read === 0;
    one.waiting = read;
  }
  return true;
}

function dropPipe(one: Direction, pipes: PipePool): void {
  if (one.pipe) pipes.give(one.pipe, { empty: one.waiting === 0 });
  one.pipe = undefined;
}
