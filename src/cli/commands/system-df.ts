import type { Command } from '../command.ts';
import { formatListFlag } from '../format/flags.ts';
import { printer, rowStruct } from '../format/listing.ts';
import { formatStruct } from '../format/objects.ts';
import { type DiskUsage, type Section, usageListing, usageRows, usageSections } from '../lists/disk-usage.ts';
import { outputOf } from '../streams/output.ts';
import { Struct } from '../template/values.ts';

const table = async <Row>({ heading, listing, rows }: Section<Row>): Promise<string> =>
  `${heading}\n\n${(await printer(listing, 'table'))(rows)}`;

const field =
  <Row>({ listing, rows }: Section<Row>): (() => Struct[]) =>
  () =>
    rows.map((row) => rowStruct(listing, row));

/** Everything at once: four tables, or one template over all. */
async function detailed(usage: DiskUsage, format: string): Promise<string> {
  const asTable = format === '' || format === 'table';
  const { images, containers, volumes, buildCache } = usageSections(usage, asTable, Date.now());
  if (asTable) {
    const tables = [await table(images), await table(containers), await table(volumes), await table(buildCache)];
    return tables.join('\n');
  }
  const whole = new Struct('*formatter.diskUsageContext', {
    Images: field(images),
    Containers: field(containers),
    Volumes: field(volumes),
    BuildCache: field(buildCache),
  });
  return formatStruct(format === 'json' ? '{{json .}}' : format, whole);
}

export const command: Command = {
  path: 'system df',
  usage: '[OPTIONS]',
  summary: 'Show disk usage',
  flags: [
    formatListFlag,
    { name: 'verbose', short: 'v', type: 'bool', help: 'Show detailed information on space usage' },
  ],
  args: { min: 0, max: 0 },
  async run({ client, stdout }, values) {
    const format = values.string('format');
    const verbose = values.bool('verbose');
    // A wrong format is refused before the disk is read.
    const print = verbose ? undefined : await printer(usageListing, format);
    const usage = await client.json<DiskUsage>('GET', '/system/df', { query: { verbose } });
    await outputOf(stdout).write(print === undefined ? await detailed(usage, format) : print(usageRows(usage)));
    return 0;
  },
};
