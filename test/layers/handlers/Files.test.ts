import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as FileHandlers from "../../../src/layers/handlers/Files.ts"
import type { Connection } from "../../../src/services/connection/Connection.ts"
import { FileRequestError, MachineFiles } from "../../../src/services/file/MachineFiles.ts"
import * as OutboundRouter from "../../../src/services/routing/OutboundRouter.ts"
import { encode } from "../../../src/services/routing/OutboundMessage.ts"
import { openConnection } from "../../support/Connections.ts"
import { takeFrom } from "../../support/Queues.ts"

/** Handlers over watches whose changes the test makes. `open` counts the watches that have not ended. */
const fake = Effect.gen(function* () {
  const queues = new Map<string, Queue.Queue<ReadonlyArray<string>>>()
  const counts = { open: 0 }
  const watch: MachineFiles["Service"]["watch"] = Effect.fnUntraced(function* (path) {
    if (path === "/none") return yield* new FileRequestError({ reason: "failed", detail: "nothing left" })
    const queue = yield* Queue.unbounded<ReadonlyArray<string>>()
    queues.set(path, queue)
    yield* Effect.acquireRelease(
      Effect.sync(() => void counts.open++),
      () => Effect.sync(() => void counts.open--)
    )
    return { changes: Stream.fromQueue(queue) }
  })
  const router = yield* OutboundRouter.make
  const handlers = yield* FileHandlers.make.pipe(
    Effect.provide([Layer.mock(MachineFiles, { watch }), Layer.succeed(OutboundRouter.OutboundRouter, router)])
  )
  const of = (connection: Connection) => ({ connection, requestId: 1, trace: undefined, extensions: undefined })
  return {
    counts,
    change: (path: string, paths: ReadonlyArray<string>) => Queue.offer(queues.get(path)!, paths),
    watch: (connection: Connection, watchId: string, path: string) =>
      Effect.result(handlers["fs/watch"]({ watchId, path }, of(connection))),
    unwatch: (connection: Connection, watchId: string) => handlers["fs/unwatch"]({ watchId }, of(connection))
  }
})

const refused = <A, E extends { readonly message: string }>(result: Result.Result<A, E>) =>
  Result.isFailure(result) ? result.failure.message : undefined

const next = (connection: Connection) =>
  Effect.map(takeFrom(connection.outgoing), (message): unknown => {
    const { method, params } = JSON.parse(encode(message))
    return { method, params }
  })

describe("fs/watch", () => {
  it.effect("publishes to the connection that asked, under its id", () =>
    Effect.gen(function* () {
      const { change, watch } = yield* fake
      const [one, other] = [yield* openConnection(), yield* openConnection()]
      assert.deepStrictEqual(yield* watch(one, "", "/a/./b/"), Result.succeed({ path: "/a/b" }))
      assert.deepStrictEqual(yield* watch(other, "", "/c"), Result.succeed({ path: "/c" }))
      yield* change("/c", ["/c/1"])
      yield* change("/a/b", ["/a/b/1", "/a/b/2"])
      assert.deepStrictEqual(yield* next(one), {
        method: "fs/changed",
        params: { watchId: "", changedPaths: ["/a/b/1", "/a/b/2"] }
      })
      assert.deepStrictEqual(yield* next(other), {
        method: "fs/changed",
        params: { watchId: "", changedPaths: ["/c/1"] }
      })
    })
  )

  it.effect("refuses an id that is in use, until its watch ends", () =>
    Effect.gen(function* () {
      const { counts, unwatch, watch } = yield* fake
      const connection = yield* openConnection()
      yield* watch(connection, "w", "/a")
      assert.strictEqual(refused(yield* watch(connection, "w", "/b")), "watchId already exists: w")
      yield* unwatch(connection, "w")
      yield* unwatch(connection, "w")
      assert.strictEqual(counts.open, 0)
      assert.deepStrictEqual(yield* watch(connection, "w", "/b"), Result.succeed({ path: "/b" }))
    })
  )

  it.effect("that fails leaves its id free", () =>
    Effect.gen(function* () {
      const { watch } = yield* fake
      const connection = yield* openConnection()
      assert.strictEqual(refused(yield* watch(connection, "w", "/none")), "nothing left")
      assert.deepStrictEqual(yield* watch(connection, "w", "/a"), Result.succeed({ path: "/a" }))
    })
  )

  it.effect("ends with the connection", () =>
    Effect.gen(function* () {
      const { counts, watch } = yield* fake
      const connection = yield* openConnection()
      yield* watch(connection, "1", "/a")
      yield* watch(connection, "2", "/b")
      assert.strictEqual(counts.open, 2)
      yield* connection.releaseNow() ?? Effect.void
      assert.strictEqual(counts.open, 0)
    })
  )

  it.effect(`refuses more than ${FileHandlers.MaxWatches} watches of a connection`, () =>
    Effect.gen(function* () {
      const { watch } = yield* fake
      const connection = yield* openConnection()
      for (let made = 0; made < FileHandlers.MaxWatches; made++) yield* watch(connection, `${made}`, "/a")
      assert.strictEqual(
        refused(yield* watch(connection, "more", "/a")),
        "this connection has 1024 watches; close one with fs/unwatch first"
      )
    })
  )
})
