/** Cuts a stream of JSON objects, one a line, into objects. Pure. */
import type { Json } from '../../model/json.ts';

/** Longest line that is taken: a progress line has some hundred bytes, an event's attributes are the labels. */
const LIMIT = 16 * 1024 * 1024;

export class JsonLines {
  #rest: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): Json[] {
    const out: Json[] = [];
    let at = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, at)) {
      this.#rest.push(chunk.subarray(at, end));
      out.push(...this.#flush());
      at = end + 1;
    }
    if (at < chunk.length) {
      this.#rest.push(chunk.subarray(at));
      this.#size += chunk.length - at;
      if (this.#size > LIMIT) throw new Error('the daemon sent a line that is too long');
    }
    return out;
  }

  /** The last line may have no end. */
  end(): Json[] {
    return this.#flush();
  }

  #flush(): Json[] {
    const text = Buffer.concat(this.#rest).toString().trim();
    this.#rest = [];
    this.#size = 0;
    if (text === '') return [];
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) throw new Error('the daemon sent a line that is no object');
    return [value as Json];
  }
}

export async function* jsonLines(stream: AsyncIterable<Buffer>): AsyncGenerator<Json> {
  const lines = new JsonLines();
  for await (const chunk of stream) yield* lines.push(chunk);
  yield* lines.end();
}
