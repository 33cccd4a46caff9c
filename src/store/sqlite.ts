/**
 * The durable store: one table in one SQLite file. Write-ahead log with synchronous=NORMAL: a write that returned is
 * in the page cache, so it survives the death of the process at any moment; a power cut may lose the last writes but
 * never tears one. A put takes about 20 µs.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, system } from '../errors.ts';
import { refusePromise } from './memory.ts';
import { migrations } from './schema.ts';
import type { Kind, Store } from './store.ts';

interface Row {
  value: string;
}

/** Opens or makes the database at `path`, 0600. Throws System, with a text that says what to do. */
export function openSqliteStore(path: string): Store {
  const database = prepare(path);
  const get = database.prepare('SELECT value FROM record WHERE kind = ? AND key = ?');
  const list = database.prepare('SELECT value FROM record WHERE kind = ? ORDER BY key');
  const put = database.prepare(
    'INSERT INTO record (kind, key, value) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare('DELETE FROM record WHERE kind = ? AND key = ?');
  let depth = 0;
  const guarded = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw explain(path, error);
    }
  };

  return {
    get<T>(kind: Kind, key: string) {
      const row = guarded(() => get.get(kind, key)) as Row | undefined;
      return row === undefined ? undefined : (JSON.parse(row.value) as T);
    },
    list<T>(kind: Kind) {
      const rows = guarded(() => list.all(kind)) as unknown as Row[];
      return rows.map((row) => JSON.parse(row.value) as T);
    },
    put(kind, key, value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`${kind} ${key}: the value cannot be stored`);
      guarded(() => put.run(kind, key, text));
    },
    delete(kind, key) {
      guarded(() => remove.run(kind, key));
    },
    transaction(body) {
      if (depth > 0) return refusePromise(body());
      guarded(() => database.exec('BEGIN IMMEDIATE'));
      depth++;
      try {
        const result = refusePromise(body());
        guarded(() => database.exec('COMMIT'));
        return result;
      } catch (error) {
        // A full disk makes SQLite roll back by itself; a second ROLLBACK would hide the reason.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      } finally {
        depth--;
      }
    },
    close() {
      database.close();
    },
  };
}

function prepare(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // Private before SQLite, which would take 0644, has it: who opened it then could read on. -wal and -shm take the
    // mode of the database.
    if (!existsSync(path)) makePrivate(path);
    database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 2000');
    migrate(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw explain(path, error);
  }
}

function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    throw system(`cannot open the database ${path}: ${messageOf(error)}`, error);
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > migrations.length) {
    throw system(
      `${path} was written by a newer version of Berth (schema ${version}, this one knows ${migrations.length}): ` +
        'start that version again, or give this one another --data-root',
    );
  }
  if (version === migrations.length) {
    const { quick_check: verdict } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (verdict !== 'ok') throw corrupt(path, verdict);
    return;
  }
  database.exec('BEGIN IMMEDIATE');
  for (const step of migrations.slice(version)) database.exec(step);
  database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT`);
}

const corrupt = (path: string, cause: unknown): Error =>
  system(
    `the database ${path} is damaged (${messageOf(cause)}): move it away, with ${path}-wal and ${path}-shm, and start ` +
      'berthd again; containers and networks that it described are then unknown, images stay',
    cause,
  );

/** Result codes of sqlite3.h; the low byte is the primary code. */
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
const SQLITE_BUSY = 5;

function explain(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  switch (Number(error.errcode) & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corrupt(path, error);
    case SQLITE_FULL:
      return system(`no space left on the device that holds ${path}: free some and try again`, error);
    case SQLITE_CANTOPEN:
      return system(`cannot open the database ${path}: ${error.message}`, error);
    case SQLITE_BUSY:
      return system(`the database ${path} is in use by another process`, error);
    default:
      return system(`the database ${path}: ${error.message}`, error);
  }
}
