/** A call of the Engine API as data. Both daemons get the same ones in the same order. */
export interface Call {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';
  /** With its query, without the version; `{name}` stands for the ID that an earlier call gave `as` this name, `{now}` for the time. */
  path: string;
  /** JSON, or the bytes themselves. */
  body?: object | string | Buffer;
  headers?: Record<string, string>;
  /** The connection is taken over: this is sent over it, and the end. */
  hijack?: string;
  /** What the ID of the answer is called from then on. */
  as?: string;
  /** Of what happens in the background: the call is repeated until the answer has this in it. */
  until?: RegExp;
  /** The answer's own version in the path instead of the one that both speak: '' for none. */
  version?: string;
  /** Only the names of the fields matter: values are this machine's, or of the moment. */
  shape?: true;
}

/** Calls that belong together, on containers, networks and images that no other story uses. */
export interface Story {
  name: string;
  calls: readonly Call[];
}

type More = Omit<Call, 'method' | 'path' | 'body'>;

export const get = (path: string, more: More = {}): Call => ({ method: 'GET', path, ...more });
export const head = (path: string, more: More = {}): Call => ({ method: 'HEAD', path, ...more });
export const remove = (path: string, more: More = {}): Call => ({ method: 'DELETE', path, ...more });
export const put = (path: string, body: Buffer | string, more: More = {}): Call => ({
  method: 'PUT',
  path,
  body,
  ...more,
});
export const post = (path: string, body?: Call['body'], more: More = {}): Call => ({
  method: 'POST',
  path,
  ...(body === undefined ? {} : { body }),
  ...more,
});

/** What was told of these objects so far. */
export const eventsOf = (of: Readonly<Record<string, readonly string[]>>): Call =>
  get(`/events?since=1&until={now}&${filters(of)}`);

/** '?filters=…' as clients write it. */
export const filters = (of: Readonly<Record<string, readonly string[] | undefined>>): string =>
  `filters=${encodeURIComponent(JSON.stringify(of))}`;
