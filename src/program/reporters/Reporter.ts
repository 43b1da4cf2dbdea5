/**
 * Who tells a person, or a program, how a run goes.
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import type { ResultOf, ServerNotification } from "../../protocol/Methods.ts"
import type { Decision, ApprovalPrompt } from "./ApprovalPrompt.ts"

/** What a run is told about, in the order in which it happens. */
export interface Reporter {
  /** The thread is there. */
  readonly opened: (thread: ResultOf<"thread/start">) => Effect.Effect<void>
  readonly notified: (notification: ServerNotification) => Effect.Effect<void>
  /** The agent wants to do something that needs a yes. */
  readonly asked: (question: ApprovalPrompt) => Effect.Effect<Decision>
  /** For the person, besides the protocol. */
  readonly remark: (text: string) => Effect.Effect<void>
  /** The run could not start, or lost its server. */
  readonly failed: (message: string) => Effect.Effect<void>
}
