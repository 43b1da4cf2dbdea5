/**
 * The clients of this package, connected to the released server.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { homedir } from "node:os"
import { join } from "node:path"
import { deltasOf, turn, until } from "../clients/Events.ts"
import * as Subject from "../clients/Subject.ts"
import { suite, type Traits } from "../clients/suite.ts"
import { threads } from "../clients/threads.ts"
import * as ModelServer from "../support/ModelServer.ts"
import * as Release from "./Release.ts"

const remote = {
  isRemote: true,
  closed: "remote app-server worker channel is closed",
  cut: "TransportError"
} as const satisfies Partial<Traits>

/** Outside the temporary folder: the released server treats a home there differently. */
const below = join(homedir(), ".cache", "spindle-test")

const released = [Release.binary(), "app-server"] as const

const every: ReadonlyArray<Parameters<typeof suite>> = [
  ["of the released server as a child process", Subject.program(released, below), { ...remote, isShared: false }],
  ["of the released server over a WebSocket", Subject.listeningProgram(released, below), { ...remote, isShared: true }]
]

for (const one of every) {
  suite(...one)
  threads(...one)
}

describe("a client of the released server whose connection is cut", () => {
  it.live(
    "gets a resync of its thread, and continues with it",
    () =>
      Effect.gen(function* () {
        const { comingBack } = yield* Subject.Subject
        assert.isDefined(comingBack)
        const { client, proxy } = yield* comingBack("phone")
        const { thread } = yield* client.request("thread/start", {})
        yield* turn(client, thread.id, "first")
        yield* proxy.cut
        yield* proxy.restore
        const back = yield* until(client, (event) => event._tag === "Reconnected" && event.thread !== null)
        assert.deepStrictEqual(
          back.filter((event) => event._tag === "Reconnected"),
          [
            { _tag: "Reconnected", thread: null },
            { _tag: "Reconnected", thread: { id: thread.id, continuity: "resync" } }
          ]
        )
        assert.strictEqual(deltasOf(yield* turn(client, thread.id, "second")).join(""), "second")
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.provideMerge(Subject.listeningProgram(released, below), ModelServer.layer))
      ),
    60_000
  )
})
