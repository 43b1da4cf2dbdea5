/**
 * Handlers of the files of the machine.
 *
 * Owns the watches of each connection, by the client's ids. They end with the connection.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Path from "node:path"
import type { Connection } from "../../services/connection/Connection.ts"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { type FileRequestError, MachineFiles } from "../../services/file/MachineFiles.ts"
import { OutboundRouter } from "../../services/routing/OutboundRouter.ts"
import { internal, invalidRequest, type RequestError } from "../../services/routing/RequestError.ts"
import * as Base64 from "./Base64.ts"

/** Watches of one connection. */
export const MaxWatches = 1024

const toRequestError = ({ detail, reason }: FileRequestError): RequestError =>
  reason === "refused" ? invalidRequest(detail) : internal(detail)

const done = {}

/** The path without `.`, `..` and a slash at its end, as the released server reads it. */
const normal = (path: string): string => Path.resolve(path)

type Watches = Map<string, Scope.Closeable>

type FileMethod =
  | "fs/readFile"
  | "fs/writeFile"
  | "fs/createDirectory"
  | "fs/getMetadata"
  | "fs/readDirectory"
  | "fs/remove"
  | "fs/copy"
  | "fs/watch"
  | "fs/unwatch"

/** The watches of the connections. */
const makeWatches = (files: MachineFiles["Service"], router: OutboundRouter["Service"]) => {
  const byConnection = new WeakMap<Connection, Watches>()
  const of = (connection: Connection): Watches => {
    const known = byConnection.get(connection) ?? new Map()
    byConnection.set(connection, known)
    return known
  }

  const watch: Handler<"fs/watch"> = Effect.fnUntraced(function* ({ path: given, watchId }, { connection }) {
    const path = normal(given)
    const watches = of(connection)
    if (watches.has(watchId)) return yield* invalidRequest(`watchId already exists: ${watchId}`)
    if (watches.size >= MaxWatches) {
      return yield* invalidRequest(`this connection has ${MaxWatches} watches; close one with fs/unwatch first`)
    }
    const scope = yield* Scope.fork(connection.resources)
    watches.set(watchId, scope)
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => void watches.delete(watchId))
    )
    const { changes } = yield* files.watch(path).pipe(
      Scope.provide(scope),
      Effect.mapError(toRequestError),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    const publish = (changedPaths: ReadonlyArray<string>) =>
      router.notifyConnection(connection, "fs/changed", { watchId, changedPaths })
    yield* Effect.forkIn(Stream.runForEach(changes, publish), scope)
    return { path }
  })

  const unwatch: Handler<"fs/unwatch"> = ({ watchId }, { connection }) => {
    const scope = of(connection).get(watchId)
    return Effect.as(scope === undefined ? Effect.void : Scope.close(scope, Exit.void), done)
  }

  return { watch, unwatch }
}

export const make: Effect.Effect<HandlersFor<FileMethod>, never, MachineFiles | OutboundRouter> = Effect.gen(
  function* () {
    const files = yield* MachineFiles
    const { unwatch, watch } = makeWatches(files, yield* OutboundRouter)

    return {
      "fs/readFile": ({ path }) =>
        files.read(normal(path)).pipe(
          Effect.map((content) => ({ dataBase64: Base64.encode(content) })),
          Effect.mapError(toRequestError)
        ),
      "fs/writeFile": ({ dataBase64, path }) => {
        const content = Base64.decode(dataBase64)
        if (Result.isFailure(content)) {
          return Effect.fail(invalidRequest(`fs/writeFile requires valid base64 dataBase64: ${content.failure}`))
        }
        return files.write(normal(path), content.success).pipe(Effect.as(done), Effect.mapError(toRequestError))
      },
      "fs/createDirectory": ({ path, recursive }) =>
        files
          .makeDirectory(normal(path), { recursive: recursive ?? true })
          .pipe(Effect.as(done), Effect.mapError(toRequestError)),
      "fs/getMetadata": ({ path }) => Effect.mapError(files.metadata(normal(path)), toRequestError),
      "fs/readDirectory": ({ path }) =>
        files.readDirectory(normal(path)).pipe(
          Effect.map((entries) => ({ entries })),
          Effect.mapError(toRequestError)
        ),
      "fs/remove": ({ force, path, recursive }) =>
        files
          .remove(normal(path), { recursive: recursive ?? true, force: force ?? true })
          .pipe(Effect.as(done), Effect.mapError(toRequestError)),
      "fs/copy": ({ destinationPath, recursive, sourcePath }) =>
        files
          .copy(normal(sourcePath), normal(destinationPath), { recursive: recursive ?? false })
          .pipe(Effect.as(done), Effect.mapError(toRequestError)),
      "fs/watch": watch,
      "fs/unwatch": unwatch
    }
  }
)
