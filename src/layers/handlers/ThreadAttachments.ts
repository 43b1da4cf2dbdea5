/**
 * Attachments of threads.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ResultOf } from "../../protocol/Methods.ts"
import { canonicalId } from "../../protocol/ThreadIds.ts"
import type { ThreadAttachment } from "../../protocol/v2/thread/Attachment.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { RequestError } from "../../services/routing/RequestError.ts"
import { pageSize } from "../../services/thread/HistoryPages.ts"
import * as ThreadCursor from "../../services/thread/ThreadCursor.ts"
import type { ThreadEvent } from "../../services/thread/ThreadEvent.ts"
import type { Decision, Notification } from "../../services/thread/ThreadJournal.ts"
import { problemOf } from "../../services/thread/ThreadId.ts"
import type { ThreadState } from "../../services/thread/ThreadState.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { everyThread, type AttachmentIdentity, ThreadStore } from "../../services/thread/ThreadStore.ts"
import { seconds } from "../../services/thread/ThreadView.ts"

/** Limits in bytes. */
const MaxIdentity = 256
const MaxPayload = 65_536

/** Maximum number of attachments of a thread, and of entries of a page. */
const MaxAttachments = 1000

const invalid = (message: string) => new RequestError({ code: ErrorCode.InvalidParams, message })

const invalidCursor = invalid("invalid pagination cursor")

const checkIdentity = (identity: AttachmentIdentity): Effect.Effect<void, RequestError> => {
  for (const field of ["attachmentType", "identityKey"] as const) {
    if (identity[field] === "") return Effect.fail(invalid(`${field} must not be empty`))
    if (Buffer.byteLength(identity[field]) > MaxIdentity)
      return Effect.fail(invalid(`${field} must not exceed ${MaxIdentity} bytes`))
  }
  return Effect.void
}

/** Errors about the thread have another code here than elsewhere. */
const checkThreadId = (threadId: string): Effect.Effect<void, RequestError> => {
  const problem = problemOf(threadId)
  return problem === undefined ? Effect.void : Effect.fail(invalid(`invalid thread id: ${problem}`))
}

const notFound = (threadId: string) => Effect.fail(invalid(`thread not found: ${threadId}`))

const sameAs =
  ({ attachmentType, identityKey }: AttachmentIdentity) =>
  (one: AttachmentIdentity): boolean =>
    one.attachmentType === attachmentType && one.identityKey === identityKey

const updated = (
  threadId: string,
  { attachmentType, id, identityKey }: ThreadAttachment,
  operation: "created" | "deleted"
): Notification => ({
  method: "thread/attachment/updated",
  params: { threadId, attachmentType, identityKey, attachmentId: id, operation }
})

const makeAdd = (
  threads: Threads["Service"],
  random: SecureRandom.SecureRandom["Service"]
): Handler<"thread/attachment/add"> =>
  Effect.fnUntraced(function* ({ threadId, payload, ...identity }) {
    yield* checkThreadId(threadId)
    yield* checkIdentity(identity)
    if (Buffer.byteLength(JSON.stringify(payload)) > MaxPayload)
      return yield* invalid(`attachment payload must not exceed ${MaxPayload} bytes`)
    const at = yield* Clock.currentTimeMillis
    const { attachmentType, identityKey } = identity
    const added: ThreadAttachment = {
      id: yield* random.uuidV7(),
      attachmentType,
      identityKey,
      payload,
      createdAt: seconds(at)
    }
    const changed = threads.stored.change(
      threadId,
      Effect.fnUntraced(function* ({
        attachments,
        origin
      }): Effect.fn.Return<Decision<ResultOf<"thread/attachment/add">>, RequestError> {
        if (origin.ephemeral) return yield* notFound(threadId)
        const existing = attachments.find(sameAs(identity))
        if (existing !== undefined) return { events: [], value: { outcome: "existing", attachment: existing } }
        if (attachments.length >= MaxAttachments)
          return yield* invalid(`a thread must not have more than ${MaxAttachments} attachments`)
        const events: ReadonlyArray<ThreadEvent> = [{ _tag: "AttachmentAdded", at, attachment: added }]
        const notifications = [updated(threadId, added, "created")]
        return { events, notifications, value: { outcome: "created", attachment: added } }
      })
    )
    const { publish, value } = yield* Effect.catchTag(changed, "ThreadNotFound", () => notFound(threadId))
    return Reply.withCommit(value, publish)
  })

const makeRemove = (threads: Threads["Service"]): Handler<"thread/attachment/remove"> =>
  Effect.fnUntraced(function* ({ threadId, ...identity }) {
    yield* checkThreadId(threadId)
    yield* checkIdentity(identity)
    const at = yield* Clock.currentTimeMillis
    const changed = threads.stored.change(
      threadId,
      Effect.fnUntraced(function* ({ attachments, origin }) {
        if (origin.ephemeral) return yield* notFound(threadId)
        const existing = attachments.find(sameAs(identity))
        if (existing === undefined) return { events: [], value: undefined }
        const events: ReadonlyArray<ThreadEvent> = [{ _tag: "AttachmentRemoved", at, attachmentId: existing.id }]
        return { events, notifications: [updated(threadId, existing, "deleted")], value: undefined }
      })
    )
    const { publish } = yield* Effect.catchTag(changed, "ThreadNotFound", () => notFound(threadId))
    return Reply.withCommit({}, publish)
  })

/** The cursor behind an attachment. */
const cursorOf = (threadId: string, { createdAt, id }: ThreadAttachment): string => `${threadId}|${createdAt}|${id}`

const makeList = (threads: Threads["Service"]): Handler<"thread/attachment/list"> =>
  Effect.fnUntraced(function* ({ cursor, limit, threadId }) {
    yield* checkThreadId(threadId)
    const state: ThreadState | null = yield* threads.stored.state(threadId)
    const attachments = state === null || state.origin.ephemeral ? [] : state.attachments
    const parts = cursor?.split("|")
    if (parts !== undefined && (parts.length !== 3 || parts[0] !== threadId || !/^\d{1,15}$/.test(parts[1] ?? "")))
      return yield* invalidCursor
    const [, after = "", afterId = ""] = parts ?? []
    const isLeft = ({ createdAt, id }: ThreadAttachment) =>
      parts === undefined || createdAt > Number(after) || (createdAt === Number(after) && id > afterId)
    const left = attachments.filter(isLeft)
    const data = left.slice(0, pageSize(limit, MaxAttachments))
    const last = data.at(-1)
    return { data, nextCursor: last === undefined || data.length === left.length ? null : cursorOf(threadId, last) }
  })

const makeOwners = (store: ThreadStore["Service"]): Handler<"thread/attachmentOwner/list"> =>
  Effect.fnUntraced(function* ({ archived, cursor, limit, ...identity }) {
    yield* checkIdentity(identity)
    const position = cursor == null ? null : ThreadCursor.parse(cursor)
    const id = position?.id ?? null
    if (position === undefined || (position !== null && (id === null || problemOf(id) !== undefined)))
      return yield* invalidCursor
    const { nextCursor, threads } = yield* store.list({
      filter: {
        ...everyThread,
        archived: archived ?? null,
        attachment: { attachmentType: identity.attachmentType, identityKey: identity.identityKey }
      },
      cursor: position === null || id === null ? null : { value: position.value, id: canonicalId(id) },
      limit: pageSize(limit, MaxAttachments),
      sortKey: "created_at",
      sortDirection: "asc"
    })
    return { data: threads.map(({ archived, origin }) => ({ threadId: origin.id, archived })), nextCursor }
  })

export const make: Effect.Effect<
  HandlersFor<
    "thread/attachment/add" | "thread/attachment/remove" | "thread/attachment/list" | "thread/attachmentOwner/list"
  >,
  never,
  SecureRandom.SecureRandom | Threads | ThreadStore
> = Effect.gen(function* () {
  const threads = yield* Threads
  const random = yield* SecureRandom.SecureRandom
  return {
    "thread/attachment/add": makeAdd(threads, random),
    "thread/attachment/remove": makeRemove(threads),
    "thread/attachment/list": makeList(threads),
    "thread/attachmentOwner/list": makeOwners(yield* ThreadStore)
  }
})
