/** Runs a parsed template over a value, with the errors of Go's text/template. Pure. */
import { TemplateError } from './error.ts';
import { fieldOf, typeProblem } from './fields.ts';
import type { TemplateFunction } from './functions.ts';
import { type Branch, type Cmd, type Node, nodeText, type Operand, type Pipe } from './nodes.ts';
import type { Parsed } from './parser.ts';
import {
  constantText,
  isList,
  isTrue,
  kindOf,
  pairsOf,
  plainText,
  resultText,
  Struct,
  typeOf,
  type Value,
} from './values.ts';

export interface Options {
  functions: ReadonlyMap<string, TemplateFunction>;
  /** Fields that an object may leave out, with what they are then. */
  absent?: ReadonlyMap<string, Value>;
}

/** Templates that call templates. */
const DEEPEST = 200;
/** Bytes of output, and turns of loops: a template must end. */
const LONGEST = 64 * 1024 * 1024;
const TURNS = 10_000_000;

/** `and` and `or` stop at the first argument that decides. */
export const SHORT_CIRCUIT: ReadonlySet<string> = new Set(['and', 'or', 'call']);

type Leave = 'break' | 'continue' | undefined;

interface Scope {
  dot: Value;
  variables: { name: string; value: Value }[];
}

export function execute(source: string, parsed: Parsed, data: Value, options: Options): string {
  const run = new Run(source, parsed, options);
  run.list(parsed.body, { dot: data, variables: [{ name: '$', value: data }] });
  return run.output;
}

class Run {
  output = '';
  readonly #source: string;
  readonly #parsed: Parsed;
  readonly #options: Options;
  #name = '';
  #depth = 0;
  #turns = 0;

  constructor(source: string, parsed: Parsed, options: Options) {
    this.#source = source;
    this.#parsed = parsed;
    this.#options = options;
  }

  #fail(node: { pos: number }, context: string, text: string): never {
    const before = this.#source.slice(0, node.pos);
    const newline = before.lastIndexOf('\n');
    const column = new TextEncoder().encode(before.slice(newline + 1)).length;
    const line = before.split('\n').length;
    throw new TemplateError(`template: :${line}:${column}: executing "${this.#name}" at <${context}>: ${text}`);
  }

  #failAt(node: Operand | Cmd, text: string): never {
    return this.#fail(node, nodeText(node), text);
  }

  #write(text: string): void {
    if (this.output.length + text.length > LONGEST) throw new TemplateError('template: output is too long');
    this.output += text;
  }

  list(nodes: readonly Node[], scope: Scope): Leave {
    for (const node of nodes) {
      const leave = this.#node(node, scope);
      if (leave !== undefined) return leave;
    }
    return undefined;
  }

  #node(node: Node, scope: Scope): Leave {
    switch (node.type) {
      case 'text':
        this.#write(node.text);
        return undefined;
      case 'action': {
        const value = this.#pipe(node.pipe, scope);
        if (node.pipe.variables.length === 0) this.#write(resultText(value));
        return undefined;
      }
      case 'break':
      case 'continue':
        return node.type;
      case 'template':
        this.#template(node, scope);
        return undefined;
      default:
        return this.#branch(node, scope);
    }
  }

  #template({ name, pipe, pos }: Node & { type: 'template' }, scope: Scope): void {
    const body = this.#parsed.templates.get(name);
    const shown = `{{template ${constantText(name)}${pipe === undefined ? '' : ` ${nodeText(pipe)}`}}}`;
    if (body === undefined)
      this.#fail({ pos: pos + 'template '.length }, shown, `template ${constantText(name)} not defined`);
    if (this.#depth >= DEEPEST) this.#fail({ pos }, shown, `exceeded maximum template depth (${DEEPEST})`);
    const dot = pipe === undefined ? undefined : this.#pipe(pipe, scope);
    const outer = this.#name;
    this.#depth += 1;
    this.#name = name;
    this.list(body, { dot, variables: [{ name: '$', value: dot }] });
    this.#name = outer;
    this.#depth -= 1;
  }

  #branch(node: Branch, outer: Scope): Leave {
    const scope: Scope = { dot: outer.dot, variables: [...outer.variables] };
    if (node.type === 'range') return this.#range(node, scope);
    const value = this.#pipe(node.pipe, scope);
    if (!isTrue(value)) return this.list(node.otherwise, scope);
    return this.list(node.body, node.type === 'with' ? { ...scope, dot: value } : scope);
  }

  #range(node: Branch, scope: Scope): Leave {
    const { pipe } = node;
    const value = this.#pipe({ ...pipe, variables: [] }, scope);
    const pairs = this.#iterate(value, pipe);
    let any = false;
    for (const [key, item] of pairs) {
      any = true;
      if ((this.#turns += 1) > TURNS) throw new TemplateError('template: too many turns of {{range}}');
      const inner: Scope = { dot: item, variables: scope.variables };
      if (pipe.assign) {
        const [first, second] = pipe.variables;
        if (first !== undefined) this.#assign(first, second === undefined ? item : key, inner);
        if (second !== undefined) this.#assign(second, item, inner);
      } else {
        const values = pipe.variables.length > 1 ? [key, item] : [item];
        const declared = pipe.variables.map((name, index) => ({ name, value: values[index] }));
        inner.variables = [...scope.variables, ...declared];
      }
      if (this.list(node.body, inner) === 'break') break;
    }
    return any ? undefined : this.list(node.otherwise, scope);
  }

  #iterate(value: Value, pipe: Pipe): Iterable<[Value, Value]> {
    if (isList(value)) return value.entries();
    if (typeof value === 'number' && Number.isInteger(value)) return count(value);
    if (value === null || value === undefined) return [];
    if (kindOf(value) === 'map') return pairsOf(value);
    return this.#failAt(pipe, `range can't iterate over ${plainText(value)}`);
  }

  #assign(name: string, value: Value, { variables }: Scope): void {
    const variable = variables.findLast((each) => each.name === name);
    if (variable !== undefined) variable.value = value;
  }

  #pipe(pipe: Pipe, scope: Scope): Value {
    let value: Value;
    for (const [index, command] of pipe.commands.entries()) {
      value = this.#command(command, scope, index === 0 ? [] : [value]);
    }
    for (const name of pipe.variables) {
      if (pipe.assign) this.#assign(name, value, scope);
      else scope.variables.push({ name, value });
    }
    return value;
  }

  #command(command: Cmd, scope: Scope, final: Value[]): Value {
    const [first, ...rest] = command.args;
    switch (first.type) {
      case 'function':
        return this.#call(first.name, first, command, rest, final, scope);
      case 'field':
        return this.#fields(scope.dot, first.names, first, scope, rest, final);
      case 'variable':
        if (first.names.length === 0) break;
        return this.#fields(this.#variable(first.name, scope), first.names, first, scope, rest, final);
      case 'chain':
        return this.#fields(this.#operand(first.node, scope), first.names, first, scope, rest, final);
      case 'nil':
        return this.#failAt(command, 'nil is not a command');
      default:
    }
    if (rest.length + final.length > 0) this.#failAt(first, `can't give argument to non-function ${nodeText(first)}`);
    return this.#operand(first, scope);
  }

  #operand(node: Operand, scope: Scope): Value {
    switch (node.type) {
      case 'dot':
        return scope.dot;
      case 'nil':
        return null;
      case 'bool':
      case 'number':
      case 'string':
        return node.value;
      case 'field':
        return this.#fields(scope.dot, node.names, node, scope, [], []);
      case 'variable':
        return this.#fields(this.#variable(node.name, scope), node.names, node, scope, [], []);
      case 'chain':
        return this.#fields(this.#operand(node.node, scope), node.names, node, scope, [], []);
      case 'function':
        return this.#call(node.name, node, node, [], [], scope);
      case 'pipe':
        return this.#pipe(node, scope);
    }
  }

  #variable(name: string, { variables }: Scope): Value {
    return variables.findLast((each) => each.name === name)?.value;
  }

  /** Arguments belong to the last of the names. */
  #fields(
    start: Value,
    names: readonly string[],
    node: Operand,
    scope: Scope,
    args: readonly Operand[],
    final: readonly Value[],
  ): Value {
    let value = start;
    for (const [index, name] of names.entries()) {
      const last = index === names.length - 1;
      value = this.#field(value, name, node, scope, last ? args : [], last ? final : []);
    }
    return value;
  }

  #field(
    value: Value,
    name: string,
    node: Operand,
    scope: Scope,
    args: readonly Operand[],
    final: readonly Value[],
  ): Value {
    if (value instanceof Struct) {
      const method = Object.hasOwn(value.methods, name) ? value.methods[name] : undefined;
      if (method !== undefined) {
        const given = [...args.map((arg) => this.#operand(arg, scope)), ...final];
        if (given.length !== method.length) {
          this.#failAt(node, `wrong number of args for ${name}: want ${method.length} got ${given.length}`);
        }
        return method(...given);
      }
    }
    if (args.length + final.length > 0) this.#failAt(node, `${name} is not a method but has arguments`);
    try {
      return fieldOf(value, name, this.#options.absent);
    } catch (error) {
      return this.#failAt(node, (error as Error).message);
    }
  }

  #call(
    name: string,
    node: Operand,
    command: Operand | Cmd,
    args: readonly Operand[],
    final: readonly Value[],
    scope: Scope,
  ): Value {
    const count = args.length + final.length;
    if (SHORT_CIRCUIT.has(name)) return this.#special(name, node, command, args, final, scope);
    const known = this.#options.functions.get(name);
    if (known === undefined) return this.#failAt(node, `${constantText(name)} is not a defined function`);
    const { params, variadic = false } = known;
    const least = variadic ? params.length - 1 : params.length;
    if (count < least || (!variadic && count > params.length)) {
      const want = variadic ? `at least ${least}` : String(params.length);
      this.#failAt(node, `wrong number of args for ${name}: want ${want} got ${count}`);
    }
    const values = [...args.map((arg) => this.#operand(arg, scope)), ...final];
    for (const [index, value] of values.entries()) {
      const given = args[index] ?? command;
      const problem = typeProblem(params[Math.min(index, params.length - 1)] ?? 'any', value, given.type);
      if (problem !== undefined) this.#failAt(given, problem);
    }
    try {
      return known.call(...values);
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      return this.#failAt(command, `error calling ${name}: ${(error as Error).message}`);
    }
  }

  #special(
    name: string,
    node: Operand,
    command: Operand | Cmd,
    args: readonly Operand[],
    final: readonly Value[],
    scope: Scope,
  ): Value {
    if (args.length + final.length === 0) this.#failAt(node, `wrong number of args for ${name}: want at least 1 got 0`);
    if (name === 'call') {
      const [first] = args;
      const value = first === undefined ? final[0] : this.#operand(first, scope);
      const what = first === undefined ? plainText(value) : nodeText(first);
      return this.#failAt(command, `error calling call: non-function ${what} of type ${typeOf(value)}`);
    }
    let value: Value;
    for (const arg of [...args, ...final.map((value) => ({ value }))]) {
      value = 'type' in arg ? this.#operand(arg, scope) : arg.value;
      if (isTrue(value) === (name === 'or')) return value;
    }
    return value;
  }
}

function* count(to: number): Iterable<[Value, Value]> {
  for (let at = 0; at < to; at++) yield [at, at];
}
