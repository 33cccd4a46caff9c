/** What the prune commands share: asking, the API's answers, and how they are told. */
import type { ApiClient } from './client.ts';
import type { Context, Flag, Values } from './command.ts';
import { confirm } from './confirm.ts';
import { encodeFilters, filterFlag } from './filters.ts';
import { humanSize } from './format/units.ts';
import { outputOf } from './streams/output.ts';

export const pruneFlags = (example = 'until=<timestamp>'): readonly Flag[] => [
  filterFlag(`Provide filter values (e.g. "${example}")`),
  { name: 'force', short: 'f', type: 'bool', help: 'Do not prompt for confirmation' },
];

export interface Pruned {
  /** Lines of what is gone under their heading, and an empty one; '' when nothing is. */
  text: string;
  /** Bytes. */
  reclaimed: number;
}

/** As the API's paths name them. */
export type Prunable = 'containers' | 'images' | 'networks' | 'volumes' | 'build';

interface Answer {
  ContainersDeleted?: string[] | null;
  NetworksDeleted?: string[] | null;
  VolumesDeleted?: string[] | null;
  ImagesDeleted?: { Untagged?: string; Deleted?: string }[] | null;
  CachesDeleted?: string[] | null;
  SpaceReclaimed?: number;
}

const GONE: Readonly<Record<Prunable, [heading: string, lines: (answer: Answer) => readonly string[]]>> = {
  containers: ['Deleted Containers', ({ ContainersDeleted }) => ContainersDeleted ?? []],
  networks: ['Deleted Networks', ({ NetworksDeleted }) => NetworksDeleted ?? []],
  volumes: ['Deleted Volumes', ({ VolumesDeleted }) => VolumesDeleted ?? []],
  images: [
    'Deleted Images',
    ({ ImagesDeleted }) =>
      (ImagesDeleted ?? []).map(({ Untagged, Deleted = '' }) =>
        Untagged === undefined ? `deleted: ${Deleted}` : `untagged: ${Untagged}`,
      ),
  ],
  build: ['Deleted build cache objects', ({ CachesDeleted }) => CachesDeleted ?? []],
};

/** `all`: of the build cache, which says so apart from the filters. */
export async function pruneAll(
  client: ApiClient,
  kind: Prunable,
  filters: readonly string[],
  all = false,
): Promise<Pruned> {
  const encoded = encodeFilters(filters);
  const query = kind === 'build' ? { all: all ? 1 : undefined, filters: encoded ?? '' } : { filters: encoded };
  const answer = await client.json<Answer>('POST', `/${kind}/prune`, { query });
  const [heading, linesOf] = GONE[kind];
  const lines = linesOf(answer);
  const text = lines.length === 0 ? '' : `${heading}:\n${lines.map((line) => `${line}\n`).join('')}\n`;
  // Networks take no space that could be told.
  return { text, reclaimed: kind === 'networks' ? 0 : (answer.SpaceReclaimed ?? 0) };
}

/** True with --force, or when the user agrees. */
export const agreed = async (context: Context, values: Values, warning: string): Promise<boolean> =>
  values.bool('force') || confirm(context, warning);

export const totalText = (bytes: number): string => `Total reclaimed space: ${humanSize(bytes, 4)}\n`;

/** A whole prune command. */
export async function pruneCommand(
  context: Context,
  values: Values,
  kind: Exclude<Prunable, 'build'>,
  warning: string,
  filters: readonly string[] = [],
): Promise<number> {
  if (!(await agreed(context, values, warning))) return 0;
  const { text, reclaimed } = await pruneAll(context.client, kind, [...values.list('filter'), ...filters]);
  await outputOf(context.stdout).write(kind === 'networks' ? text : text + totalText(reclaimed));
  return 0;
}
