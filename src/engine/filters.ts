/** The filters of `GET /containers/json` and of prune, as dockerd understands them. Pure. */
import { invalidParameter } from '../errors.ts';
import type { PortMap } from '../model/container.ts';
import type { Filters } from '../model/json.ts';
import type { SandboxView } from '../network/port.ts';
import type { ContainerRecord } from './record.ts';
import { type IdOf, idleNetworks } from './views/inspect.ts';

export interface Candidate {
  record: ContainerRecord;
  sandbox: SandboxView | undefined;
}

export interface FilterLookups {
  /** Creation time of a container (RFC 3339); throws NotFound. */
  createdOf(ref: string): string;
  /** IDs of the images that `ancestor` names. */
  ancestors: ReadonlySet<string>;
  networkId: IdOf;
}

const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

/** 'key' or 'key=value', all of them. */
export function matchesLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((text) => {
    const at = text.indexOf('=');
    const key = at < 0 ? text : text.slice(0, at);
    return Object.hasOwn(labels, key) && (at < 0 || labels[key] === text.slice(at + 1));
  });
}

/** Look-around and back references: what Go's regular expressions lack, and what can take exponential time here. */
const BACKTRACKING = /\(\?[=!<]|\\(?:[1-9]|k<)/;

/** A pattern that is none matches as the text that it is, as in dockerd. */
export function matcher(pattern: string): (text: string) => boolean {
  if (BACKTRACKING.test(pattern)) return (text) => text === pattern;
  try {
    const expression = new RegExp(pattern);
    return (text) => expression.test(text);
  } catch {
    return (text) => text === pattern;
  }
}

/** '80', '80/udp', '8000-8010'. */
function matchesPort(spec: string, ports: readonly string[]): boolean {
  const [range = '', protocol = 'tcp'] = spec.split('/');
  const [first = '', last = first] = range.split('-');
  if (!/^\d+$/.test(first) || !/^\d+$/.test(last)) throw invalidParameter(`invalid port specification: "${spec}"`);
  return ports.some((port) => {
    const [number = '', type = 'tcp'] = port.split('/');
    return type === protocol && Number(number) >= Number(first) && Number(number) <= Number(last);
  });
}

const yes = (text: string): boolean => {
  if (['true', '1', 'True', 'TRUE'].includes(text)) return true;
  if (['false', '0', 'False', 'FALSE'].includes(text)) return false;
  throw invalidParameter(`invalid filter 'is-task=[${JSON.stringify(text)}]'`);
};

/** Ports of the host: '8080/tcp'. */
const boundIn = (ports: PortMap): string[] =>
  Object.entries(ports).flatMap(([port, entries]) =>
    (entries ?? []).map(({ HostPort }) => `${HostPort}/${port.split('/')[1] ?? 'tcp'}`),
  );

type Test = (candidate: Candidate, values: readonly string[]) => boolean;

function tests(lookups: FilterLookups): Readonly<Record<string, Test>> {
  const some =
    (test: (candidate: Candidate, value: string) => boolean): Test =>
    (candidate, values) =>
      values.some((value) => test(candidate, value));
  return {
    id: some(({ record }, value) => matcher(`^${value}`)(record.id) || matcher(value)(record.id)),
    name: some(({ record }, value) => matcher(value)(`/${record.name}`) || matcher(value)(record.name)),
    label: ({ record }, values) => matchesLabels(record.config.Labels, values),
    status: some(({ record }, value) => record.state.Status === value),
    exited: some(({ record }, value) => record.state.Status === 'exited' && record.state.ExitCode === Number(value)),
    ancestor: ({ record }) => lookups.ancestors.has(record.imageId),
    before: some(({ record }, value) => record.created < lookups.createdOf(value)),
    since: some(({ record }, value) => record.created > lookups.createdOf(value)),
    network: some(({ record, sandbox }, value) =>
      Object.entries(sandbox?.Networks ?? idleNetworks(record, lookups.networkId)).some(
        ([name, { NetworkID }]) => name === value || (NetworkID !== '' && value !== '' && NetworkID.startsWith(value)),
      ),
    ),
    volume: some(({ record }, value) =>
      record.mounts.some(({ Name, Destination, Source }) => [Name ?? Source, Destination].includes(value)),
    ),
    expose: some(({ record }, value) => matchesPort(value, Object.keys(record.config.ExposedPorts ?? {}))),
    publish: some(({ sandbox }, value) => matchesPort(value, boundIn(sandbox?.Ports ?? {}))),
    health: some(({ record }, value) => (record.state.Health?.Status ?? 'none') === value),
    isolation: some((_, value) => ['', 'default'].includes(value)),
    'is-task': some((_, value) => !yes(value)),
  };
}

const invalidFilter = (name: string, value: string, why: string): Error =>
  invalidParameter(`invalid filter '${name}=${value}': ${why}`);

const HEALTHS: readonly string[] = ['none', 'starting', 'healthy', 'unhealthy'];

export function checkFilters(filters: Filters): void {
  for (const value of filters.get('status') ?? []) {
    if (!STATUSES.includes(value)) {
      throw invalidFilter('status', value, `invalid value for state (${value}): must be one of ${STATUSES.join(', ')}`);
    }
  }
  for (const value of filters.get('health') ?? []) {
    if (!HEALTHS.includes(value)) {
      throw invalidFilter('health', value, `invalid value for health (${value}): must be one of ${HEALTHS.join(', ')}`);
    }
  }
  for (const value of filters.get('exited') ?? []) {
    if (!/^-?\d+$/.test(value)) {
      throw invalidFilter('exited', value, `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
    }
  }
}

export function applyFilters<T extends Candidate>(
  candidates: readonly T[],
  filters: Filters,
  lookups: FilterLookups,
): T[] {
  const table = tests(lookups);
  return candidates.filter((candidate) =>
    [...filters].every(([name, values]) => values.length === 0 || (table[name]?.(candidate, values) ?? true)),
  );
}

/** Filters that look at stopped containers, too. */
export const showsStopped = (filters: Filters): boolean => filters.has('status') || filters.has('exited');
