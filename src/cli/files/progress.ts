/** The line on a terminal that says how much was copied, in docker's words. */

const UPDATE = 75;
// ECMA-48 and DEC private modes.
const SAVE = '\u001b[s';
const RESTORE = '\u001b[u';
const ERASE_LINE = '\u001b[2K';
const ERASE_TAIL = '\u001b[0K';
const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
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
    out.write(`${SAVE}Preparing to copy...${HIDE}${RESTORE}${ERASE_LINE}${header}${size(0)}`);
    this.#timer = setInterval(() => {
      if (this.#bytes === this.#shown) return;
      this.#shown = this.#bytes;
      out.write(column(header.length + 1) + ERASE_TAIL + size(this.#bytes));
    }, UPDATE);
  }

  get bytes(): number {
    return this.#bytes;
  }

  async *watch(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of archive) {
      this.#bytes += chunk.length;
      yield chunk;
    }
  }

  /** `destination` as the user named it. */
  end(destination: string): void {
    clearInterval(this.#timer);
    if (this.#timer !== undefined) this.#out.write(SHOW + RESTORE + ERASE_LINE);
    this.#out.write(`Successfully copied ${this.#size(this.#bytes)} to ${destination}\n`);
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#timer !== undefined) this.#out.write(SHOW + RESTORE + ERASE_LINE);
  }
}
