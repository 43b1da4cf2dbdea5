import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { CloseReason } from "../../../src/services/connection/Transport.ts"
import { makeProcessor } from "../../support/Processor.ts"
import { List, ok, page } from "../../support/Gates.ts"

const reasons: ReadonlyArray<CloseReason> = [
  { _tag: "Left" },
  { _tag: "Gone" },
  { _tag: "Evicted", message: "the client reads too slowly" },
  { _tag: "Stopping", message: "the server is going away" },
  { _tag: "Fault" }
]

/** A request that opens a resource, and ends only when the resource is closed. */
const opening = Effect.fnUntraced(function* () {
  const opened = yield* Deferred.make<void>()
  const released = yield* Deferred.make<void>()
  const { connect } = yield* makeProcessor({
    [List]: (_, { connection }) =>
      Effect.gen(function* () {
        yield* Scope.addFinalizer(connection.resources, Deferred.succeed(released, undefined))
        yield* Deferred.succeed(opened, undefined)
        yield* Deferred.await(released)
        return page("t")
      })
  })
  return { connect, opened, released }
})

describe("the resources of a connection", () => {
  for (const reason of reasons) {
    it.effect(`end with it (${reason._tag}), and requests that wait for them are answered`, () =>
      Effect.gen(function* () {
        const { connect, opened, released } = yield* opening()
        const client = yield* connect()
        client.request(1, List)
        yield* Deferred.await(opened)
        // The test clock stands still: a connection that waited for its deadline would not end.
        yield* client.close(reason, { within: "5 seconds" })
        assert.isTrue(Deferred.isDoneUnsafe(released))
      })
    )
  }

  it.effect("stay open while the connection is", () =>
    Effect.gen(function* () {
      const { connect, opened, released } = yield* opening()
      const one = yield* connect()
      const other = yield* connect()
      one.request(1, List)
      yield* Deferred.await(opened)
      yield* other.close({ _tag: "Left" }, { within: "5 seconds" })
      assert.isFalse(Deferred.isDoneUnsafe(released))
      yield* Deferred.succeed(released, undefined)
      assert.deepStrictEqual(yield* one.next, ok(1, page("t")))
    })
  )

  it.effect("that are opened after its end are closed at once", () =>
    Effect.gen(function* () {
      const { connect } = yield* makeProcessor({})
      const client = yield* connect()
      yield* client.close({ _tag: "Left" }, { within: "5 seconds" })
      const released = yield* Deferred.make<void>()
      yield* Scope.addFinalizer(client.connection.resources, Deferred.succeed(released, undefined))
      assert.isTrue(Deferred.isDoneUnsafe(released))
    })
  )

  it.effect("that do not end in time do not hold the connection", () =>
    Effect.gen(function* () {
      const { connect } = yield* makeProcessor({})
      const client = yield* connect()
      yield* Scope.addFinalizer(client.connection.resources, Effect.never)
      yield* client.close({ _tag: "Left" }, { within: 0 })
    })
  )
})
