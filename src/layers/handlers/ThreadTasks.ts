/**
 * Turns that are not a user's message: `thread/compact/start` and `review/start`.
 *
 * @module
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type { Turn } from "../../protocol/v2/turn/Turn.ts"
import type { Connection } from "../../services/connection/Connection.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import * as Reply from "../../services/connection/Reply.ts"
import { invalidRequest } from "../../services/routing/RequestError.ts"
import { Threads } from "../../services/thread/Threads.ts"
import { startingTurn } from "../../services/thread/turn/TurnRunner.ts"

/** The client's declared identity, for the model provider. Handlers run only for initialized connections. */
const callerOf = ({ session }: Connection) => ({
  originator: session?.client.name ?? "spindle",
  userAgent: session?.userAgent ?? "spindle"
})

/** The turn of a review in the response: its message is the subject. */
const reviewTurn = (id: string, label: string): Turn => ({
  ...startingTurn({ id, rootTurnId: null }),
  items: [
    {
      type: "userMessage",
      id,
      clientId: null,
      content: [{ type: "text", text: label, text_elements: [] }],
      startedAtMs: null,
      completedAtMs: null
    }
  ]
})

export const make: Effect.Effect<
  HandlersFor<"thread/compact/start" | "review/start">,
  never,
  SecureRandom.SecureRandom | Threads
> = Effect.gen(function* () {
  const threads = yield* Threads
  const random = yield* SecureRandom.SecureRandom

  const compact: Handler<"thread/compact/start"> = Effect.fnUntraced(function* (params, { connection }) {
    const thread = yield* threads.get(params.threadId)
    const turnId = yield* thread.acceptTask
    const { compactTask } = yield* Effect.promise(() => import("../../services/thread/turn/CompactTurn.ts"))
    return Reply.withCommit({}, thread.beginTask(turnId, compactTask(callerOf(connection))))
  })

  const review: Handler<"review/start"> = Effect.fnUntraced(function* ({ target, threadId }, { connection }) {
    const thread = yield* threads.get(threadId)
    const { labelOf, problemOf } = yield* Effect.promise(() => import("../../services/thread/turn/ReviewText.ts"))
    const problem = problemOf(target)
    if (problem !== undefined) return yield* invalidRequest(problem)
    const turnId = yield* thread.acceptTask
    const { reviewTask } = yield* Effect.promise(() => import("../../services/thread/turn/ReviewTurn.ts"))
    const task = reviewTask(target, callerOf(connection), yield* random.uuidV7())
    const result = { turn: reviewTurn(turnId, labelOf(target)), reviewThreadId: thread.id }
    return Reply.withCommit(result, thread.beginTask(turnId, task))
  })

  return { "thread/compact/start": compact, "review/start": review }
})
