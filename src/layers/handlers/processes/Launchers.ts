/**
 * The launchers of processes, one for each connection that starts any.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Connection } from "../../../services/connection/Connection.ts"
import { type HostLauncher, HostProcesses } from "../../../services/tool/HostProcesses.ts"

export interface Launchers {
  /** The launcher of the connection. It ends with the connection. */
  readonly of: (connection: Connection) => Effect.Effect<HostLauncher>
}

export const make: Effect.Effect<Launchers, never, HostProcesses> = Effect.gen(function* () {
  const processes = yield* HostProcesses
  const opened = new WeakMap<Connection, Effect.Effect<HostLauncher>>()
  const of = Effect.fnUntraced(function* (connection: Connection): Effect.fn.Return<HostLauncher> {
    const known = opened.get(connection)
    if (known !== undefined) return yield* known
    const opening = yield* Effect.cached(Effect.uninterruptible(Scope.provide(processes.open, connection.resources)))
    opened.set(connection, opening)
    return yield* opening
  })
  return { of }
})
