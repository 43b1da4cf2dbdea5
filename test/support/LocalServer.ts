/**
 * A server of Node that listens on a free local port until the scope closes.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import type * as Http from "node:http"
import type * as Https from "node:https"

/** Listens, and returns the port. The end of the scope closes the server with its connections. */
export const listening = (make: () => Http.Server | Https.Server): Effect.Effect<number, never, Scope> =>
  Effect.acquireRelease(
    Effect.callback<Http.Server | Https.Server>((resume) => {
      const server = make()
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.closeAllConnections()
        server.close(() => resume(Effect.void))
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return typeof address === "object" && address !== null ? address.port : 0
    })
  )
