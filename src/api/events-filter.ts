/** Which events a client asked for: filters of different names all apply, values of one name are alternatives. */
import type { EngineEvent } from '../model/events.ts';
import type { Filters } from '../model/json.ts';

type Test = (event: EngineEvent, value: string) => boolean;

/** Events about what hangs on a container (its exec, a network's connect) name it in their attributes. */
const named =
  (type: EngineEvent['Type']): Test =>
  (event, value) => {
    const { ID, Attributes } = event.Actor;
    if (event.Type === type)
      return ID === value || Attributes['name'] === value || (value !== '' && ID.startsWith(value));
    return Attributes[type] === value;
  };

const withoutTag = (name: string): string => name.replace(/@.*$/, '').replace(/:[^/:]*$/, '');

const TESTS: Readonly<Record<string, Test>> = {
  type: (event, value) => event.Type === value,
  // 'exec_create' also asks for 'exec_create: sh -c …'.
  event: (event, value) => event.Action === value || event.Action.startsWith(`${value}:`),
  scope: (event, value) => event.scope === value,
  container: named('container'),
  network: named('network'),
  volume: named('volume'),
  daemon: named('daemon'),
  image(event, value) {
    const { ID, Attributes } = event.Actor;
    const name = Attributes[event.Type === 'image' ? 'name' : 'image'] ?? '';
    return (event.Type === 'image' && ID === value) || name === value || (name !== '' && withoutTag(name) === value);
  },
  label(event, value) {
    const mark = value.indexOf('=');
    if (mark < 0) return Object.hasOwn(event.Actor.Attributes, value);
    return event.Actor.Attributes[value.slice(0, mark)] === value.slice(mark + 1);
  },
};

/** Names that mean nothing here are passed over, as dockerd does. */
export function eventMatcher(filters: Filters): (event: EngineEvent) => boolean {
  const tests = [...filters].flatMap(([name, values]) => {
    const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
    return test === undefined || values.length === 0 ? [] : [{ test, values }];
  });
  return (event) => tests.every(({ test, values }) => values.some((value) => test(event, value)));
}
