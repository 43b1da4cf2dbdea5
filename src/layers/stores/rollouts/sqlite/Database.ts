/**
 * The database file of the index: opening, its form, and what happens when it cannot be used.
 *
 * The index holds nothing that the rollout files do not have. A file with another form is emptied, a corrupt one is replaced.
 * Where no file can be used (no permission, locked, a network file system) the index is a temporary file of this process.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"
import type { DatabaseSync } from "node:sqlite"
import { networkAt } from "../FileSystemType.ts"

/** The version of the tables. A file with another version is emptied. */
export const Version = 3

/** How long a write waits for another process, in milliseconds. It blocks the server, so it is short. */
const BusyMillis = 20

const tables = `
CREATE TABLE threads (
  id INTEGER PRIMARY KEY,
  thread TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  ino REAL NOT NULL,
  size REAL NOT NULL,
  mtime REAL NOT NULL,
  is_thread INTEGER NOT NULL,
  preview TEXT NOT NULL,
  name TEXT,
  had_turn INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  source_kind TEXT NOT NULL,
  provider TEXT NOT NULL,
  cwd TEXT NOT NULL,
  section TEXT,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  recency_at REAL NOT NULL,
  section_position REAL NOT NULL,
  attachments TEXT NOT NULL,
  -- the other threads whose files the history refers to, each between two spaces; empty for most threads
  bases TEXT NOT NULL DEFAULT '',
  revision INTEGER NOT NULL
);
CREATE TABLE details (
  id INTEGER PRIMARY KEY,
  progress TEXT NOT NULL,
  summary TEXT
);
CREATE INDEX threads_created ON threads (created_at, thread);
CREATE INDEX threads_updated ON threads (updated_at, thread);
CREATE INDEX threads_recency ON threads (recency_at, thread);
CREATE INDEX threads_bases ON threads (bases) WHERE bases <> '';
CREATE INDEX threads_revision ON threads (revision);
CREATE TABLE turns (
  file INTEGER NOT NULL,
  n INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  turn TEXT NOT NULL,
  root TEXT NOT NULL,
  started REAL NOT NULL,
  ended REAL,
  status TEXT NOT NULL,
  error TEXT,
  conversation INTEGER NOT NULL,
  PRIMARY KEY (file, n)
) WITHOUT ROWID;
CREATE INDEX turns_seq ON turns (file, seq);
CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  file INTEGER NOT NULL,
  kind TEXT NOT NULL,
  n INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  part INTEGER NOT NULL,
  start INTEGER NOT NULL,
  length INTEGER NOT NULL,
  named INTEGER NOT NULL
);
CREATE INDEX items_turn ON items (file, n, seq);
CREATE INDEX items_seq ON items (file, seq);
CREATE VIRTUAL TABLE texts USING fts5(
  text, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1'
);
CREATE VIRTUAL TABLE terms USING fts5vocab('texts', 'row');
`

/** Number of item numbers of one file: the id of an item is the number of its file times this, plus its own. */
export const ItemsPerFile = 2 ** 22

type Module = { readonly DatabaseSync: typeof DatabaseSync }

/** Node's SQLite; undefined where it is missing. Older versions of Node warn when it is loaded. */
const load = (): Module | undefined => {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule("node:sqlite")
  } finally {
    process.emitWarning = emitWarning
  }
}

/** The primary code of an error of SQLite; undefined for any other error. */
const codeOf = (error: unknown): number | undefined => {
  const code: unknown = error instanceof Error && "errcode" in error ? error.errcode : undefined
  return typeof code === "number" ? code & 255 : undefined
}

/** Whether the database has lost its content: `SQLITE_CORRUPT`, `SQLITE_NOTADB`, or a row that is not readable. */
export const isCorrupt = (error: unknown): boolean =>
  error instanceof SyntaxError || [1, 11, 26].includes(codeOf(error) ?? -1)

/** Whether an error is one of the database or of what it holds, not one of a rollout file. */
export const isOfDatabase = (error: unknown): boolean => codeOf(error) !== undefined || isCorrupt(error)

/** Whether another process has the database: `SQLITE_BUSY`, `SQLITE_LOCKED`. */
export const isBusy = (error: unknown): boolean => [5, 6].includes(codeOf(error) ?? -1)

const prepare = (database: DatabaseSync): DatabaseSync => {
  try {
    // An empty database has nothing to lose.
    database.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; PRAGMA temp_store = MEMORY")
    database.exec("PRAGMA cache_size = -4000; PRAGMA journal_size_limit = 16777216")
    if (database.prepare("PRAGMA user_version").get()?.["user_version"] === Version) {
      database.exec("PRAGMA synchronous = NORMAL; SELECT revision FROM threads ORDER BY revision DESC LIMIT 1")
      return database
    }
    database.exec("BEGIN IMMEDIATE")
    empty(database)
    database.exec(`${tables}; PRAGMA user_version = ${Version}; COMMIT; PRAGMA synchronous = NORMAL`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Drops everything that another version has made. */
const empty = (database: DatabaseSync): void => {
  const all = database.prepare("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").all()
  const virtual = all.filter(({ name }) => name === "texts" || name === "terms")
  for (const { name } of virtual.toReversed()) database.exec(`DROP TABLE IF EXISTS "${String(name)}"`)
  for (const kind of ["view", "trigger", "table"]) {
    for (const { name, type } of all) {
      const isShadow = String(name).startsWith("texts_")
      if (type === kind && !isShadow && !virtual.some((one) => one["name"] === name)) {
        database.exec(`DROP ${kind.toUpperCase()} IF EXISTS "${String(name).replaceAll('"', '""')}"`)
      }
    }
  }
}

/** Makes the file with mode 0600. Throws when the path leads to anything but a file. */
const make = (path: string): void => {
  const stat = Fs.lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) Fs.closeSync(Fs.openSync(path, "ax", 0o600))
  else if (!stat.isFile()) throw new Error(`${path} is not a file`)
}

const pathIn = (home: string): string => Path.join(home, "spindle_1.sqlite")

/** Removes the file of a home, and what SQLite keeps beside it. It may fail to: then the next one is a temporary file. */
export const removeIn = (home: string): void => {
  try {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) Fs.rmSync(pathIn(home) + suffix, { force: true })
  } catch {
    // `open` finds out.
  }
}

/** Opens the database of a home, or a temporary one. Undefined where Node has no SQLite. */
export const open = (home: string, isPrivate: boolean): DatabaseSync | undefined => {
  const sqlite = load()
  if (sqlite === undefined) return undefined
  const path = pathIn(home)
  const connect = (at: string) => prepare(new sqlite.DatabaseSync(at, { timeout: BusyMillis }))
  if (isPrivate || networkAt(home) !== undefined) return connect("")
  try {
    make(path)
    return connect(path)
  } catch (error) {
    if (!isCorrupt(error)) return connect("")
  }
  try {
    removeIn(home)
    make(path)
    return connect(path)
  } catch {
    return connect("")
  }
}
