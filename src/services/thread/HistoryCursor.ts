/**
 * The text of cursors into the history of a thread, which is that of the release: an object with the thread, a position, and
 * what is counted. A cursor of another thread or of another query is refused.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import * as Option from "effect/Option"
import { lazy } from "../../protocol/Lazy.ts"
import type { HistoryPosition } from "./History.ts"

/** What a cursor counts. */
export type HistoryKind = "turns" | "itemsByCreatedAtOrdinal"

/** Maximum number of characters of a cursor. */
const MaxLength = 1024

const Position = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const decodeCursor = lazy(() =>
  Schema.decodeUnknownOption(
    Schema.fromJsonString(
      Schema.Struct({
        requestedThreadId: Schema.String,
        rolloutOrdinal: Position,
        includeAnchor: Schema.Boolean,
        scope: Schema.Struct({ kind: Schema.String })
      })
    )
  )
)

/** A cursor at a position. */
export const textOf = (threadId: string, kind: HistoryKind, { inclusive, seq }: HistoryPosition): string =>
  JSON.stringify({ requestedThreadId: threadId, rolloutOrdinal: seq, includeAnchor: inclusive, scope: { kind } })

/** Undefined when the text is no cursor of this thread and kind. */
export const parse = (threadId: string, kind: HistoryKind, text: string): HistoryPosition | undefined => {
  if (text.length > MaxLength) return undefined
  const cursor = Option.getOrUndefined(decodeCursor()(text))
  if (cursor === undefined || cursor.requestedThreadId !== threadId || cursor.scope.kind !== kind) return undefined
  return { seq: cursor.rolloutOrdinal, inclusive: cursor.includeAnchor }
}

const decodeOccurrence = lazy(() =>
  Schema.decodeUnknownOption(
    Schema.fromJsonString(
      Schema.Struct({
        threadId: Schema.String,
        searchTerm: Schema.String,
        nextRolloutOrdinal: Position,
        nextOccurrenceIndex: Position
      })
    )
  )
)

/** The next occurrence of a search: the position of its item, and its index in the item. */
export interface OccurrencePosition {
  readonly seq: number
  readonly index: number
}

export const textOfOccurrence = (threadId: string, searchTerm: string, { index, seq }: OccurrencePosition): string =>
  JSON.stringify({ threadId, searchTerm, nextRolloutOrdinal: seq, nextOccurrenceIndex: index })

/** Undefined when the text is no cursor of this search. */
export const parseOccurrence = (threadId: string, searchTerm: string, text: string): OccurrencePosition | undefined => {
  if (text.length > MaxLength + 2 * searchTerm.length) return undefined
  const cursor = Option.getOrUndefined(decodeOccurrence()(text))
  if (cursor === undefined || cursor.threadId !== threadId || cursor.searchTerm !== searchTerm) return undefined
  return { seq: cursor.nextRolloutOrdinal, index: cursor.nextOccurrenceIndex }
}

const decodeTimeline = lazy(() =>
  Schema.decodeUnknownOption(
    Schema.fromJsonString(
      Schema.Struct({
        threadId: Schema.String,
        position: Position,
        kind: Schema.Literals([0, 1, 2, 3]),
        id: Schema.String
      })
    )
  )
)

/** The first entry of a page of a timeline. The page before it ends in front of this entry. */
export type TimelineCursor = NonNullable<ReturnType<typeof parseTimeline>>

/** The text of a cursor of a timeline, in the order of the members of the release. */
export const textOfTimeline = ({ id, kind, position, threadId }: TimelineCursor): string =>
  JSON.stringify({ threadId, position, kind, id })

/** Undefined when the text is no cursor of a timeline. It may be one of another thread. */
export const parseTimeline = (text: string) =>
  text.length > MaxLength ? undefined : Option.getOrUndefined(decodeTimeline()(text))
