/**
 * Whether a quiet connection is still one. A peer that vanished without a word, because the machine sleeps or the network
 * changed, is otherwise found out by nobody.
 *
 * @module
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ConnectionLost } from "./MessageChannel.ts"
import type { Opened } from "./RemoteSession.ts"

export interface HeartbeatOptions {
  /** A connection that was quiet for this long is asked for a sign of life. */
  readonly interval: Duration.Input
  /** The time the peer has to give it. */
  readonly deadline: Duration.Input
}

export const defaults: HeartbeatOptions = { interval: "30 seconds", deadline: "10 seconds" }

const silent = new ConnectionLost({ kind: "TimedOut", detail: "gave no sign of life" })

/** Ends the connection when the peer is silent. While this side does not read, silence says nothing. */
export const watch = Effect.fnUntraced(function* (
  { session, ping }: Pick<Opened, "session" | "ping">,
  { interval, deadline }: HeartbeatOptions
) {
  if (ping === undefined) return
  while (!session.isOver) {
    const before = session.received
    yield* Effect.sleep(interval)
    if (session.received !== before || session.isHeld) continue
    const sign = yield* Effect.timeoutOption(ping, deadline)
    if (Option.isNone(sign) && session.received === before && !session.isHeld) session.end(silent)
  }
})
