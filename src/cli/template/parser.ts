/** Tokens → nodes, with the errors of Go's text/template/parse. Pure. */
import { Cursor } from './cursor.ts';
import { quote } from './error.ts';
import { lex, type Token, type TokenKind } from './lexer.ts';
import { parseNumber, unquote } from './literals.ts';
import { type Branch, type Cmd, type Node, nodeText, type Operand, type Pipe } from './nodes.ts';

export interface Parsed {
  body: Node[];
  /** What define and block named. */
  templates: ReadonlyMap<string, Node[]>;
}

/** Deeper than any template for a command line needs; below what the stack takes. */
const DEEPEST = 200;

export function parseTemplate(source: string, functions: ReadonlySet<string>): Parsed {
  return new Parser(source, functions).parse();
}

type End = { kind: 'end' | 'else' | 'eof'; token: Token };

class Parser {
  readonly #tokens: Cursor;
  readonly #functions: ReadonlySet<string>;
  readonly #templates = new Map<string, Node[]>();
  /** Names in scope. */
  #variables = ['$'];
  #ranges = 0;
  #depth = 0;

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#tokens = new Cursor(lex(source));
    this.#functions = functions;
  }

  parse(): Parsed {
    const { nodes, end } = this.#list(true);
    if (end.kind !== 'eof') this.#tokens.fail(end.token, `unexpected {{${end.kind}}}`);
    return { body: nodes, templates: this.#templates };
  }

  #enter(): Disposable {
    this.#depth += 1;
    if (this.#depth > DEEPEST) this.#tokens.fail(this.#tokens.peek(), 'too deeply nested');
    return { [Symbol.dispose]: () => void (this.#depth -= 1) };
  }

  /** Nodes up to {{end}}, {{else}} or the end of the text. */
  #list(top = false): { nodes: Node[]; end: End } {
    using _ = this.#enter();
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#tokens.next();
      if (token.kind === 'eof') return { nodes, end: { kind: 'eof', token } };
      if (token.kind === 'text') {
        nodes.push({ type: 'text', pos: token.pos, text: token.text });
        continue;
      }
      if (token.kind !== 'left') this.#tokens.unexpected(token, 'input');
      this.#tokens.skipSpace();
      const word = this.#tokens.peek();
      if (word.kind !== 'keyword') {
        nodes.push({ type: 'action', pos: word.pos, pipe: this.#pipeline('command', 'right') });
        continue;
      }
      this.#tokens.next();
      if (word.text === 'end' || word.text === 'else') {
        if (word.text === 'end') this.#tokens.expect('right', 'end');
        return { nodes, end: { kind: word.text, token: word } };
      }
      if (word.text === 'define') {
        if (!top) this.#tokens.unexpected(word, 'command');
        this.#define(word);
      } else {
        nodes.push(this.#control(word));
      }
    }
  }

  #control(word: Token): Node {
    switch (word.text) {
      case 'break':
      case 'continue': {
        const token = this.#tokens.nextWord();
        if (token.kind !== 'right') this.#tokens.unexpected(token, `{{${word.text}}}`);
        if (this.#ranges === 0) this.#tokens.fail(word, `{{${word.text}}} outside {{range}}`);
        return { type: word.text, pos: word.pos };
      }
      case 'template': {
        const name = this.#templateName('template clause');
        this.#tokens.skipSpace();
        if (this.#tokens.peek().kind === 'right') {
          this.#tokens.next();
          return { type: 'template', pos: word.pos, name, pipe: undefined };
        }
        return { type: 'template', pos: word.pos, name, pipe: this.#pipeline('template clause', 'right') };
      }
      case 'block': {
        const name = this.#templateName('block clause');
        const pipe = this.#pipeline('block clause', 'right');
        this.#body(name, word);
        return { type: 'template', pos: word.pos, name, pipe };
      }
      default:
        return this.#branch(word.text as Branch['type']);
    }
  }

  #templateName(context: string): string {
    const token = this.#tokens.nextWord();
    if (token.kind !== 'string' && token.kind !== 'raw') this.#tokens.unexpected(token, context);
    return this.#unquote(token);
  }

  #unquote(token: Token): string {
    const text = unquote(token.text);
    return text === undefined ? this.#tokens.fail(token, 'invalid syntax') : text;
  }

  #define(word: Token): void {
    const name = this.#templateName('define clause');
    this.#tokens.expect('right', 'define clause');
    this.#body(name, word);
  }

  /** The inside of define and block: variables and loops around it are not its own. */
  #body(name: string, word: Token): void {
    const [variables, ranges] = [this.#variables, this.#ranges];
    this.#variables = ['$'];
    this.#ranges = 0;
    const { nodes, end } = this.#list();
    if (end.kind !== 'end') {
      if (end.kind === 'eof') this.#tokens.fail(end.token, 'unexpected EOF');
      this.#tokens.fail(end.token, `unexpected {{${end.kind}}} in ${word.text} clause`);
    }
    this.#variables = variables;
    this.#ranges = ranges;
    if (!this.#templates.has(name) || nodes.some((node) => node.type !== 'text' || node.text.trim() !== '')) {
      this.#templates.set(name, nodes);
    }
  }

  #branch(type: Branch['type']): Branch {
    using _ = this.#enter();
    const scope = this.#variables.length;
    const pipe = this.#pipeline(type, 'right');
    if (type === 'range') this.#ranges += 1;
    const { nodes: body, end } = this.#list();
    if (type === 'range') this.#ranges -= 1;
    let otherwise: Node[] = [];
    if (end.kind === 'eof') this.#tokens.fail(end.token, 'unexpected EOF');
    if (end.kind === 'else') otherwise = this.#otherwise(type);
    this.#variables.length = scope;
    return { type, pos: pipe.pos, pipe, body, otherwise };
  }

  /** After the word 'else'. */
  #otherwise(type: Branch['type']): Node[] {
    this.#tokens.skipSpace();
    const word = this.#tokens.peek();
    if (word.kind === 'keyword' && word.text === type && type !== 'range') {
      this.#tokens.next();
      // {{else if}} is an if inside the else that shares its {{end}}.
      return [this.#branch(type)];
    }
    this.#tokens.expect('right', 'else');
    const { nodes, end } = this.#list();
    if (end.kind === 'eof') this.#tokens.fail(end.token, 'unexpected EOF');
    if (end.kind === 'else') this.#tokens.fail(end.token, 'expected end; found {{else}}');
    return nodes;
  }

  #pipeline(context: string, end: 'right' | 'close'): Pipe {
    using _ = this.#enter();
    this.#tokens.skipSpace();
    const { pos } = this.#tokens.peek();
    const pipe: Pipe = { type: 'pipe', pos, ...this.#declaration(context), commands: [] };
    for (;;) {
      const token = this.#tokens.nextWord();
      if (token.kind === end) {
        this.#checkPipeline(pipe, context, token);
        // In scope from here on, not inside its own value.
        if (!pipe.assign) this.#variables.push(...pipe.variables);
        return pipe;
      }
      this.#tokens.back(token);
      if (!OPERANDS.has(token.kind)) this.#tokens.unexpected(token, context);
      pipe.commands.push(this.#command());
    }
  }

  /** '$x :=', '$x =', '$i, $x :=' (range only) or nothing. */
  #declaration(context: string): { variables: string[]; assign: boolean } {
    const start = this.#tokens.mark();
    const variables: string[] = [];
    while (this.#tokens.peek().kind === 'variable') {
      const variable = this.#tokens.next();
      this.#tokens.skipSpace();
      const sign = this.#tokens.peek();
      variables.push(variable.text);
      if (sign.kind === 'assign' || sign.kind === 'declare') {
        this.#tokens.next();
        this.#tokens.skipSpace();
        const assign = sign.kind === 'assign';
        if (assign) for (const name of variables) this.#known(name, variable);
        return { variables, assign };
      }
      if (sign.kind !== 'comma') break;
      if (context !== 'range' || variables.length > 1) this.#tokens.fail(sign, `too many declarations in ${context}`);
      this.#tokens.next();
      this.#tokens.skipSpace();
    }
    this.#tokens.reset(start);
    return { variables: [], assign: false };
  }

  #known(name: string, token: Token): void {
    if (!this.#variables.includes(name)) this.#tokens.fail(token, `undefined variable ${quote(name)}`);
  }

  #checkPipeline({ commands }: Pipe, context: string, token: Token): void {
    if (commands.length === 0)
      this.#tokens.fail(token, `missing value for ${context === 'command' ? 'command' : context}`);
    for (const [index, { args }] of commands.slice(1).entries()) {
      if (['bool', 'dot', 'nil', 'number', 'string'].includes(args[0].type)) {
        this.#tokens.fail(token, `non executable command in pipeline stage ${index + 2}`);
      }
    }
  }

  /** Operands up to '|' or the end of the pipeline, which is left for it. */
  #command(): Cmd {
    const { pos } = this.#tokens.peek();
    const args: Operand[] = [];
    for (;;) {
      this.#tokens.skipSpace();
      const operand = this.#operand();
      if (operand !== undefined) args.push(operand);
      const token = this.#tokens.next();
      if (token.kind === 'space') continue;
      if (token.kind === 'right' || token.kind === 'close') this.#tokens.back(token);
      else if (token.kind !== 'pipe') this.#tokens.unexpected(token, 'operand');
      break;
    }
    const [first, ...more] = args;
    if (first === undefined) this.#tokens.fail(this.#tokens.peek(), 'empty command');
    return { type: 'command', pos, args: [first, ...more] };
  }

  #operand(): Operand | undefined {
    const node = this.#term();
    if (node === undefined || this.#tokens.peek().kind !== 'field') return node;
    const { pos } = this.#tokens.peek();
    const names: string[] = [];
    while (this.#tokens.peek().kind === 'field') names.push(this.#tokens.next().text.slice(1));
    switch (node.type) {
      case 'field':
      case 'variable':
        return { ...node, pos, names: [...node.names, ...names] };
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        return this.#tokens.fail(this.#tokens.peek(), `unexpected . after term ${quote(nodeText(node))}`);
      default:
        return { type: 'chain', pos, node, names };
    }
  }

  #term(): Operand | undefined {
    const token = this.#tokens.peek();
    const { pos, text } = token;
    if (!OPERANDS.has(token.kind)) return undefined;
    this.#tokens.next();
    switch (token.kind) {
      case 'identifier':
        if (!this.#functions.has(text)) this.#tokens.fail(token, `function ${quote(text)} not defined`);
        return { type: 'function', pos, name: text };
      case 'dot':
        return { type: 'dot', pos };
      case 'nil':
        return { type: 'nil', pos };
      case 'variable':
        this.#known(text, token);
        return { type: 'variable', pos, name: text, names: [] };
      case 'field':
        return { type: 'field', pos, names: [text.slice(1)] };
      case 'bool':
        return { type: 'bool', pos, value: text === 'true' };
      case 'open':
        return this.#pipeline('parenthesized pipeline', 'close');
      case 'string':
      case 'raw':
        return { type: 'string', pos, value: this.#unquote(token), text };
      default: {
        const value = parseNumber(token.kind, text);
        if (value === undefined) {
          const what = token.kind === 'char' ? 'malformed character constant' : 'illegal number syntax';
          return this.#tokens.fail(token, `${what}: ${token.kind === 'char' ? text : quote(text)}`);
        }
        return { type: 'number', pos, value, text };
      }
    }
  }
}

const OPERANDS: ReadonlySet<TokenKind> = new Set([
  'identifier',
  'dot',
  'nil',
  'variable',
  'field',
  'bool',
  'open',
  'string',
  'raw',
  'char',
  'number',
]);
