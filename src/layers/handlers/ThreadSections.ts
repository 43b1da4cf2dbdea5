/**
 * Sections, and the places of threads in them.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import { canonicalId } from "../../protocol/ThreadIds.ts"
import type { ThreadSectionAppearance } from "../../protocol/v2/thread/Thread.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import { pageSize } from "../../services/thread/HistoryPages.ts"
import * as SectionOrder from "../../services/thread/SectionOrder.ts"
import { pinned, type SectionError } from "../../services/thread/Sections.ts"
import { EphemeralThread, ThreadNotFound } from "../../services/thread/ThreadError.ts"
import { checkId } from "../../services/thread/ThreadId.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { ThreadStore } from "../../services/thread/ThreadStore.ts"

/** Maximum number of characters of a client's text in an error. */
const MaxEchoed = 128

/** Maximum number of sections of a page. */
const MaxPage = 1000

type Appearance = { readonly icon?: string | null; readonly color?: string | null } | null | undefined

const appearanceOf = (appearance: Appearance): ThreadSectionAppearance | null | undefined =>
  appearance == null ? appearance : { icon: appearance.icon ?? null, color: appearance.color ?? null }

const asInvalidParams = ({ message }: SectionError) =>
  Effect.fail(new RequestError({ code: ErrorCode.InvalidParams, message }))

const makeMove = (threads: Threads["Service"], store: ThreadStore["Service"]): Handler<"thread/section/move"> =>
  Effect.fnUntraced(function* ({ sectionId, threadId, ...params }) {
    yield* checkId(threadId, "thread")
    const beforeId = params.beforeThreadId == null ? null : canonicalId(params.beforeThreadId)
    if (beforeId !== null) {
      if (sectionId === null) return yield* invalidRequest("beforeThreadId requires a non-null sectionId")
      yield* checkId(beforeId, "before thread")
      if (beforeId === threadId) return yield* invalidRequest(`thread ${threadId} cannot be moved before itself`)
    }
    const sections = yield* threads.sections.list
    if (sectionId !== null && !sections.some(({ id }) => id === sectionId))
      return yield* invalidRequest(`section ${sectionId.slice(0, MaxEchoed)} does not exist`)
    const at = yield* Clock.currentTimeMillis
    const place =
      sectionId === null ? null : yield* SectionOrder.place({ store, threads, at }, { sectionId, threadId, beforeId })
    const changed = threads.stored.change(
      threadId,
      Effect.fnUntraced(function* ({ origin }) {
        if (origin.ephemeral) return yield* new EphemeralThread({ threadId, unsupported: "section moves" })
        return {
          events: [{ _tag: "SectionSet", at, section: place }],
          notifications: [{ method: "thread/section/changed", params: { threadId, sectionId } }],
          value: undefined
        }
      })
    )
    const { publish } = yield* Effect.catchTag(changed, "ThreadNotFound", () =>
      Effect.fail(new ThreadNotFound({ threadId, sought: "loaded" }))
    )
    return Reply.withCommit({}, publish)
  })

export const make: Effect.Effect<
  HandlersFor<
    | "thread/section/move"
    | "threadSection/list"
    | "threadSection/create"
    | "threadSection/update"
    | "threadSection/delete"
  >,
  never,
  Threads | ThreadStore
> = Effect.gen(function* () {
  const threads = yield* Threads
  const { sections } = threads

  const list: Handler<"threadSection/list"> = Effect.fnUntraced(function* ({ cursor, limit }) {
    const isLeft = (id: string) => cursor == null || (id !== pinned.id && (cursor === pinned.id || id > cursor))
    const left = (yield* sections.list).filter(({ id }) => isLeft(id))
    const data = left.slice(0, pageSize(limit, MaxPage))
    return { data, nextCursor: data.length === left.length ? null : (data.at(-1)?.id ?? null) }
  })

  const create: Handler<"threadSection/create"> = ({ appearance, name }) =>
    sections.create({ name, appearance: appearanceOf(appearance) }).pipe(
      Effect.map((section) => ({ section })),
      Effect.catchTag("SectionError", asInvalidParams)
    )

  const update: Handler<"threadSection/update"> = ({ appearance, name, sectionId }) =>
    sections.update(sectionId, { name, appearance: appearanceOf(appearance) }).pipe(
      Effect.map((section) => ({ section })),
      Effect.catchTag("SectionError", asInvalidParams)
    )

  const remove: Handler<"threadSection/delete"> = ({ sectionId }) =>
    sections.remove(sectionId).pipe(Effect.as({}), Effect.catchTag("SectionError", asInvalidParams))

  return {
    "thread/section/move": makeMove(threads, yield* ThreadStore),
    "threadSection/list": list,
    "threadSection/create": create,
    "threadSection/update": update,
    "threadSection/delete": remove
  }
})
