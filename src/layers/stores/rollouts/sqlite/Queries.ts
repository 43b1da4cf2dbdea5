/**
 * Queries over all threads of the index, as SQL.
 *
 * The conditions are those of `Query`. A caller checks the rows with `Query` again where texts are compared, because SQLite
 * and JavaScript differ for text that is not well formed.
 *
 * @module
 */
import type { SQLInputValue } from "node:sqlite"
import type { ThreadPageRequest } from "../../../../services/thread/ThreadStore.ts"
import { ItemsPerFile } from "./Database.ts"
import type { Row, Tables } from "./Tables.ts"

interface Condition {
  readonly sql: string
  readonly values: ReadonlyArray<SQLInputValue>
}

/** Terms that a short text is replaced by, at most. */
const MaxTerms = 4096

const among = (column: string, values: ReadonlyArray<string> | null, not = ""): ReadonlyArray<Condition> =>
  values === null
    ? []
    : [{ sql: `${column} ${not} IN (SELECT value FROM json_each(?))`, values: [JSON.stringify(values)] }]

const inSection = (section: ThreadPageRequest["filter"]["section"]): ReadonlyArray<Condition> => {
  if (section === null) return []
  if ("anyOf" in section) return among("section", section.anyOf)
  const [none] = among("section", section.noneOf, "NOT")
  return none === undefined ? [] : [{ sql: `(section IS NULL OR ${none.sql})`, values: none.values }]
}

const had = ({ attachment }: ThreadPageRequest["filter"]): Condition =>
  attachment === null
    ? { sql: "had_turn = 1", values: [] }
    : {
        sql: `EXISTS (SELECT 1 FROM json_each(attachments) WHERE json_extract(value, '$.attachmentType') = ?
              AND json_extract(value, '$.identityKey') = ?)`,
        values: [attachment.attachmentType, attachment.identityKey]
      }

const behind = ({ cursor, sortDirection, sortKey }: ThreadPageRequest): ReadonlyArray<Condition> => {
  if (cursor === null) return []
  const [column, than] = [columnOf(sortKey), sortDirection === "asc" ? ">" : "<"]
  const { id, value } = cursor
  if (id === null) return [{ sql: `${column} ${than} ?`, values: [value] }]
  return [{ sql: `(${column}, thread) ${than} (?, ?)`, values: [value, id] }]
}

const columnOf = (key: ThreadPageRequest["sortKey"]): string => key

const conditionsOf = (request: ThreadPageRequest): ReadonlyArray<Condition> => {
  const { filter } = request
  const { text } = filter
  return [
    { sql: "is_thread = 1", values: [] },
    had(filter),
    ...(filter.archived === null ? [] : [{ sql: "archived = ?", values: [filter.archived ? 1 : 0] }]),
    ...inSection(filter.section),
    ...among("source_kind", filter.sourceKinds),
    ...among("provider", filter.modelProviders),
    ...among("cwd", filter.cwds),
    ...(filter.excludedIds.length === 0 ? [] : among("thread", filter.excludedIds, "NOT")),
    ...(text === null || text === ""
      ? []
      : [{ sql: "(instr(preview, ?) > 0 OR instr(name, ?) > 0)", values: [text, text] }]),
    ...(request.sortKey === "section_position" ? [{ sql: "section IS NOT NULL", values: [] }] : []),
    ...behind(request)
  ]
}

const ordered = ({ sortDirection, sortKey }: ThreadPageRequest): string =>
  `${columnOf(sortKey)} ${sortDirection}, thread ${sortDirection}`

/** The threads that the request's filter and cursor leave, in its order, from a number on. */
export const rows = (tables: Tables, request: ThreadPageRequest, limit: number, skip: number): ReadonlyArray<Row> => {
  const all = conditionsOf(request)
  return tables.all(
    `SELECT thread, summary, name, archived FROM threads JOIN details USING (id)
     WHERE ${all.map(({ sql }) => sql).join(" AND ")} ORDER BY ${ordered(request)} LIMIT ? OFFSET ?`,
    ...all.flatMap(({ values }) => values),
    limit,
    skip
  )
}

/** Whether SQLite sees the same characters as JavaScript. */
export const isPlain = (text: string): boolean => text.isWellFormed() && !text.includes("\0")

const quoted = (term: string): string => `"${term.replaceAll('"', '""')}"`

/** All terms of three characters that begin with a shorter text; undefined when there are too many. */
const termsOf = (tables: Tables, text: string): string | undefined => {
  const found = tables.all(
    "SELECT term FROM terms WHERE term >= ? AND term < ? LIMIT ?",
    text,
    `${text}\u{10ffff}`,
    MaxTerms + 1
  )
  return found.length > MaxTerms ? undefined : found.map(({ term }) => quoted(String(term))).join(" OR ")
}

const allOf = (text: string): string => {
  const points = Array.from(text)
  const terms = new Set(points.slice(2).map((_, index) => quoted(points.slice(index, index + 3).join(""))))
  return Array.from(terms).slice(0, 64).join(" AND ")
}

/**
 * The expression that all items match in which a text occurs, and some others. Empty when none does; undefined when the index
 * cannot answer.
 */
export const expressionOf = (tables: Tables, text: string): string | undefined => {
  if (!isPlain(text) || text === "") return undefined
  const found = Array.from(new Set([text.toLowerCase(), text]), (form) =>
    Array.from(form).length < 3 ? termsOf(tables, form) : allOf(form)
  )
  if (found.includes(undefined)) return undefined
  return found
    .filter((part) => part !== "")
    .map((part) => `(${part})`)
    .join(" OR ")
}

/** The items that match an expression, by the number of their file. */
export const matching = (tables: Tables, expression: string): ReadonlyMap<number, ReadonlyArray<number>> => {
  const found = new Map<number, Array<number>>()
  if (expression === "") return found
  for (const { rowid } of tables.all("SELECT rowid FROM texts WHERE texts MATCH ?", expression)) {
    const file = Math.floor(Number(rowid) / ItemsPerFile)
    const items = found.get(file)
    if (items === undefined) found.set(file, [Number(rowid)])
    else items.push(Number(rowid))
  }
  return found
}

/** So few threads are named in a statement; more are left out of its result. */
const MaxNamed = 1000

/** The numbers of those threads that the request's filter and cursor leave, in its order. */
export const numbers = (
  tables: Tables,
  request: ThreadPageRequest,
  among: ReadonlyMap<number, unknown>
): ReadonlyArray<number> => {
  const isFew = among.size <= MaxNamed
  const named = { sql: "id IN (SELECT value FROM json_each(?))", values: [JSON.stringify([...among.keys()])] }
  const all = [...(isFew ? [named] : []), ...conditionsOf(request)]
  const found = tables.all(
    `SELECT id FROM threads WHERE ${all.map(({ sql }) => sql).join(" AND ")} ORDER BY ${ordered(request)}`,
    ...all.flatMap(({ values }) => values)
  )
  return found.map(({ id }) => Number(id)).filter((id) => among.has(id))
}
