/**
 * The port that reports a run to a user or a program.
 *
 * @module
 */
import type * as Effect from "effect/Effect"
import type { ResultOf, ServerNotification } from "../../protocol/Methods.ts"
import type { Decision, ApprovalPrompt } from "./ApprovalPrompt.ts"

/** Receives the events of a run in order. */
export interface Reporter {
  /** The thread was opened. */
  readonly opened: (thread: ResultOf<"thread/start">) => Effect.Effect<void>
  readonly notified: (notification: ServerNotification) => Effect.Effect<void>
  /** The agent needs approval for an action. */
  readonly asked: (question: ApprovalPrompt) => Effect.Effect<Decision>
  /** A message for the user that is not part of the protocol. */
  readonly remark: (text: string) => Effect.Effect<void>
  /** The run could not start, or lost its server. */
  readonly failed: (message: string) => Effect.Effect<void>
}
