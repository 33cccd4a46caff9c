/**
 * Durable state of one host. A record is a JSON value under a kind and a key; the owner of a kind decides its shape.
 * Every call is synchronous and takes well under a millisecond; a write that returned survives `kill -9`.
 */
export type Kind = 'container' | 'exec' | 'network' | 'endpoint' | 'sandbox' | 'peer' | 'volume' | 'commit' | 'meta';

export interface Store {
  get<T>(kind: Kind, key: string): T | undefined;
  /** All records of a kind, in the order of their keys. */
  list<T>(kind: Kind): T[];
  put(kind: Kind, key: string, value: unknown): void;
  /** Deleting what is not there succeeds. */
  delete(kind: Kind, key: string): void;
  /** All writes of `body` happen, or none (it throws). `body` must be synchronous. Nesting joins the outer one. */
  transaction<T>(body: () => T): T;
  close(): void;
}
