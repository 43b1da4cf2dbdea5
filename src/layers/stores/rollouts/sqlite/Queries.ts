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
import type { Row, Tables } from "./Tables.ts"

interface Condition {
  readonly sql: string
  readonly values: ReadonlyArray<SQLInputValue>
}

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

/** So few threads are named in a statement; more are left out of its result. */
const MaxNamed = 1000

/** Rows that are read at a time. */
const RowsPerPage = 256

/** The numbers of those threads, or of all, that the request's filter and cursor leave, in its order; in pages. */
export function* orderedNumbers(
  tables: Tables,
  request: ThreadPageRequest,
  among: ReadonlyMap<number, unknown> | undefined
): Generator<ReadonlyArray<number>> {
  const ids = among !== undefined && among.size <= MaxNamed ? Array.from(among.keys()) : undefined
  const named =
    ids === undefined ? [] : [{ sql: "id IN (SELECT value FROM json_each(?))", values: [JSON.stringify(ids)] }]
  if (among?.size === 0) return
  for (let { cursor } = request; ;) {
    const all = [...named, ...conditionsOf({ ...request, cursor })]
    const found = tables.all(
      `SELECT id, thread, ${columnOf(request.sortKey)} AS value FROM threads
       WHERE ${all.map(({ sql }) => sql).join(" AND ")} ORDER BY ${ordered(request)} LIMIT ?`,
      ...all.flatMap(({ values }) => values),
      RowsPerPage
    )
    yield found.map(({ id }) => Number(id)).filter((id) => among?.has(id) !== false)
    const last = found.at(-1)
    if (last === undefined || found.length < RowsPerPage) return
    cursor = { value: Number(last["value"]), id: String(last["thread"]) }
  }
}
