/** Prints a list as the flags --format, --quiet say. */
import type { Context, Values } from '../command.ts';
import { outputOf } from '../streams/output.ts';
import { type Listing, render } from './listing.ts';

export async function printList<Row>(
  { stdout, stderr }: Context,
  values: Values,
  listing: Listing<Row>,
  rows: readonly Row[],
): Promise<number> {
  let format = values.string('format');
  if (values.bool('quiet')) {
    if (format !== '' && format !== 'table' && format !== 'raw') {
      await outputOf(stderr).write('WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
    }
    format = '{{.ID}}';
  }
  await outputOf(stdout).write(await render(listing, rows, format));
  return 0;
}

/** Whether a template asks for a field, so that the daemon need not work out what nobody sees. */
export const asksFor = (format: string, field: string): boolean => format.includes(`.${field}`);
