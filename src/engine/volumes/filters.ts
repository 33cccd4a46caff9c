/** The filters of `GET /volumes` and of its prune, as dockerd understands them. Pure. */
import { invalidParameter } from '../../errors.ts';
import type { Filters } from '../../model/json.ts';
import { matchesLabels, matcher } from '../filters.ts';
import { ANONYMOUS, LOCAL, type VolumeRecord } from './record.ts';

export interface VolumeCandidate {
  record: VolumeRecord;
  inUse: boolean;
}

const bad = (name: string, values: readonly string[]): Error =>
  invalidParameter(`invalid filter '${name}=[${values.join(' ')}]'`);

/** Undefined when the filter is not there. Neither value and both are refused. */
function yesOrNo(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined) return undefined;
  const yes = values.some((value) => ['1', 'true'].includes(value));
  const no = values.some((value) => ['0', 'false'].includes(value));
  if (yes === no) throw bad(name, values);
  return yes;
}

type Test = (candidate: VolumeCandidate) => boolean;

function labels(filters: Filters): Test {
  const wanted = filters.get('label') ?? [];
  const unwanted = filters.get('label!') ?? [];
  return ({ record }) =>
    matchesLabels(record.labels, wanted) && (unwanted.length === 0 || !matchesLabels(record.labels, unwanted));
}

export function listTest(filters: Filters): Test {
  const drivers = filters.get('driver') ?? [];
  const names = (filters.get('name') ?? []).map(matcher);
  const dangling = yesOrNo(filters, 'dangling');
  const labelled = labels(filters);
  return (candidate) =>
    (drivers.length === 0 || drivers.includes(LOCAL)) &&
    (names.length === 0 || names.some((matches) => matches(candidate.record.name))) &&
    (dangling === undefined || dangling === !candidate.inUse) &&
    labelled(candidate);
}

/** Go's strconv.ParseBool. */
function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}

/** What is mounted by options is not this host's space to reclaim. */
export function pruneTest(filters: Filters): Test {
  const values = filters.get('all') ?? [];
  const all = values.length === 0 ? false : values.length === 1 ? parseBool(values[0] ?? '') : undefined;
  if (all === undefined) throw bad('all', values);
  const labelled = labels(filters);
  return (candidate) =>
    !candidate.inUse &&
    Object.keys(candidate.record.options).length === 0 &&
    (all || Object.hasOwn(candidate.record.labels, ANONYMOUS)) &&
    labelled(candidate);
}
