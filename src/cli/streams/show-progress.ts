/** Prints a progress stream. */
import type { Json } from '../../model/json.ts';
import { jsonLines } from './lines.ts';
import { outputOf } from './output.ts';
import { ProgressError, ProgressView } from './progress.ts';

export interface ProgressOptions {
  /** Nothing is printed, but errors are still found. */
  quiet?: boolean;
  /** Sees every line. */
  onLine?: (line: Json) => void;
}

/** Throws ProgressError when the daemon told of a failure in the stream. */
export async function showProgress(
  stream: AsyncIterable<Buffer>,
  out: NodeJS.WriteStream,
  { quiet = false, onLine }: ProgressOptions = {},
): Promise<void> {
  const view = new ProgressView({ terminal: out.isTTY, columns: out.columns ?? 0 });
  const output = outputOf(out);
  try {
    for await (const line of jsonLines(stream)) {
      onLine?.(line);
      const text = view.render(line);
      if (!quiet && text !== '') await output.write(text);
    }
  } catch (error) {
    throw error instanceof SyntaxError ? new ProgressError('the daemon sent a malformed progress line') : error;
  }
}
