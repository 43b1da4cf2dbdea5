/**
 * Handlers whose module is loaded with the first request that needs it, so that the start of a server does not grow with the
 * number of methods.
 *
 * ```
 * const later = yield* late(Effect.promise(() => import("./files/Files.ts")).pipe(Effect.flatMap(({ make }) => make)))
 * return { "fs/readFile": later("fs/readFile"), "fs/writeFile": later("fs/writeFile") }
 * ```
 *
 * @module
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ClientRequestMethod } from "../../protocol/Methods.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"

/** Makes handlers that load the table of `load` once. Two first requests share the load, and one that is cancelled does not end it. */
export const late = <M extends ClientRequestMethod, R>(
  load: Effect.Effect<HandlersFor<M>, never, R>
): Effect.Effect<<K extends M>(method: K) => Handler<K>, never, R> =>
  Effect.map(
    Effect.contextWith((context: Context.Context<R>) =>
      Effect.cached(Effect.uninterruptible(Effect.provideContext(load, context)))
    ),
    (loaded) =>
      <K extends M>(method: K): Handler<K> =>
      (params, context) =>
        Effect.flatMap(loaded, (handlers) => handlers[method](params, context))
  )
