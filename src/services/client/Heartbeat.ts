/**
 * Detects dead connections. Without it, a peer that vanished silently, because the machine sleeps or the network changed, is
 * not detected.
 *
 * @module
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ConnectionLost } from "./MessageChannel.ts"
import type { Opened } from "./RemoteSession.ts"

/** When an idle connection is checked, and when it counts as lost. */
export interface HeartbeatOptions {
  /** How long a connection may be idle before it is pinged. */
  readonly interval: Duration.Input
  /** The time the peer has to respond. */
  readonly deadline: Duration.Input
}

export const defaults: HeartbeatOptions = { interval: "30 seconds", deadline: "10 seconds" }

const silent = new ConnectionLost({ reason: { _tag: "TimedOut" }, detail: "did not respond to a ping" })

/** Ends the connection when the peer does not respond. While this side is not reading, the timeout does not count. */
export const watch = Effect.fnUntraced(function* (
  { session, ping }: Pick<Opened, "session" | "ping">,
  { interval, deadline }: HeartbeatOptions
) {
  if (ping === undefined) return
  while (!session.isOver) {
    const before = session.received
    yield* Effect.sleep(interval)
    if (session.received !== before || session.isHeld) continue
    const pong = yield* Effect.timeoutOption(ping, deadline)
    if (Option.isNone(pong) && session.received === before && !session.isHeld) session.end(silent)
  }
})
