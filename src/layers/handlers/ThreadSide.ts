/**
 * Requests beside the history of a thread: open questions of a client, an approved plan, a prediction.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { invalidRequest, RequestError } from "../../services/routing/RequestError.ts"
import { Threads } from "../../services/thread/Threads.ts"

/** Maximum number of characters of a plan. */
export const MaxPlan = 1024 * 1024

/** The plan as an entry of the conversation that clients do not see. */
const planEntry = (markdown: string) => ({
  type: "message" as const,
  role: "user",
  content: [
    {
      type: "input_text" as const,
      text: `<codex_internal_context source="plan">\nThe user has approved this plan.\n\n${markdown}\n</codex_internal_context>`
    }
  ]
})

const prompt = "Implement the plan."

const makePlan = (threads: Threads["Service"], path: Path.Path): Handler<"thread/prepareApprovedPlan"> =>
  Effect.fnUntraced(function* ({ attachmentPath, markdown, threadId }) {
    if (attachmentPath != null && !path.isAbsolute(attachmentPath)) {
      const message = "`attachmentPath` must be absolute on the app server"
      return yield* new RequestError({ code: ErrorCode.InvalidParams, message })
    }
    const thread = yield* threads.get(threadId)
    if (markdown.trim() === "") return yield* invalidRequest("The approved plan is empty.")
    if (markdown.length > MaxPlan)
      return yield* invalidRequest(`The approved plan is longer than ${MaxPlan} characters.`)
    yield* thread.addEntries([planEntry(markdown)])
    return { prompt }
  })

export const make: Effect.Effect<
  HandlersFor<
    | "thread/increment_elicitation"
    | "thread/decrement_elicitation"
    | "thread/prepareApprovedPlan"
    | "thread/prediction/request"
  >,
  never,
  Path.Path | Threads
> = Effect.gen(function* () {
  const threads = yield* Threads
  const path = yield* Path.Path

  const count = (threadId: string, by: 1 | -1) =>
    Effect.flatMap(threads.get(threadId), (thread) => {
      const count = thread.elicitations + by
      if (count < 0) return Effect.fail(invalidRequest("out-of-band elicitation count is already zero"))
      thread.elicitations = count
      return Effect.succeed({ count, paused: count > 0 })
    })

  const predict: Handler<"thread/prediction/request"> = () =>
    Effect.fail(
      new RequestError({ code: ErrorCode.MethodNotFound, message: "thread/prediction/request is not implemented yet" })
    )

  return {
    "thread/increment_elicitation": ({ threadId }) => count(threadId, 1),
    "thread/decrement_elicitation": ({ threadId }) => count(threadId, -1),
    "thread/prepareApprovedPlan": makePlan(threads, path),
    "thread/prediction/request": predict
  }
})
