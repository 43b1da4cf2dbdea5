/**
 * Sends warnings to a thread's subscribers in order.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { OutboundRouter } from "../../services/routing/OutboundRouter.ts"

export const warn = (
  router: OutboundRouter["Service"],
  threadId: string,
  messages: ReadonlyArray<string>
): Effect.Effect<void> =>
  Effect.forEach(messages, (message) => router.notify("warning", { threadId, message }, threadId), { discard: true })
