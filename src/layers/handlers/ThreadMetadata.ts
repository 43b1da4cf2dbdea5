/**
 * Facts of a thread: its name, its metadata, how far it was read.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsOf } from "../../protocol/Methods.ts"
import type { GitInfo, ThreadReadState } from "../../protocol/v2/thread/Thread.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import { isOnRecord } from "../../services/thread/StoredThread.ts"
import { EphemeralThread, ThreadNotFound } from "../../services/thread/ThreadError.ts"
import type { ThreadEvent } from "../../services/thread/ThreadEvent.ts"
import { problemOf } from "../../services/thread/ThreadId.ts"
import type { ThreadState } from "../../services/thread/ThreadState.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { readStateOf, summaryOf } from "../../services/thread/ThreadView.ts"

/** Maximum number of characters of a client's text in an error. */
const MaxEchoed = 128

type Metadata = ParamsOf<"thread/metadata/update">

const refuseEphemeral = ({ origin }: ThreadState): Effect.Effect<void, EphemeralThread> =>
  origin.ephemeral
    ? Effect.fail(new EphemeralThread({ threadId: origin.id, unsupported: "metadata updates" }))
    : Effect.void

const makeName = (threads: Threads["Service"]): Handler<"thread/name/set"> =>
  Effect.fnUntraced(function* (params) {
    const { threadId } = params
    const name = params.name.trim()
    if (name === "") return yield* invalidRequest("thread name must not be empty")
    const at = yield* Clock.currentTimeMillis
    const { publish } = yield* threads.stored.change(
      threadId,
      Effect.fnUntraced(function* (state) {
        yield* refuseEphemeral(state)
        if (state.archived) return yield* new ThreadNotFound({ threadId, sought: "record" })
        return {
          events: [{ _tag: "NameSet", at, name }],
          notifications: [{ method: "thread/name/updated", params: { threadId, threadName: name } }],
          value: undefined
        }
      })
    )
    return Reply.withCommit({}, publish)
  })

const gitFields = ["sha", "branch", "originUrl"] as const

/** The facts after an update: absent members keep their value, null removes it. */
const gitAfter = Effect.fnUntraced(function* (
  current: GitInfo | null,
  update: NonNullable<Metadata["gitInfo"]>
): Effect.fn.Return<GitInfo | null, RequestError> {
  const next: { -readonly [K in keyof GitInfo]: GitInfo[K] } = {
    sha: current?.sha ?? null,
    branch: current?.branch ?? null,
    originUrl: current?.originUrl ?? null
  }
  for (const field of gitFields) {
    const value = update[field]
    if (value === undefined) continue
    const trimmed = value?.trim() ?? null
    if (trimmed === "") return yield* invalidRequest(`gitInfo.${field} must not be empty`)
    next[field] = trimmed
  }
  return gitFields.every((field) => next[field] === null) ? null : next
})

const checkMetadata = ({ daybreakEnabled, gitInfo, projectId }: Metadata): Effect.Effect<void, RequestError> => {
  if (projectId == null && gitInfo == null && daybreakEnabled == null)
    return Effect.fail(invalidRequest("thread metadata update must include at least one field"))
  if (gitInfo != null && gitFields.every((field) => gitInfo[field] === undefined))
    return Effect.fail(invalidRequest("gitInfo must include at least one field"))
  return (projectId ?? "") === ""
    ? Effect.void
    : Effect.fail(invalidRequest(`project not found: ${projectId?.slice(0, MaxEchoed)}`))
}

const makeMetadata = (threads: Threads["Service"]): Handler<"thread/metadata/update"> =>
  Effect.fnUntraced(function* (params) {
    const { daybreakEnabled, gitInfo, threadId } = params
    yield* checkMetadata(params)
    const at = yield* Clock.currentTimeMillis
    const { state } = yield* threads.stored.change(
      threadId,
      Effect.fnUntraced(function* (state) {
        yield* refuseEphemeral(state)
        const events: Array<ThreadEvent> = []
        if (gitInfo != null) events.push({ _tag: "GitInfoSet", at, gitInfo: yield* gitAfter(state.gitInfo, gitInfo) })
        if (daybreakEnabled != null) events.push({ _tag: "DaybreakSet", at, enabled: daybreakEnabled })
        return { events, value: undefined }
      })
    )
    return { thread: yield* threads.stored.view(summaryOf(state)) }
  })

const conflict = (readState: ThreadReadState) =>
  invalidRequest("read state changed", { reason: "readStateConflict", readState: { ...readState } })

const checkReadStateId = (threadId: string): Effect.Effect<void, RequestError> => {
  const problem = problemOf(threadId)
  const message = `invalid thread id: ${problem}`
  return problem === undefined ? Effect.void : Effect.fail(new RequestError({ code: ErrorCode.InvalidParams, message }))
}

const makeReadState = (
  threads: Threads["Service"],
  random: SecureRandom.SecureRandom["Service"]
): Handler<"thread/readState/update"> =>
  Effect.fnUntraced(function* ({ expectedRevision, operation, threadId }) {
    yield* checkReadStateId(threadId)
    const at = yield* Clock.currentTimeMillis
    const revision = yield* random.uuidV7()
    const changed = threads.stored.change(
      threadId,
      Effect.fnUntraced(function* (state) {
        const current = readStateOf(state, isOnRecord(state))
        if (current === null) return yield* invalidRequest("thread read state unavailable")
        if (current.revision !== expectedRevision) return yield* conflict(current)
        const firstUnread = operation.type === "read" ? null : { type: "threadStart" as const }
        const readState: ThreadReadState = { firstUnread, revision }
        return {
          events: [{ _tag: "ReadStateSet", at, readState }],
          notifications: [{ method: "thread/readState/changed", params: { threadId, readState } }],
          value: readState
        }
      })
    )
    const { publish, value: readState } = yield* Effect.catchTag(changed, "ThreadNotFound", () =>
      Effect.fail(new ThreadNotFound({ threadId, sought: "readable" }))
    )
    // As in the release, the notification precedes the response.
    yield* publish
    return { readState }
  })

export const make: Effect.Effect<
  HandlersFor<"thread/name/set" | "thread/metadata/update" | "thread/readState/update">,
  never,
  Threads | SecureRandom.SecureRandom
> = Effect.gen(function* () {
  const threads = yield* Threads
  const random = yield* SecureRandom.SecureRandom
  return {
    "thread/name/set": makeName(threads),
    "thread/metadata/update": makeMetadata(threads),
    "thread/readState/update": makeReadState(threads, random)
  }
})
