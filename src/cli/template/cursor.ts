/** Where the parser is in its tokens, and how it says that it cannot go on. */
import { quote, TemplateError } from './error.ts';
import type { Token, TokenKind } from './lexer.ts';

const SHOWN_IN_ANGLES: ReadonlySet<TokenKind> = new Set(['keyword', 'dot', 'nil']);

export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  fail(token: Token, text: string): never {
    throw new TemplateError(`template: :${token.line}: ${text}`);
  }

  unexpected(token: Token, context: string): never {
    if (token.kind === 'error') this.fail(token, token.text);
    if (token.kind === 'eof') this.fail(token, 'unexpected EOF');
    const shown = SHOWN_IN_ANGLES.has(token.kind) ? `<${token.text}>` : quote(token.text);
    return this.fail(token, `unexpected ${shown} in ${context}`);
  }

  /** The list never ends before its 'eof' or 'error', which are not passed. */
  peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'eof', text: '', pos: 0, line: 1 };
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'eof' && token.kind !== 'error') this.#at += 1;
    return token;
  }

  skipSpace(): void {
    while (this.peek().kind === 'space') this.#at += 1;
  }

  nextWord(): Token {
    this.skipSpace();
    return this.next();
  }

  expect(kind: TokenKind, context: string): Token {
    const token = this.nextWord();
    return token.kind === kind ? token : this.unexpected(token, context);
  }

  /** Takes the last `next` back. */
  back(token: Token): void {
    if (token.kind !== 'eof' && token.kind !== 'error') this.#at -= 1;
  }

  mark(): number {
    return this.#at;
  }

  /** To where `mark` was. */
  reset(mark: number): void {
    this.#at = mark;
  }
}
