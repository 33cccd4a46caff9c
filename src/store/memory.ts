/**
 * The store for unit tests. Strict: it takes only what JSON can carry (a Map or an undefined in a record is a mistake
 * that the database would hide), hands out copies, and refuses every call after close().
 */
import type { Kind, Store } from './store.ts';

export function createMemoryStore(): Store {
  let records = new Map<string, string>();
  let open = true;
  let depth = 0;
  const keyOf = (kind: Kind, key: string): string => `${kind}\0${key}`;
  const use = (): Map<string, string> => {
    if (!open) throw new Error('the store is closed');
    return records;
  };

  return {
    get<T>(kind: Kind, key: string) {
      const text = use().get(keyOf(kind, key));
      return text === undefined ? undefined : (JSON.parse(text) as T);
    },
    list<T>(kind: Kind) {
      return [...use()]
        .filter(([key]) => key.startsWith(`${kind}\0`))
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, text]) => JSON.parse(text) as T);
    },
    put(kind, key, value) {
      use().set(keyOf(kind, key), toJson(kind, key, value));
    },
    delete(kind, key) {
      use().delete(keyOf(kind, key));
    },
    transaction(body) {
      const before = new Map(use());
      depth++;
      try {
        return refusePromise(body());
      } catch (error) {
        // An inner transaction is part of the outer one, which undoes everything when it fails.
        if (depth === 1) records = before;
        throw error;
      } finally {
        depth--;
      }
    },
    close() {
      use();
      open = false;
    },
  };
}

/** A transaction that awaits would hold its lock over other requests. */
export function refusePromise<T>(result: T): T {
  if (result instanceof Promise) throw new TypeError('the body of a transaction must be synchronous');
  return result;
}

function toJson(kind: Kind, key: string, value: unknown): string {
  return JSON.stringify(value, (field, inner: unknown) => {
    const bad =
      inner instanceof Map ||
      inner instanceof Set ||
      typeof inner === 'function' ||
      typeof inner === 'bigint' ||
      (typeof inner === 'number' && !Number.isFinite(inner)) ||
      (field === '' && inner === undefined);
    if (bad) throw new TypeError(`${kind} ${key}: '${field}' cannot be stored`);
    return inner;
  });
}
