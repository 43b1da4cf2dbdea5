/**
 * Why a turn of a client did not complete.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { TurnError } from "../../protocol/v2/turn/ErrorInfo.ts"

/**
 * The turn ended without completing, or its end is unknown.
 *
 * - `Failed`: the server reports an error, for example of the model server. It is in `reason.error`.
 * - `Interrupted`: this client, another one or the server interrupted the turn.
 * - `Lost`: the connection was lost and the server does not know the turn any more.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import type { ThreadClient } from "spindle-app-server"
 *
 * const answer = (thread: ThreadClient.ThreadClient) =>
 *   thread.run("What does this project do?").pipe(
 *     Effect.map(({ text }) => text),
 *     Effect.catchReason("TurnFailed", "Interrupted", () => Effect.succeed("stopped"))
 *   )
 * ```
 */
export class TurnFailed extends Schema.TaggedError<TurnFailed>()("TurnFailed", {
  threadId: Schema.String,
  turnId: Schema.String,
  reason: Schema.TaggedUnion({
    Failed: { error: Schema.suspend((): Schema.Codec<TurnError, unknown> => TurnError()) },
    Interrupted: {},
    Lost: {}
  })
}) {
  override get message(): string {
    switch (this.reason._tag) {
      case "Failed":
        return `the turn failed: ${this.reason.error.message}`
      case "Interrupted":
        return "the turn was interrupted"
      case "Lost":
        return "the turn's end is unknown: the server does not know the turn any more"
    }
  }
}
