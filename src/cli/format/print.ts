/** Prints a list as the flags --format and --quiet say. */
import type { Context, Values } from '../command.ts';
import { outputOf } from '../streams/output.ts';
import { type Listing, printer } from './listing.ts';

export async function printList<Row>(
  { stdout, stderr }: Context,
  values: Values,
  listing: Listing<Row>,
  read: () => Promise<readonly Row[]>,
): Promise<number> {
  let format = values.string('format');
  if (values.bool('quiet')) {
    if (format !== '' && format !== 'table' && format !== 'raw') {
      await outputOf(stderr).write('WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
    }
    format = '{{.ID}}';
  }
  const print = await printer(listing, format);
  await outputOf(stdout).write(print(await read()));
  return 0;
}

/** Whether a template asks for a field, so that the daemon need not work out what nobody sees. */
export const asksFor = (format: string, field: string): boolean => format.includes(`.${field}`);
