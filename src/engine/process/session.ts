/** An attached client: conmon's socket on one side, the consumer of the API's stream on the other. */
import type { OutputFrame, Session } from '../port.ts';
import { connectSeqpacket, type SeqpacketSocket } from '../../linux/seqpacket.ts';
import { DetachScanner } from '../detach-keys.ts';

/** conmon reads its pipes by 8 kB and sends each read as one packet, with a byte for the stream before it. */
const LARGEST_PACKET = 8192 + 1;
/** conmon reads packets of at most 32 kB (2.1) or 8 kB (2.0) from us and cuts what is longer. */
const LARGEST_INPUT = 8192;
const STDERR = 3;

export interface SessionOptions {
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Frames sent before everything else. */
  before?: AsyncIterable<OutputFrame>;
  /** undefined: no sequence detaches. */
  detachKeys: Uint8Array | undefined;
  /** The output ends only when this is settled: what is asked after the end (an exit code) is then known. */
  settled?: Promise<void>;
  onDetach?: () => void;
  onClose?: () => void;
}

/** Made before there is a process to speak with: input waits, output is silent until connect() or abandon(). */
export class AttachSession implements Session {
  readonly tty: boolean;
  readonly #options: SessionOptions;
  readonly #scanner: DetachScanner | undefined;
  readonly #connected: Promise<SeqpacketSocket | undefined>;
  #resolve: (socket: SeqpacketSocket | undefined) => void = () => undefined;
  #socket: SeqpacketSocket | undefined;
  #closed = false;

  constructor(options: SessionOptions) {
    this.tty = options.tty;
    this.#options = options;
    this.#scanner = options.detachKeys === undefined ? undefined : new DetachScanner(options.detachKeys);
    this.#connected = new Promise((resolve) => (this.#resolve = resolve));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Throws SysError when nobody listens at `path`. */
  connect(path: string): void {
    if (this.#closed) return;
    this.#socket = connectSeqpacket(path, LARGEST_PACKET);
    this.#resolve(this.#socket);
  }

  /** Nothing comes after what is sent before everything else. */
  finish(): void {
    this.#resolve(undefined);
  }

  /** There will be no process: the output ends. */
  abandon(): void {
    this.close();
  }

  get output(): AsyncIterable<OutputFrame> {
    return this.#frames();
  }

  async *#frames(): AsyncGenerator<OutputFrame> {
    try {
      if (this.#options.before !== undefined) yield* this.#options.before;
      const socket = await this.#connected;
      for (;;) {
        const packet = await socket?.read();
        if (packet === undefined) {
          if (!this.#closed) await this.#options.settled;
          return;
        }
        const stream = packet[0] === STDERR ? 2 : 1;
        if (packet.length > 1 && (stream === 1 ? this.#options.stdout : this.#options.stderr)) {
          yield { stream, data: packet.subarray(1) };
        }
      }
    } finally {
      this.close();
    }
  }

  async write(data: Buffer): Promise<void> {
    if (!this.#options.stdin || this.#closed) return;
    let pass: Uint8Array = data;
    let detached = false;
    if (this.#scanner !== undefined) ({ pass, detached } = this.#scanner.scan(data));
    const socket = await this.#connected;
    for (let offset = 0; socket !== undefined && offset < pass.length; offset += LARGEST_INPUT) {
      if (!(await socket.write(Buffer.from(pass.subarray(offset, offset + LARGEST_INPUT))))) break;
    }
    if (!detached) return;
    this.#options.onDetach?.();
    this.close();
  }

  end(): void {
    if (!this.#options.stdin) return;
    void this.#connected.then((socket) => socket?.end());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resolve(undefined);
    this.#socket?.close();
    this.#options.onClose?.();
  }
}
