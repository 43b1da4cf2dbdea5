/**
 * A review of changes: a model with instructions of its own reads them and reports findings.
 *
 * ```
 *  enteredReviewMode ─► status, turn/started ─► userMessage (the prompt) ─► model and tools ─► exitedReviewMode ─► agentMessage
 * ```
 *
 * The thread's conversation gets the result, not the way to it. A review that fails or is interrupted ends with the same items,
 * which say so. As in the release, `turn/started` names another turn; everything else names the turn of the response.
 *
 * Loaded with the first review.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ThreadItem } from "../../../protocol/v2/item/Item.ts"
import type { ReviewTarget } from "../../../protocol/v2/review/Review.ts"
import type { ThreadContext } from "../ThreadContext.ts"
import type { ThreadEvent } from "../ThreadEvent.ts"
import type { ActiveTurn } from "./ActiveTurn.ts"
import type { ClientIdentity } from "./ModelRequests.ts"
import { prepared, recordAborted, recordMessage } from "./Recording.ts"
import { ReviewContext } from "./ReviewContext.ts"
import { actionNote, interruptedReview, labelOf, noReview, promptOf, shownReview } from "./ReviewText.ts"
import { contextEvents } from "./TurnContext.ts"
import { noOpening, type TaskError, type TurnStep, type TurnTask } from "./TurnTask.ts"
import { scopedStep } from "./UserTurn.ts"

/** Publishes an item from its start to its end, and gives the event to store. */
const announce = Effect.fnUntraced(function* (context: ThreadContext, turn: ActiveTurn, item: ThreadItem) {
  const at = context.now()
  const place = { threadId: context.id, turnId: turn.id }
  const completed = { ...item, startedAtMs: at, completedAtMs: at }
  yield* context.itemStarted(turn.id, { ...item, startedAtMs: at })
  yield* context.notify("item/completed", { item: completed, ...place, contentTokenCount: null, completedAtMs: at })
  const event: ThreadEvent = { _tag: "ItemCompleted", at, turnId: turn.id, item: completed }
  return [event]
})

const agentMessage = (id: string, text: string): Extract<ThreadItem, { readonly type: "agentMessage" }> => ({
  type: "agentMessage",
  moderation: null,
  id,
  text,
  phase: null,
  memoryCitation: null,
  delivery: null,
  questions: null
})

/** Publishes the result, and tells the model of the thread. `review` is null when there is none. */
const conclude = Effect.fnUntraced(function* ({ context, turn }: TurnStep, review: string | null) {
  const { random } = context.services
  const exited = { type: "exitedReviewMode" as const, id: yield* random.uuidV7(), review: review ?? noReview }
  const startedAtMs = context.now()
  yield* context.itemStarted(turn.id, { ...exited, startedAtMs })
  yield* context.itemCompleted(turn.id, { ...exited, startedAtMs })
  const message = agentMessage(`msg_${yield* random.uuidV7()}`, review ?? interruptedReview)
  turn.lastAgentMessage = message
  yield* context.itemStarted(turn.id, { ...message, startedAtMs })
  yield* context.itemCompleted(turn.id, { ...message, startedAtMs }, [
    context.entry({ type: "message", role: "user", content: [{ type: "input_text", text: actionNote(review) }] }),
    context.entry({ type: "message", role: "assistant", content: [{ type: "output_text", text: message.text }] })
  ])
})

const run = Effect.fnUntraced(function* (at: TurnStep, target: ReviewTarget, caller: ClientIdentity) {
  const side = new ReviewContext(at.context)
  const within = { context: side, turn: at.turn }
  const reviewing = Effect.gen(function* () {
    yield* side.commit(yield* contextEvents(side))
    const input = [{ type: "text" as const, text: promptOf(target), text_elements: [] }]
    yield* recordMessage(side, at.turn, yield* prepared(side, { input, clientId: null }))
    const options = { caller, options: { outputSchema: null, metadata: {} } }
    while (yield* scopedStep(within, options)) {
      // The reviewer goes on with what its tools have found.
    }
  })
  const ended = (exit: Exit.Exit<void, TaskError>) =>
    Effect.andThen(recordAborted(side, at.turn), conclude(at, Exit.isSuccess(exit) ? shownReview(side.answer) : null))
  yield* Effect.onExit(reviewing, ended)
})

/** The task of a review. `announcedId` is the id in `turn/started`. */
export const reviewTask = (target: ReviewTarget, caller: ClientIdentity, announcedId: string): TurnTask => ({
  kind: "review",
  steerable: false,
  message: null,
  opening: noOpening,
  announcedId,
  preface: Effect.fnUntraced(function* ({ context, turn }) {
    const id = yield* context.services.random.uuidV7()
    return yield* announce(context, turn, { type: "enteredReviewMode", id, review: labelOf(target) })
  }),
  run: (at) => run(at, target, caller)
})
