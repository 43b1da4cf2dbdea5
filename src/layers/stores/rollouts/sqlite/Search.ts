/**
 * Searches the texts of the index, in short steps.
 *
 * The steps are those of generators: each does a few milliseconds of work, however common the text is, and the caller pauses
 * between them. The index has no texts: it finds the items in which a text may occur, and these are read from their files. For
 * a text that occurs in very many items, the threads are read in the order of the answer instead, because its first page is
 * found sooner than all items are counted.
 *
 * @module
 */
import type { ThreadMatch, ThreadPageRequest } from "../../../../services/thread/ThreadStore.ts"
import { isLeft, snippetIn, textsOfItem } from "../../Query.ts"
import { ItemsPerFile } from "./Database.ts"
import { ItemReader } from "./Items.ts"
import { isPlain, orderedNumbers } from "./Queries.ts"
import { type Place, summaryIn, type Tables } from "./Tables.ts"

/** Items that are sought in the index. A text that more items may have is common. */
const MaxItems = 2048

/** Items of a thread that are looked up in one step. */
const PlacesPerStep = 64

/** Terms that are read in one step: reading one takes as long as it has items. */
const TermsPerStep = 8

/** Terms of one expression: each takes time in every window. */
const TermsPerExpression = 64

/** Rows that are read in one step. */
const RowsPerStep = 512

/** A step that takes longer than this many milliseconds makes the next ones shorter. */
const LongMillis = 2

/** Number of ids in the first window, in the smallest and in the largest one. */
const FirstWindow = 64 * ItemsPerFile
const SmallestWindow = 256
const LargestWindow = 2 ** 20 * ItemsPerFile

const quoted = (term: string): string => `"${term.replaceAll('"', '""')}"`

/** All terms of three characters that begin with a shorter text. */
function* termsOf(tables: Tables, text: string): Generator<void, ReadonlyArray<string> | "common"> {
  const found: Array<string> = []
  let than = ">="
  for (let items = 0; items <= MaxItems;) {
    const rows = tables.all(
      `SELECT term, doc FROM terms WHERE term ${than} ? AND term < ? LIMIT ?`,
      found.at(-1) ?? text,
      `${text}\u{10ffff}`,
      TermsPerStep
    )
    found.push(...rows.map(({ term }) => String(term)))
    items += rows.reduce((sum, { doc }) => sum + Number(doc), 0)
    if (rows.length < TermsPerStep) return found
    than = ">"
    yield
  }
  return "common"
}

const anyOf = (terms: ReadonlyArray<string>): ReadonlyArray<string> => {
  const groups: Array<string> = []
  for (let from = 0; from < terms.length; from += TermsPerExpression) {
    const some = terms.slice(from, from + TermsPerExpression)
    groups.push(some.map(quoted).join(" OR "))
  }
  return groups
}

const allOf = (text: string): string => {
  const points = Array.from(text)
  const terms = new Set(points.slice(2).map((_, index) => quoted(points.slice(index, index + 3).join(""))))
  return Array.from(terms).slice(0, 64).join(" AND ")
}

/** The expressions of which an item matches one if the text occurs in it; other items may match too. */
function* expressionsOf(tables: Tables, text: string): Generator<void, ReadonlyArray<string> | "common"> {
  const found = new Set<string>()
  for (const form of new Set([text.toLowerCase(), text])) {
    if (Array.from(form).length >= 3) {
      found.add(allOf(form))
      continue
    }
    const terms = yield* termsOf(tables, form)
    if (terms === "common") return terms
    for (const expression of anyOf(terms)) found.add(expression)
  }
  return Array.from(found)
}

type Matching = ReadonlyMap<number, ReadonlySet<number>>

/** The items that match an expression, by the number of their file. The ids are searched in windows. */
function* matching(tables: Tables, expressions: ReadonlyArray<string>): Generator<void, Matching | "common"> {
  const found = new Map<number, Set<number>>()
  let left = MaxItems
  for (const expression of expressions) {
    let window = FirstWindow
    for (let from = nextItem(tables, 0); from !== undefined; yield) {
      const begin = performance.now()
      const rows = tables.all(
        "SELECT rowid FROM texts WHERE texts MATCH ? AND rowid >= ? AND rowid < ? ORDER BY rowid LIMIT ?",
        expression,
        from,
        from + window,
        RowsPerStep
      )
      for (const row of rows) {
        const item = Number(row["rowid"])
        const file = Math.floor(item / ItemsPerFile)
        const items = found.get(file)
        if (items === undefined) found.set(file, new Set([item]))
        else items.add(item)
      }
      left -= rows.length
      if (left < 0) return "common"
      const isFull = rows.length === RowsPerStep
      from = nextItem(tables, isFull ? Number(rows.at(-1)?.["rowid"]) + 1 : from + window)
      const isLong = isFull || performance.now() - begin > LongMillis
      window = isLong ? Math.max(window / 2, SmallestWindow) : Math.min(window * 4, LargestWindow)
    }
  }
  return found
}

/** The first item from an id on. */
const nextItem = (tables: Tables, from: number): number | undefined => {
  const row = tables.get("SELECT id FROM items WHERE id >= ? ORDER BY id LIMIT 1", from)
  return row === undefined ? undefined : Number(row["id"])
}

/** The places of a file's items in the order of their turns: of these items, or of all. */
function* placesOf(tables: Tables, file: number, items: ReadonlySet<number> | undefined): Generator<Place> {
  if (items !== undefined) {
    const places = tables.places("id IN (SELECT value FROM json_each(?))", JSON.stringify(Array.from(items)))
    return yield* places.toSorted((a, b) => a.n - b.n || a.seq - b.seq)
  }
  for (let last: Place | undefined; ;) {
    const places = tables.places(
      "file = ? AND (n, seq) > (?, ?) ORDER BY n, seq LIMIT ?",
      file,
      last?.n ?? -1,
      last?.seq ?? -1,
      PlacesPerStep
    )
    yield* places
    last = places.at(-1)
    if (places.length < PlacesPerStep) return
  }
}

/** What a search needs besides the request. */
export interface SearchOptions {
  readonly tables: Tables
  /** Whether a thread's file is as it was indexed. */
  readonly isCurrent: (threadId: string) => boolean
}

/** The first place in a thread where the text occurs. */
function* matchIn(
  { isCurrent, tables }: SearchOptions,
  id: number,
  items: ReadonlySet<number> | undefined,
  text: string
): Generator<void, ThreadMatch | "none" | "again"> {
  const row = tables.get(
    "SELECT thread, summary, name, archived, progress FROM threads JOIN details USING (id) WHERE id = ?",
    id
  )
  const thread = row === undefined ? null : summaryIn(row)
  if (row === undefined || thread === null || !isCurrent(String(row["thread"]))) return "again"
  const reader = new ItemReader(JSON.parse(String(row["progress"])))
  try {
    for (const place of placesOf(tables, id, items)) {
      const snippet = snippetIn(textsOfItem(reader.read(place, "")), text)
      if (snippet !== undefined) return { thread, snippet }
      yield
    }
    return "none"
  } finally {
    reader.close()
  }
}

/**
 * The first matches of a request, one more than its limit if there are so many. `again` when a file was changed; undefined
 * when the index cannot answer.
 */
export function* search(
  options: SearchOptions,
  request: ThreadPageRequest & { readonly text: string }
): Generator<void, ReadonlyArray<ThreadMatch> | "again" | undefined> {
  const { limit, text } = request
  if (!isPlain(text) || text === "") return undefined
  const expressions = yield* expressionsOf(options.tables, text)
  const items = expressions === "common" ? expressions : yield* matching(options.tables, expressions)
  const among = items === "common" ? undefined : items
  const isShown = isLeft(request)
  const found: Array<ThreadMatch> = []
  for (const page of orderedNumbers(options.tables, request, among)) {
    yield
    for (const id of page) {
      const match = yield* matchIn(options, id, among?.get(id), text)
      if (match === "again") return "again"
      if (match !== "none" && isShown(match.thread)) found.push(match)
      if (found.length > limit) return found
      yield
    }
  }
  return found
}
