/** stdout and stderr as the commands write to them: at the reader's pace, and quiet when the reader is gone. */

/** Nobody reads our output any more (`berth logs x | head`). */
export class BrokenPipe extends Error {}

export class Output {
  readonly stream: NodeJS.WriteStream;
  #error: NodeJS.ErrnoException | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
    // Without a listener the error would end the process with a stack trace.
    stream.on('error', (error) => (this.#error ??= error));
  }

  #check(): void {
    const error = this.#error;
    if (error === undefined) return;
    throw error.code === 'EPIPE' ? new BrokenPipe('broken pipe') : error;
  }

  /** Resolves when the bytes were handed to the kernel, or to a queue that is not full. */
  async write(data: Buffer | string): Promise<void> {
    this.#check();
    if (!this.stream.write(data)) await this.flush();
    this.#check();
  }

  /** Resolves when everything written so far has left. */
  async flush(): Promise<void> {
    if (this.stream.writableLength > 0 && this.#error === undefined) {
      await new Promise<void>((resolve) => this.stream.write('', () => resolve()));
    }
    this.#check();
  }
}

const outputs = new WeakMap<NodeJS.WriteStream, Output>();

/** One for each stream, so that listeners do not add up. */
export function outputOf(stream: NodeJS.WriteStream): Output {
  let output = outputs.get(stream);
  if (output === undefined) outputs.set(stream, (output = new Output(stream)));
  return output;
}
