/**
 * The schema of berth.db, as steps: `PRAGMA user_version` counts those that were done. A step, once released, never
 * changes; a later version of Berth appends.
 */
export const migrations: readonly string[] = [
  // WITHOUT ROWID keeps a kind's records together in the order of their keys, which is how they are read.
  `CREATE TABLE record (
     kind  TEXT NOT NULL,
     key   TEXT NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (kind, key)
   ) STRICT, WITHOUT ROWID`,
];
