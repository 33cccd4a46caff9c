/** Go's text/template as --format needs it: text and data in, text out. Pure. */
import { TemplateError } from './error.ts';
import { execute, SHORT_CIRCUIT } from './evaluate.ts';
import { functions, headerFunctions } from './functions.ts';
import { parseTemplate, type Parsed } from './parser.ts';
import type { Value } from './values.ts';

export { TemplateError };

const NAMES: ReadonlySet<string> = new Set([...functions.keys(), ...SHORT_CIRCUIT]);
const FOR_HEADERS = new Map([...functions, ...headerFunctions]);

export class Template {
  readonly #source: string;
  readonly #parsed: Parsed;

  /** Throws TemplateError. */
  constructor(source: string) {
    this.#source = source;
    this.#parsed = parseTemplate(source, NAMES);
  }

  /** Throws TemplateError. `absent`: fields that an object may leave out, with what they are then. */
  run(data: Value, absent?: ReadonlyMap<string, Value>): string {
    return execute(this.#source, this.#parsed, data, absent === undefined ? { functions } : { functions, absent });
  }

  /** The same over the headers of a table. */
  runHeader(data: Value): string {
    return execute(this.#source, this.#parsed, data, { functions: FOR_HEADERS });
  }
}
