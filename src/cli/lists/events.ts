/** One event of the daemon → the line that `events` prints. Pure. */
import { parseValue } from '../format/json.ts';
import { rfc3339 } from '../format/units.ts';
import { Template } from '../template/template.ts';
import { Struct, type Value } from '../template/values.ts';

interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: ReadonlyMap<string, string> };
  scope: string;
  time: number;
  timeNano: number | bigint;
}

const BILLION = 1_000_000_000n;

function lineOf({ Type, Action, Actor, timeNano }: Event): string {
  const nano = BigInt(timeNano);
  const attributes = [...Actor.Attributes].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const shown = attributes.length === 0 ? '' : ` (${attributes.map(([name, value]) => `${name}=${value}`).join(', ')})`;
  return `${rfc3339(Number(nano / BILLION), nano % BILLION)} ${Type} ${Action} ${Actor.ID}${shown}`;
}

/** Names as a template of docker's knows them; the API's are lower case in part. */
const structOf = ({ Type, Action, Actor, scope, time, timeNano }: Event, json: string): Struct => {
  const fields: Record<string, () => Value> = {
    Type: () => Type,
    Action: () => Action,
    Actor: () => Actor,
    Scope: () => scope,
    Time: () => time,
    TimeNano: () => timeNano,
    Status: () => Action,
    ID: () => Actor.ID,
    From: () => Actor.Attributes.get('image') ?? '',
  };
  return new Struct('*events.Message', fields, {}, json);
};

const NOTHING: Event = {
  Type: '',
  Action: '',
  Actor: { ID: '', Attributes: new Map() },
  scope: '',
  time: 0,
  timeNano: 0,
};

/** `format` as typed: '', 'json' or a template. Throws TemplateError when it is none, or none for events. */
export function eventPrinter(format: string): (line: string) => string {
  if (format === '') return (line) => lineOf(parseValue(line) as object as Event);
  if (format === 'json') return (line) => line.trim();
  const template = new Template(format);
  template.run(structOf(NOTHING, '{}'));
  return (line) => template.run(structOf(parseValue(line) as object as Event, line.trim()));
}
