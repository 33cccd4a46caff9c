/** The Docker Engine API as the commands use it: over a unix socket or TCP. */
import type { Readable } from 'node:stream';
import type { Json } from '../model/json.ts';

/** An answer with status ≥ 400: `message` is the daemon's own. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** The daemon cannot be reached: the text says at which address and what to do. */
export class ConnectError extends Error {}

export interface RequestOptions {
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  body?: unknown;
  /** Sent as it is instead of `body` (tar archives). */
  stream?: Readable;
  headers?: Readonly<Record<string, string>>;
  /** Sees the fields of the answer's head, names in lower case, before its body. */
  onHead?: (fields: ReadonlyMap<string, string>) => void;
}

/** A hijacked connection: raw bytes both ways. */
export interface Hijacked {
  /** The daemon's 'application/vnd.docker.multiplexed-stream' or 'raw-stream' bytes. */
  readonly input: Readable;
  write(data: Buffer): boolean;
  onDrain(callback: () => void): void;
  /** Half-close: no more stdin. */
  end(): void;
  destroy(): void;
}

export interface ApiClient {
  /** Parsed JSON, undefined for an empty body. Throws ApiError, ConnectError. */
  json<T = Json>(method: string, path: string, options?: RequestOptions): Promise<T>;
  /** The body as it comes. */
  stream(method: string, path: string, options?: RequestOptions): Promise<Readable>;
  hijack(path: string, options?: RequestOptions): Promise<Hijacked>;
}
