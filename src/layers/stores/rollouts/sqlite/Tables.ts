/**
 * Reads and writes the rows of the index.
 *
 * Owns the statements for single threads. Queries over all threads are in `Queries`. Does not own transactions.
 *
 * @module
 */
import * as Path from "node:path"
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"
import type { TurnStatus } from "../../../../protocol/v2/turn/Turn.ts"
import type { ThreadSummary } from "../../../../services/thread/ThreadStore.ts"
import { summaryOf } from "../../../../services/thread/ThreadView.ts"
import { sortValue, sourceKindOf, textsOfItem } from "../../Query.ts"
import { parse, type RolloutFile } from "../Folder.ts"
import type { Stamp } from "../Stamp.ts"
import { ItemsPerFile } from "./Database.ts"
import type { ItemRow, Progress, Sink, TurnRow } from "./Scan.ts"

export type Row = Record<string, SQLOutputValue>

/** A thread of the index. */
export interface Indexed {
  readonly id: number
  readonly stamp: Stamp
  readonly progress: Progress
}

/** Where the text of an item is. */
export interface Place {
  readonly n: number
  readonly seq: number
  readonly part: number
  readonly start: number
  readonly length: number
  readonly named: number
}

/** Ends each text, so that also its last two characters begin a term. */
const End = "\u0001\u0001"

/** The form in which a text is searched: as `matchesOf` compares it. */
const searchable = (text: string): string => {
  const lower = text.toLowerCase()
  return (lower.length === text.length ? lower : text) + End
}

const numberIn = (row: Row, column: string): number => Number(row[column])
const textIn = (row: Row, column: string): string => String(row[column])

const turnOf = (row: Row): TurnRow => ({
  n: numberIn(row, "n"),
  seq: numberIn(row, "seq"),
  id: textIn(row, "turn"),
  root: textIn(row, "root"),
  started: numberIn(row, "started"),
  ended: row["ended"] === null ? null : numberIn(row, "ended"),
  status: statusOf(row["status"]),
  error: row["error"] === null ? null : JSON.parse(textIn(row, "error")),
  conversation: numberIn(row, "conversation")
})

const statuses: ReadonlyArray<TurnStatus> = ["completed", "interrupted", "failed", "inProgress"]

const statusOf = (value: SQLOutputValue | undefined): TurnStatus => {
  const found = statuses.find((status) => status === value)
  if (found === undefined) throw new SyntaxError("the index has an unknown status")
  return found
}

const placeOf = (row: Row): Place => ({
  n: numberIn(row, "n"),
  seq: numberIn(row, "seq"),
  part: numberIn(row, "part"),
  start: numberIn(row, "start"),
  length: numberIn(row, "length"),
  named: numberIn(row, "named")
})

/** The summary as it was stored, with the name of the row. */
export const summaryIn = (row: Row): ThreadSummary | null =>
  row["summary"] === null
    ? null
    : {
        ...JSON.parse(textIn(row, "summary")),
        name: row["name"] === null ? null : textIn(row, "name"),
        archived: row["archived"] === 1
      }

export const stampIn = (row: Row): Stamp => ({
  path: textIn(row, "path"),
  ino: numberIn(row, "ino"),
  size: numberIn(row, "size"),
  mtimeMs: numberIn(row, "mtime")
})

/** The other threads whose files a thread's history refers to. */
const basesOf = ({ threadId }: RolloutFile, { parts }: Progress): string => {
  const ids = parts.flatMap(({ path }) => parse(Path.dirname(path), Path.basename(path), false)?.threadId ?? [])
  const others = new Set(ids.filter((id) => id !== threadId))
  return others.size === 0 ? "" : ` ${Array.from(others).join(" ")} `
}

const summarize = ({ state, turns }: Progress): ThreadSummary | null =>
  state === null ? null : { ...summaryOf(state), turns }

export class Tables {
  readonly database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const made = this.database.prepare(sql)
    if (this.#statements.size < 128) this.#statements.set(sql, made)
    return made
  }

  run(sql: string, ...values: ReadonlyArray<SQLInputValue>): void {
    this.statement(sql).run(...values)
  }

  get(sql: string, ...values: ReadonlyArray<SQLInputValue>): Row | undefined {
    return this.statement(sql).get(...values)
  }

  all(sql: string, ...values: ReadonlyArray<SQLInputValue>): ReadonlyArray<Row> {
    return this.statement(sql).all(...values)
  }

  /** Runs a change as a whole. */
  transact<A>(change: () => A): A {
    this.database.exec("BEGIN IMMEDIATE")
    try {
      const result = change()
      this.database.exec("COMMIT")
      return result
    } catch (error) {
      if (this.database.isTransaction) this.database.exec("ROLLBACK")
      throw error
    }
  }

  find(threadId: string): Indexed | undefined {
    const row = this.get(
      "SELECT id, path, ino, size, mtime, progress FROM threads JOIN details USING (id) WHERE thread = ?",
      threadId
    )
    if (row === undefined) return undefined
    return { id: numberIn(row, "id"), stamp: stampIn(row), progress: JSON.parse(textIn(row, "progress")) }
  }

  /** Whether the history of another thread refers to this one. */
  isBase(threadId: string): boolean {
    return this.get("SELECT 1 FROM threads WHERE bases <> '' AND instr(bases, ?) > 0", ` ${threadId} `) !== undefined
  }

  /** Removes a thread with everything that belongs to it. */
  remove(threadId: string): void {
    const row = this.get("SELECT id FROM threads WHERE thread = ?", threadId)
    if (row === undefined) return
    this.clear(numberIn(row, "id"))
    this.run("DELETE FROM threads WHERE id = ?", numberIn(row, "id"))
    this.run("DELETE FROM details WHERE id = ?", numberIn(row, "id"))
  }

  /** Removes what was found in a file. */
  clear(file: number): void {
    this.run("DELETE FROM turns WHERE file = ?", file)
    this.run("DELETE FROM texts WHERE rowid IN (SELECT id FROM items WHERE file = ?)", file)
    this.run("DELETE FROM items WHERE file = ?", file)
  }

  /** Makes the row of a thread without content. Returns its number. */
  add({ path, threadId }: RolloutFile): number {
    const made = this.statement(
      `INSERT INTO threads (thread, path, ino, size, mtime, is_thread, preview, had_turn, archived, source_kind, provider, cwd,
       created_at, updated_at, recency_at, section_position, attachments, revision)
       VALUES (?, ?, 0, -1, 0, 0, '', 0, 0, '', '', '', 0, 0, 0, 0, '[]', 0)`
    ).run(threadId, path)
    const id = Number(made.lastInsertRowid)
    this.run("INSERT OR REPLACE INTO details (id, progress) VALUES (?, 'null')", id)
    return id
  }

  /** Stores how far a file was read, and the summary that follows from it. `name` replaces that of the file. */
  save(id: number, file: RolloutFile, stamp: Stamp, progress: Progress, name: string | null | undefined): void {
    const found = summarize(progress)
    // A file whose first line names another thread has none.
    const summary = found?.origin.id === file.threadId ? found : null
    const slim = progress.state === null ? null : { ...progress.state, turns: [], late: [], conversation: [] }
    this.run(
      "UPDATE details SET progress = ?, summary = ? WHERE id = ?",
      JSON.stringify({ ...progress, state: slim }),
      summary === null ? null : JSON.stringify(summary),
      id
    )
    this.run(
      `UPDATE threads SET path = ?, ino = ?, size = ?, mtime = ?, is_thread = ?, preview = ?, name = ?,
       had_turn = ?, archived = ?, source_kind = ?, provider = ?, cwd = ?, section = ?, created_at = ?, updated_at = ?,
       recency_at = ?, section_position = ?, attachments = ?, bases = ?,
       revision = (SELECT COALESCE(MAX(revision), 0) + 1 FROM threads) WHERE id = ?`,
      stamp.path,
      stamp.ino,
      // A file that was not read to its end does not count as indexed.
      progress.isDone ? stamp.size : -1,
      stamp.mtimeMs,
      summary === null ? 0 : 1,
      summary?.preview ?? "",
      name === undefined ? (summary?.name ?? null) : name,
      summary !== null && (summary.turns > 0 || summary.preview !== "") ? 1 : 0,
      file.isArchived ? 1 : 0,
      summary === null ? "" : sourceKindOf(summary),
      summary?.modelProvider ?? "",
      summary?.cwd ?? "",
      summary?.section?.id ?? null,
      summary === null ? 0 : sortValue(summary, "created_at"),
      summary?.updatedAt ?? 0,
      summary?.recencyAt ?? 0,
      summary?.section?.position ?? 0,
      JSON.stringify(summary?.attachments ?? []),
      basesOf(file, progress),
      id
    )
  }

  /** Where a scan of a file puts what it finds. */
  sink(file: number): Sink {
    let last: TurnRow | undefined
    return {
      turnOf: (id) => {
        if (last?.id !== id) last = this.turnNamed(file, id)
        return last
      },
      turnAt: (n) => this.turns("file = ? AND n = ?", file, n)[0],
      putTurn: (turn) => {
        last = turn
        this.run(
          "INSERT OR REPLACE INTO turns (file, n, seq, turn, root, started, ended, status, error, conversation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          file,
          turn.n,
          turn.seq,
          turn.id,
          turn.root,
          turn.started,
          turn.ended,
          turn.status,
          turn.error === null ? null : JSON.stringify(turn.error),
          turn.conversation
        )
      },
      putItem: (row) => this.#putItem(file * ItemsPerFile + row.item, row),
      cut: (from) => {
        last = undefined
        this.run("DELETE FROM texts WHERE rowid IN (SELECT id FROM items WHERE file = ? AND n >= ?)", file, from)
        this.run("DELETE FROM items WHERE file = ? AND n >= ?", file, from)
        this.run("DELETE FROM turns WHERE file = ? AND n >= ?", file, from)
      }
    }
  }

  #putItem(id: number, { event, length, n, named, part, seq, start }: ItemRow): void {
    this.run(
      "INSERT INTO items (id, file, kind, n, seq, part, start, length, named) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      id,
      Math.floor(id / ItemsPerFile),
      event.type,
      n,
      seq,
      part,
      start,
      length,
      named
    )
    const texts = textsOfItem(event).filter((text) => text !== "")
    if (texts.length > 0) this.run("INSERT INTO texts (rowid, text) VALUES (?, ?)", id, searchableAll(texts))
  }

  /** The last turn with this id. */
  turnNamed(file: number, id: string): TurnRow | undefined {
    const row = this.get("SELECT * FROM turns WHERE file = ? AND turn = ? ORDER BY n DESC LIMIT 1", file, id)
    return row === undefined ? undefined : turnOf(row)
  }

  turns(where: string, ...values: ReadonlyArray<SQLInputValue>): ReadonlyArray<TurnRow> {
    return this.all(`SELECT * FROM turns WHERE ${where}`, ...values).map(turnOf)
  }

  places(where: string, ...values: ReadonlyArray<SQLInputValue>): ReadonlyArray<Place> {
    return this.all(`SELECT n, seq, part, start, length, named FROM items WHERE ${where}`, ...values).map(placeOf)
  }
}

const searchableAll = (texts: ReadonlyArray<string>): string => texts.map(searchable).join("")
