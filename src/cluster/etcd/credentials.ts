/**
 * The token that stands for a user and a password (Auth/Authenticate). etcd forgets it when it was not used for five minutes, and with each
 * restart; it is asked for when it is first needed, and anew when it is refused.
 */
import { EtcdError } from './error.ts';
import { decodeToken } from './messages.ts';
import type { EtcdOptions } from './port.ts';
import { MessageWriter } from './protobuf.ts';
import { authNotEnabled } from './status.ts';

export class Credentials {
  readonly #user: NonNullable<EtcdOptions['user']>;
  readonly #authenticate: (request: Buffer) => Promise<Buffer>;
  #asked: Promise<string> | undefined;
  /** That came of it; undefined while it is asked for. */
  #token: string | undefined;

  /** `authenticate` carries the call out. */
  constructor(user: NonNullable<EtcdOptions['user']>, authenticate: (request: Buffer) => Promise<Buffer>) {
    this.#user = user;
    this.#authenticate = authenticate;
  }

  /** '' when etcd wants none. One call for all who wait for it; when it fails, whoever comes next asks again. */
  token(): Promise<string> {
    if (this.#asked) return this.#asked;
    const asked = this.#ask();
    this.#asked = asked;
    asked.catch(() => {
      if (this.#asked === asked) this.#asked = undefined;
    });
    return asked;
  }

  /** Unless there is another one already, the next token is a new one. */
  refused(token: string): void {
    if (token !== this.#token) return;
    this.#asked = undefined;
    this.#token = undefined;
  }

  async #ask(): Promise<string> {
    const { name, password } = this.#user;
    const request = new MessageWriter().text(1, name).text(2, password).finish();
    const token = await this.#authenticate(request).then(decodeToken, (error: unknown) => {
      if (error instanceof EtcdError && authNotEnabled(error.cause)) return '';
      throw error;
    });
    this.#token = token;
    return token;
  }
}
