/** Text of a template → tokens. Source of the rules: https://pkg.go.dev/text/template. Pure. */
import { character, quote } from './error.ts';

export type TokenKind =
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'identifier'
  | 'keyword'
  /** '.Name' */
  | 'field'
  /** '$' or '$name' */
  | 'variable'
  | 'dot'
  | 'number'
  | 'string'
  | 'raw'
  | 'char'
  | 'bool'
  | 'nil'
  | 'pipe'
  | 'comma'
  | 'open'
  | 'close'
  | 'assign'
  | 'declare'
  /** Any other character of ASCII; no template has one. */
  | 'other'
  /** `text` says what is wrong; nothing comes after it. */
  | 'error'
  | 'eof';

export interface Token {
  kind: TokenKind;
  text: string;
  /** Offset in the template. */
  pos: number;
  /** From 1. */
  line: number;
}

const KEYWORDS = ['if', 'else', 'end', 'range', 'with', 'template', 'define', 'block', 'break', 'continue'];
const SPACE = /[ \t\r\n]/;
/** What may stand right after a word. */
const TERMINATOR = /[ \t\r\n.,|:()]/;
const WORD = /[\p{L}\p{Nd}_]/u;

export function lex(source: string): Token[] {
  const lexer = new Lexer(source);
  return lexer.run();
}

/** Ends the run: the error token is in the list already. */
const STOP = Symbol('stop');

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** Up to where lines are counted. */
  #counted = 0;
  #parens = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    try {
      this.#outside();
      this.#add('eof', this.#source.length);
    } catch (error) {
      if (error !== STOP) throw error;
    }
    return this.#tokens;
  }

  #lineAt(pos: number): number {
    for (; this.#counted < pos; this.#counted++) if (this.#source[this.#counted] === '\n') this.#line += 1;
    return this.#line;
  }

  /** A token from the present place to `end`, which becomes the present place. */
  #add(kind: TokenKind, end: number): void {
    const pos = this.#at;
    this.#tokens.push({ kind, text: this.#source.slice(pos, end), pos, line: this.#lineAt(pos) });
    this.#at = end;
  }

  #fail(text: string): never {
    this.#tokens.push({ kind: 'error', text, pos: this.#at, line: this.#lineAt(this.#at) });
    throw STOP;
  }

  #is(text: string, at = this.#at): boolean {
    return this.#source.startsWith(text, at);
  }

  /** '- ' after '{{' takes the white space before the action away. */
  #trimsLeft(left: number): boolean {
    return this.#is('-', left + 2) && SPACE.test(this.#source[left + 3] ?? '');
  }

  #outside(): void {
    while (this.#at < this.#source.length) {
      const left = this.#source.indexOf('{{', this.#at);
      const end = left < 0 ? this.#source.length : left;
      const text = this.#source.slice(this.#at, end);
      const kept = left >= 0 && this.#trimsLeft(left) ? text.trimEnd().length : text.length;
      if (kept > 0) this.#add('text', this.#at + kept);
      if (left < 0) return;
      this.#at = left;
      this.#action();
    }
  }

  #skipSpace(): void {
    while (SPACE.test(this.#source[this.#at] ?? '')) this.#at += 1;
  }

  #comment(start: number): void {
    const end = this.#source.indexOf('*/', start);
    if (end < 0) this.#fail('unclosed comment');
    this.#at = end + 2;
    const trims = SPACE.test(this.#source[this.#at] ?? '') && this.#is('-}}', this.#at + 1);
    if (trims) this.#at += 2;
    if (!this.#is('}}')) this.#fail('comment ends before closing delimiter');
    this.#at += 2;
    if (trims) this.#skipSpace();
  }

  #action(): void {
    const start = this.#at + (this.#trimsLeft(this.#at) ? 4 : 2);
    if (this.#is('/*', start)) return this.#comment(start);
    this.#add('left', start);
    this.#parens = 0;
    for (;;) {
      const char = this.#source[this.#at];
      if (SPACE.test(char ?? '') && this.#is('-}}', this.#at + 1)) {
        this.#end(this.#at + 4);
        return this.#skipSpace();
      }
      if (this.#is('}}')) return this.#end(this.#at + 2);
      if (char === undefined) this.#fail('unclosed action');
      this.#inside(char);
    }
  }

  #end(to: number): void {
    if (this.#parens > 0) this.#fail('unclosed left paren');
    this.#add('right', to);
  }

  #inside(char: string): void {
    const next = this.#source[this.#at + 1] ?? '';
    if (SPACE.test(char)) {
      let end = this.#at + 1;
      while (SPACE.test(this.#source[end] ?? '')) end += 1;
      // The blank before '-}}' belongs to that.
      if (this.#is('-}}', end) && end > this.#at + 1) end -= 1;
      return this.#add('space', end);
    }
    if (char === '|') return this.#add('pipe', this.#at + 1);
    if (char === ',') return this.#add('comma', this.#at + 1);
    if (char === '=') return this.#add('assign', this.#at + 1);
    if (char === ':') {
      if (next !== '=') this.#fail('expected :=');
      return this.#add('declare', this.#at + 2);
    }
    if (char === '(') {
      this.#parens += 1;
      return this.#add('open', this.#at + 1);
    }
    if (char === ')') {
      this.#parens -= 1;
      if (this.#parens < 0) this.#fail('unexpected right paren');
      return this.#add('close', this.#at + 1);
    }
    if (char === '"') return this.#quoted('string', '"', 'unterminated quoted string');
    if (char === "'") return this.#quoted('char', "'", 'unterminated character constant');
    if (char === '`') {
      const end = this.#source.indexOf('`', this.#at + 1);
      if (end < 0) this.#fail('unterminated raw quoted string');
      return this.#add('raw', end + 1);
    }
    // At the very end of the text Go takes it for the start of a number.
    if (char === '.' && next !== '' && !/\d/.test(next)) {
      const end = this.#wordEnd(this.#at + 1);
      if (end === this.#at + 1 && !this.#endsWord(end)) this.#bad(end);
      if (end > this.#at + 1 && !this.#endsWord(end)) this.#bad(end);
      return this.#add(end === this.#at + 1 ? 'dot' : 'field', end);
    }
    if (char === '$') {
      const end = this.#wordEnd(this.#at + 1);
      if (!this.#endsWord(end)) this.#bad(end);
      return this.#add('variable', end);
    }
    if (/[+\-\d.]/.test(char)) return this.#number();
    if (WORD.test(this.#char(this.#at))) {
      const end = this.#wordEnd(this.#at);
      if (!this.#endsWord(end)) this.#bad(end);
      return this.#add(wordKind(this.#source.slice(this.#at, end)), end);
    }
    if (char > ' ' && char <= '~') return this.#add('other', this.#at + 1);
    this.#fail(`unrecognized character in action: ${character(this.#char(this.#at))}`);
  }

  #char(at: number): string {
    return String.fromCodePoint(this.#source.codePointAt(at) ?? 0);
  }

  #bad(at: number): never {
    return this.#fail(`bad character ${character(this.#char(at))}`);
  }

  #wordEnd(from: number): number {
    let at = from;
    while (at < this.#source.length && WORD.test(this.#char(at))) at += this.#char(at).length;
    return at;
  }

  #endsWord(at: number): boolean {
    return at >= this.#source.length || TERMINATOR.test(this.#source[at] ?? '') || this.#is('}}', at);
  }

  #quoted(kind: 'string' | 'char', mark: string, unterminated: string): void {
    let at = this.#at + 1;
    for (; this.#source[at] !== mark; at++) {
      if (this.#source[at] === '\\') at += 1;
      if (at >= this.#source.length || this.#source[at] === '\n') this.#fail(unterminated);
    }
    this.#add(kind, at + 1);
  }

  #number(): void {
    const rest = this.#source.slice(this.#at);
    const text =
      /^[+-]?(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[\d_]*\.?[\d_]*(?:[eE][+-]?[\d_]+)?)/.exec(rest)?.[0] ?? '';
    const end = this.#at + text.length;
    const after = this.#char(end);
    if (!/\d/.test(text)) this.#fail(`illegal number syntax: ${quote(text)}`);
    if (end < this.#source.length && WORD.test(after)) {
      this.#fail(`bad number syntax: ${quote(text + after)}`);
    }
    this.#add('number', end);
  }
}

function wordKind(word: string): TokenKind {
  if (KEYWORDS.includes(word)) return 'keyword';
  if (word === 'true' || word === 'false') return 'bool';
  return word === 'nil' ? 'nil' : 'identifier';
}
