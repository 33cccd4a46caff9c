/**
 * Thousands of descriptors watched through one epoll instance (epoll(7)), which is itself the only one that the event loop
 * watches: adding one costs a system call of a µs, and nothing is allocated in libuv.
 *
 *     struct epoll_event  0 u32 events   4 u64 data   = 12 on x86-64, where it is packed
 *                         0 u32 events   8 u64 data   = 16 elsewhere
 */
import { O_CLOEXEC, SysError, growDescriptorTable, libc, pollReadable } from './libc.ts';

const EPOLLIN = 1;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const [EVENT_SIZE, DATA_OFFSET] = process.arch === 'x64' ? ([12, 4] as const) : ([16, 8] as const);
const BATCH = 64;

export class Readiness implements Disposable {
  readonly #epoll = libc.epollCreate1(O_CLOEXEC);
  readonly #callbacks = new Map<number, () => void>();
  // Slow: koffi hands their addresses out.
  readonly #event = Buffer.allocUnsafeSlow(EVENT_SIZE).fill(0);
  readonly #events = Buffer.allocUnsafeSlow(EVENT_SIZE * BATCH).fill(0);
  #poll: { close(): void } | undefined;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  /** So many descriptors in the process, these and others, will not make it wait. */
  reserve(count: number): void {
    void growDescriptorTable(this.#epoll, count);
  }

  /** Calls back whenever `fd` is readable, until remove(). The callback must not throw. */
  add(fd: number, callback: () => void): void {
    this.#event.writeUInt32LE(EPOLLIN, 0);
    this.#event.writeUInt32LE(fd, DATA_OFFSET);
    libc.epollCtl(this.#epoll, EPOLL_CTL_ADD, fd, this.#event);
    this.#callbacks.set(fd, callback);
    this.#watch();
  }

  /** Before the descriptor is closed. */
  remove(fd: number): void {
    if (!this.#callbacks.delete(fd)) return;
    libc.epollCtl(this.#epoll, EPOLL_CTL_DEL, fd, null);
    // An idle process may end.
    if (this.#callbacks.size === 0) this.#unwatch();
  }

  /** Nobody is called for so long: what is readable cannot be served, and would be reported without end. */
  pause(milliseconds: number): void {
    if (this.#pause || this.#closed) return;
    this.#unwatch();
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#watch();
    }, milliseconds);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#unwatch();
    this.#callbacks.clear();
    libc.close(this.#epoll);
  }

  #watch(): void {
    if (this.#poll || this.#pause || this.#closed || this.#callbacks.size === 0) return;
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
    const ready = Array.from({ length: count }, (_, i) => this.#events.readUInt32LE(i * EVENT_SIZE + DATA_OFFSET));
    // One that a callback before it removed is not called.
    for (const fd of ready) if (!this.#pause) this.#callbacks.get(fd)?.();
  }
}
