import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as JsonLinesStore from "../../examples/json-lines-store.ts"
import { ThreadStore } from "../../src/services/thread/ThreadStore.ts"
import { created, turnEvents } from "../../src/testing/ThreadEvents.ts"
import { suite } from "../layers/stores/suite.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "spindle-json-lines-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const opened = (path: string) => JsonLinesStore.layer(path).pipe(Layer.provide(NodeServices.layer))

suite("The example of a store", Layer.unwrap(Effect.map(folder, opened)))

describe("the example of a store", () => {
  it.effect("has the threads of the last process, without an append that was not written whole", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const events = [created("t"), ...turnEvents("u", 10, "hello", "hi")]
      const all = Effect.flatMap(ThreadStore, (store) => store.read("t", { from: 0, limit: 100 }))
      yield* ThreadStore.use((store) => store.append("t", 0, events)).pipe(Effect.provide(opened(path)))
      const [file = ""] = readdirSync(path)
      appendFileSync(join(path, file), '[{"_tag":"NameSet","at":1,')
      const read = yield* Effect.provide(all, opened(path))
      assert.deepStrictEqual(
        read.map(({ event }) => event),
        events
      )
      const further = turnEvents("v", 20, "more", "yes")
      yield* ThreadStore.use((store) => store.append("t", events.length, further)).pipe(Effect.provide(opened(path)))
      assert.strictEqual((yield* Effect.provide(all, opened(path))).length, events.length + further.length)
    })
  )
})
