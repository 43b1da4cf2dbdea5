/**
 * The queue of a thread.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Reply from "../../services/connection/Reply.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { warningsFor } from "../../services/decoding/ParameterDecisions.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { internal, invalidRequest, type RequestError } from "../../services/routing/RequestError.ts"
import { pageSize } from "../../services/thread/HistoryPages.ts"
import {
  EphemeralThread,
  ThreadArchived,
  ThreadNotFound,
  type ThreadRefusal
} from "../../services/thread/ThreadError.ts"
import { checkId } from "../../services/thread/ThreadId.ts"
import type { Decision } from "../../services/thread/ThreadJournal.ts"
import * as Queue from "../../services/thread/ThreadQueue.ts"
import type { ThreadState } from "../../services/thread/ThreadState.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { checkLength } from "../../services/thread/turn/UserMessage.ts"
import { warn } from "./Warnings.ts"

const unservedAtAdding = warningsFor("thread/queue/add")
const unservedAtUpdating = warningsFor("thread/queue/update")

const unknownThread = (threadId: string) =>
  internal(`failed to read thread: invalid thread-store request: no rollout found for thread id ${threadId}`)

const checkKept = ({ archived, origin }: ThreadState): Effect.Effect<void, EphemeralThread | ThreadArchived> => {
  if (origin.ephemeral)
    return Effect.fail(new EphemeralThread({ threadId: origin.id, unsupported: "queued submissions" }))
  return archived ? Effect.fail(new ThreadArchived({ threadId: origin.id })) : Effect.void
}

/** Changes the queue of a thread, loaded or not. */
const makeChange =
  (threads: Threads["Service"]) =>
  <A>(threadId: string, decide: (state: ThreadState) => Effect.Effect<Decision<A>, ThreadRefusal>) =>
    Effect.mapError(
      threads.stored.change(threadId, (state) => Effect.andThen(checkKept(state), decide(state))),
      (error) => (error instanceof ThreadNotFound ? unknownThread(threadId) : error)
    )

/** The index in a queue that a cursor refers to. */
const indexIn = (cursor: string | null | undefined): Effect.Effect<number, RequestError> => {
  if (cursor == null) return Effect.succeed(0)
  if (cursor === "")
    return Effect.fail(invalidRequest("invalid queue pagination cursor: cannot parse integer from empty string"))
  return /^\d{1,9}$/.test(cursor)
    ? Effect.succeed(Number(cursor))
    : Effect.fail(invalidRequest("invalid queue pagination cursor: invalid digit found in string"))
}

const makeList = (threads: Threads["Service"]): Handler<"thread/queue/list"> =>
  Effect.fnUntraced(function* ({ cursor, limit, threadId }) {
    const state = yield* threads.stored.state(threadId)
    if (state === null) return yield* unknownThread(threadId)
    yield* checkKept(state)
    const from = yield* indexIn(cursor)
    const data = state.queue.slice(from, from + pageSize(limit, Queue.MaxQueued))
    const next = from + data.length
    return { data, nextCursor: data.length > 0 && next < state.queue.length ? String(next) : null }
  })

const makeStart = (threads: Threads["Service"]): Handler<"thread/queue/start"> =>
  Effect.fnUntraced(function* ({ queuedSubmissionId, threadId }) {
    yield* checkId(threadId, "thread")
    const thread = threads.find(threadId)
    const state = thread?.state ?? (yield* threads.stored.state(threadId))
    if (state === null) return yield* unknownThread(threadId)
    yield* checkKept(state)
    if (thread === undefined) return yield* invalidRequest("resume the thread before starting a queued message")
    const accepted = yield* thread.queue.accept(queuedSubmissionId ?? null)
    return Reply.withCommit({ turn: accepted.turn }, thread.begin(accepted))
  })

export const make: Effect.Effect<
  HandlersFor<
    | "thread/queue/add"
    | "thread/queue/list"
    | "thread/queue/update"
    | "thread/queue/delete"
    | "thread/queue/reorder"
    | "thread/queue/start"
  >,
  never,
  OutboundRouter | SecureRandom.SecureRandom | Threads
> = Effect.gen(function* () {
  const router = yield* OutboundRouter
  const threads = yield* Threads
  const random = yield* SecureRandom.SecureRandom
  const change = makeChange(threads)

  const add: Handler<"thread/queue/add"> = Effect.fnUntraced(function* ({ input, threadId, ...params }) {
    yield* checkLength(input)
    const queuedSubmission = {
      id: yield* random.uuidV7(),
      input,
      clientUserMessageId: params.clientUserMessageId,
      responsesapiClientMetadata: params.responsesapiClientMetadata ?? null
    }
    const at = yield* Clock.currentTimeMillis
    const { publish, value: isOnly } = yield* change(threadId, (state) => Queue.add(state, queuedSubmission, at))
    const starting = isOnly ? (threads.find(threadId)?.queue.start ?? Effect.void) : Effect.void
    const warnings = warn(router, threadId, unservedAtAdding({ input }))
    const commit = publish.pipe(Effect.andThen(starting), Effect.andThen(warnings))
    return Reply.withCommit({ queuedSubmission }, commit)
  })

  const update: Handler<"thread/queue/update"> = Effect.fnUntraced(function* ({ input, threadId, ...params }) {
    yield* checkLength(input)
    const at = yield* Clock.currentTimeMillis
    const content = { id: params.queuedSubmissionId, input, metadata: params.responsesapiClientMetadata ?? null }
    const { publish, value } = yield* change(threadId, (state) => Queue.update(state, content, at))
    const warnings = warn(router, threadId, unservedAtUpdating({ input }))
    return Reply.withCommit({ queuedSubmission: value }, Effect.andThen(publish, warnings))
  })

  const remove: Handler<"thread/queue/delete"> = Effect.fnUntraced(function* ({ queuedSubmissionId, threadId }) {
    const at = yield* Clock.currentTimeMillis
    const { publish, value: deleted } = yield* change(threadId, (state) =>
      Effect.succeed(Queue.remove(state, queuedSubmissionId, at))
    )
    return Reply.withCommit({ deleted }, publish)
  })

  const reorder: Handler<"thread/queue/reorder"> = Effect.fnUntraced(function* ({ queuedSubmissionIds, threadId }) {
    const at = yield* Clock.currentTimeMillis
    const { publish } = yield* change(threadId, (state) => Queue.reorder(state, queuedSubmissionIds, at))
    return Reply.withCommit({}, publish)
  })

  return {
    "thread/queue/add": add,
    "thread/queue/list": makeList(threads),
    "thread/queue/update": update,
    "thread/queue/delete": remove,
    "thread/queue/reorder": reorder,
    "thread/queue/start": makeStart(threads)
  }
})
