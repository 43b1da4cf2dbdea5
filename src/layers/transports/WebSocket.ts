/**
 * Clients over TCP: `--listen ws://IP:PORT`.
 *
 * Owns the rule that clients of other machines must authenticate, and the printed text about the address.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Admission, Page } from "./HttpScreen.ts"
import { isLoopback } from "../../services/network/Loopback.ts"
import { authority, type ListenWebSocket } from "./ListenAddress.ts"
import * as Listener from "./SocketListener.ts"
import { Limits, type ConnectionLimits } from "./ConnectionLimits.ts"

/** Other machines could connect without authentication. */
export class UnsafeListen extends Schema.TaggedError<UnsafeListen>()("UnsafeListen", { address: Schema.String }) {
  override get message(): string {
    return `refusing to start non-loopback websocket listener ${this.address} without auth; configure \`--ws-auth capability-token\` or \`--ws-auth signed-bearer-token\``
  }
}

export interface WebSocketOptions {
  readonly listen: ListenWebSocket
  readonly admission: Admission
  readonly limits?: ConnectionLimits
  /** Pages besides the probes, by path, for authorised clients. */
  readonly pages?: ReadonlyMap<string, Page>
}

/** Listens until the scope closes. `bound` has the port that the system chose for port 0. */
export const serve = Effect.fnUntraced(function* (options: WebSocketOptions) {
  const { admission, limits = yield* Limits, listen } = options
  const { host, port } = listen
  if (!isLoopback(host) && admission.authorize === undefined) {
    return yield* new UnsafeListen({ address: authority(listen) })
  }
  const listener = yield* Listener.make({
    listen: { host, port },
    url: `ws://${authority(listen)}`,
    origin: "webSocket",
    admission,
    limits,
    pages: options.pages ?? new Map()
  })
  const { address } = listener
  const bound: ListenWebSocket = {
    ...listen,
    port: typeof address === "object" && address !== null ? address.port : port
  }
  return { ...listener, bound }
})

/** The text about the address for people and parent programs. */
export const banner = (bound: ListenWebSocket): ReadonlyArray<string> => {
  const at = authority(bound)
  return [
    "spindle app-server (WebSockets)",
    `  listening on: ws://${at}`,
    `  readyz: http://${at}/readyz`,
    `  healthz: http://${at}/healthz`,
    isLoopback(bound.host)
      ? "  note: binds localhost only (use SSH port-forwarding for remote access)"
      : "  note: websocket auth is required for non-localhost listeners"
  ]
}
