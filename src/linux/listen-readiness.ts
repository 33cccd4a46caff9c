/**
 * Thousands of descriptors watched through one epoll instance (epoll(7)), which is itself the only one that the event loop
 * watches: adding one costs a system call of a µs, and nothing is allocated in libuv.
 *
 *     struct epoll_event  0 u32 events   4 u64 data   = 12 on x86-64, where it is packed
 *                         0 u32 events   8 u64 data   = 16 elsewhere
 */
import { O_CLOEXEC, SysError, growDescriptorTable, libc, pollReadable } from './libc.ts';

export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x8000_0000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const [EVENT_SIZE, DATA_OFFSET] = process.arch === 'x64' ? ([12, 4] as const) : ([16, 8] as const);
const BATCH = 64;
/** Bytes of `data` that numbers fill: a descriptor's number comes again, these do not. */
const NUMBER_SIZE = 6;

/** Gets the events that there are (EPOLLIN …). Must not throw. */
export type Ready = (events: number) => void;

export class Readiness implements Disposable {
  readonly #epoll = libc.epollCreate1(O_CLOEXEC);
  readonly #callbacks = new Map<number, Ready>();
  #last = 0;
  // Slow: koffi hands their addresses out.
  readonly #event = Buffer.allocUnsafeSlow(EVENT_SIZE).fill(0);
  readonly #events = Buffer.allocUnsafeSlow(EVENT_SIZE * BATCH).fill(0);
  #poll: { close(): void } | undefined;
  #closed = false;

  /** So many descriptors in the process, these and others, will not make it wait. */
  reserve(count: number): void {
    void growDescriptorTable(this.#epoll, count);
  }

  /**
   * Calls back whenever `fd` has one of `events`, readable unless others are named, until what it returns is called; that is to
   * happen before the descriptor is closed.
   */
  add(fd: number, callback: Ready, events: number = EPOLLIN): () => void {
    const key = ++this.#last;
    this.#event.writeUInt32LE(events, 0);
    this.#event.writeUIntLE(key, DATA_OFFSET, NUMBER_SIZE);
    libc.epollCtl(this.#epoll, EPOLL_CTL_ADD, fd, this.#event);
    this.#callbacks.set(key, callback);
    this.#watch();
    return () => {
      if (!this.#callbacks.delete(key)) return;
      libc.epollCtl(this.#epoll, EPOLL_CTL_DEL, fd, null);
      // An idle process may end.
      if (this.#callbacks.size === 0) this.#unwatch();
    };
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwatch();
    this.#callbacks.clear();
    libc.close(this.#epoll);
  }

  #watch(): void {
    if (this.#poll || this.#closed || this.#callbacks.size === 0) return;
    this.#poll = pollReadable(this.#epoll, () => this.#deliver());
  }

  #unwatch(): void {
    this.#poll?.close();
    this.#poll = undefined;
  }

  #deliver(): void {
    let count;
    try {
      count = libc.epollWait(this.#epoll, this.#events, BATCH, 0);
    } catch (error) {
      if (error instanceof SysError && error.code === 'EINTR') return;
      throw error;
    }
    for (let at = 0; at < count * EVENT_SIZE; at += EVENT_SIZE) {
      // One that a callback before it removed is not called.
      this.#callbacks.get(this.#events.readUIntLE(at + DATA_OFFSET, NUMBER_SIZE))?.(this.#events.readUInt32LE(at));
    }
  }
}
