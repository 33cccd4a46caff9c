/**
 * The connection to one member: made when it is first needed, made again when it was lost, one HTTP/2 session for all calls and watches.
 *
 * A member that is gone without a word (its host lost, a cable pulled) is noticed by a ping that is not answered: when a call was left
 * without an answer, and every few seconds while a watch is open.
 */
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import { messageOf } from '../../errors.ts';
import { EtcdError } from './error.ts';
import type { EtcdOptions } from './port.ts';

/** Milliseconds. etcd ends connections that ping more often than every 5 s (embed: GRPCKeepAliveMinTime). */
const PING_INTERVAL = 6000;
const PING_TIMEOUT = 2000;
/** Bytes that may be under way: of one stream, of all. The default of 64 KiB makes large answers wait for a round trip each. */
const STREAM_WINDOW = 1024 * 1024;
const SESSION_WINDOW = 4 * 1024 * 1024;

const ENDPOINT = /^(https?):\/\/(\[[0-9a-f:.]+(?:%\w+)?\]|[\w.-]+)(?::(\d{1,5}))?\/?$/i;

/** With scheme and port: 'https://10.0.0.1:2379'. Throws EtcdError 'invalid'. */
export function normalEndpoint(endpoint: string): string {
  const [, scheme = '', host = '', port = '2379'] = ENDPOINT.exec(endpoint) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65_535) {
    throw new EtcdError('invalid', `"${endpoint}" is no address of an etcd member, as in https://10.0.0.1:2379`);
  }
  return `${scheme.toLowerCase()}://${host}:${port}`;
}

export class Connection {
  readonly endpoint: string;
  readonly #options: Pick<EtcdOptions, 'tls' | 'timeout'>;
  /** That takes calls. */
  #session: ClientHttp2Session | undefined;
  /** And those that come to their end with what runs on them. */
  readonly #sessions = new Set<ClientHttp2Session>();
  #opened: Promise<ClientHttp2Session> | undefined;
  /** Watches that are open on it. */
  #watches = 0;
  #pinging: NodeJS.Timeout | undefined;
  #suspected = false;

  constructor(endpoint: string, options: Pick<EtcdOptions, 'tls' | 'timeout'>) {
    this.endpoint = endpoint;
    this.#options = options;
  }

  /**
   * Rejects with the reason when there is none within `patience` milliseconds; the attempt itself goes on for whoever asks next.
   * Ready is who has sent HTTP/2 settings: until then nothing is sent, so nothing can have been carried out.
   */
  async open(patience: number): Promise<ClientHttp2Session> {
    const opened = (this.#opened ??= this.#connect());
    const { promise, resolve, reject } = Promise.withResolvers<ClientHttp2Session>();
    const timer = setTimeout(() => reject(new Error('no connection in time')), patience);
    opened.then(resolve, reject);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #connect(): Promise<ClientHttp2Session> {
    const { ca, certificate, key } = this.#options.tls ?? {};
    const session = connect(this.endpoint, {
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
      ...(ca ? { ca } : {}),
      ...(certificate ? { cert: certificate } : {}),
      ...(key ? { key } : {}),
    });
    const opened = new Promise<ClientHttp2Session>((resolve, reject) => {
      const timer = setTimeout(() => session.destroy(new Error('no connection in time')), this.#options.timeout);
      session.once('remoteSettings', () => {
        clearTimeout(timer);
        session.setLocalWindowSize(SESSION_WINDOW);
        resolve(session);
      });
      const ended = (error: Error): void => {
        clearTimeout(timer);
        this.#sessions.delete(session);
        this.#forget(session);
        reject(plainError(error));
      };
      session.on('error', ended);
      session.once('close', () => ended(new Error('the connection was closed')));
      session.socket.on('error', (error) => {
        // Of a TLS alert, by which a member refuses a certificate after the handshake (TLS 1.3), Node tells the socket only.
        ended(error);
        session.destroy(error);
      });
      // What runs on it comes to its end; new calls get a new one.
      session.once('goaway', () => this.#forget(session));
    });
    // Whoever waited was told; if nobody did, there is nothing to tell.
    opened.catch(() => undefined);
    this.#session = session;
    this.#sessions.add(session);
    return opened;
  }

  #forget(session: ClientHttp2Session): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#opened = undefined;
  }

  /** A call was left without an answer. When a ping is left so too, the connection ends, with all that is on it. */
  suspect(): void {
    const session = this.#session;
    if (!session || session.destroyed || session.connecting || this.#suspected) return;
    this.#suspected = true;
    const give = (): void => {
      this.#suspected = false;
      session.destroy(new Error('the member does not answer'));
    };
    const timer = setTimeout(give, PING_TIMEOUT);
    const settled = (): void => {
      clearTimeout(timer);
      this.#suspected = false;
    };
    session.once('close', settled);
    try {
      session.ping((error) => {
        if (error) return;
        settled();
        session.off('close', settled);
      });
    } catch {
      // It is ending already; 'close' follows.
    }
  }

  /** A watch runs on it until the function that comes back is called, once or more. */
  watching(): () => void {
    this.#watches += 1;
    this.#pinging ??= setInterval(() => this.suspect(), PING_INTERVAL);
    let runs = true;
    return () => {
      if (!runs) return;
      runs = false;
      this.#watches -= 1;
      if (this.#watches > 0) return;
      clearInterval(this.#pinging);
      this.#pinging = undefined;
    };
  }

  close(): void {
    clearInterval(this.#pinging);
    for (const session of this.#sessions) session.destroy();
  }
}

/** What an administrator can do something with. */
function plainError(error: Error & { reason?: unknown }): Error {
  // A name has several addresses, and none answers.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return new Error(error.errors.map(messageOf).join(', '));
  }
  // OpenSSL's text in the middle of its line and file.
  if (typeof error.reason === 'string') return new Error(error.reason);
  return new Error(error.message.replace(/; if the root CA is installed locally.*/, ''));
}
