/** The line on a terminal that says how much was copied, in docker's words. */

const UPDATE = 75;
// ECMA-48.
const SAVE = '\u001b[s';
const RESTORE = '\u001b[u';
const ERASE_LINE = '\u001b[2K';
const ERASE_TAIL = '\u001b[0K';
const column = (n: number): string => `\u001b[${n}G`;

export class CopyProgress {
  #bytes = 0;
  #shown = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #out: NodeJS.WriteStream;
  readonly #size: (bytes: number) => string;

  constructor(out: NodeJS.WriteStream, header: string, size: (bytes: number) => string) {
    this.#out = out;
    this.#size = size;
    if (!out.isTTY) return;
    out.write(`${SAVE}Preparing to copy...${RESTORE}${ERASE_LINE}${header}${size(0)}`);
    this.#timer = setInterval(() => {
      if (this.#bytes === this.#shown) return;
      this.#shown = this.#bytes;
      out.write(column(header.length + 1) + ERASE_TAIL + size(this.#bytes));
    }, UPDATE);
  }

  async *watch(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of archive) {
      this.#bytes += chunk.length;
      yield chunk;
    }
  }

  /** `destination` as the user named it. */
  end(destination: string): void {
    this.stop();
    this.#out.write(`Successfully copied ${this.#size(this.#bytes)} to ${destination}\n`);
  }

  /** Takes the line away. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#out.write(RESTORE + ERASE_LINE);
  }
}
