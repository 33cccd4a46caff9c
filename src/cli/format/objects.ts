/** `inspect`: several objects, one after another, past those that are not there. */
import type { ApiClient } from '../client.ts';
import type { Context } from '../command.ts';
import { daemonText } from '../run/report.ts';
import { outputOf } from '../streams/output.ts';
import { Template, TemplateError } from '../template/template.ts';
import { isMap, type Value } from '../template/values.ts';
import { indentJson, parseValue } from './json.ts';

/** Left out by the daemon when they are not set; Go's zero values then. */
const ABSENT: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['Health', null],
  ['Healthcheck', null],
  ['SizeRootFs', null],
  ['SizeRw', null],
]);

/** Of the default bridge's endpoint; the API has dropped them, the scripts of the world have not. */
const ENDPOINT_FIELDS = ['Gateway', 'IPAddress', 'IPPrefixLen', 'MacAddress', 'IPv6Gateway', 'GlobalIPv6Address'];

type Fields = Record<string, Value>;
const isFields = (value: Value): value is Fields => typeof value === 'object' && value !== null && !isMap(value);

function withDefaultEndpoint(object: Value): Value {
  const settings = isFields(object) ? object['NetworkSettings'] : undefined;
  if (!isFields(object) || !isFields(settings)) return object;
  const networks = settings['Networks'];
  const bridge = isMap(networks ?? null) ? (networks as ReadonlyMap<string, Value>).get('bridge') : undefined;
  const named = ENDPOINT_FIELDS.map((name) => [
    name,
    isFields(bridge) ? bridge[name] : name === 'IPPrefixLen' ? 0 : '',
  ]);
  return { ...object, NetworkSettings: { ...(Object.fromEntries(named) as Fields), ...settings } };
}

/** The daemon's own text of an object, so that what is shown is what was said. */
export async function readText(client: ApiClient, path: string, query = {}): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of (await client.stream('GET', path, { query })) as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString().trim();
}

function run(template: Template, value: Value): string {
  try {
    return template.run(value, ABSENT);
  } catch (error) {
    if (error instanceof TemplateError) throw new Error(`template parsing error: ${error.message}`, { cause: error });
    throw error;
  }
}

export const formatObject = (template: Template, text: string): string =>
  run(template, withDefaultEndpoint(parseValue(text)));

/** One template over a whole answer. */
export const formatStruct = (format: string, whole: Value): string => run(parseObjectFormat(format), whole);

export function parseObjectFormat(format: string): Template {
  try {
    return new Template(format);
  } catch (error) {
    if (error instanceof TemplateError) throw new Error(`template parsing error: ${error.message}`, { cause: error });
    throw error;
  }
}

/** `read` resolves with the JSON of the object of that name. */
export async function inspectAll(
  { stdout, stderr }: Context,
  names: readonly string[],
  format: string,
  read: (name: string) => Promise<string>,
): Promise<number> {
  const template = format === '' || format === 'json' ? undefined : parseObjectFormat(format);
  const texts: string[] = [];
  const errors: string[] = [];
  for (const name of names) {
    try {
      const text = await read(name);
      texts.push(template === undefined ? text : formatObject(template, text));
    } catch (error) {
      errors.push(daemonText(error));
    }
  }
  const output = outputOf(stdout);
  if (template !== undefined) await output.write(texts.map((text) => `${text}\n`).join(''));
  else if (format === 'json') await output.write(`[${texts.join(',')}]\n`);
  else await output.write(`${indentJson(`[${texts.join(',')}]`)}\n`);
  for (const error of errors) await outputOf(stderr).write(`${error}\n`);
  return errors.length === 0 ? 0 : 1;
}
