import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Toolsets from "../../../src/layers/tools/Toolsets.ts"
import { defaults } from "../../../src/services/config/Config.ts"
import { type Tool, Toolset } from "../../../src/services/tool/Tool.ts"

const toolNamed = (name: string): Tool => ({
  spec: { type: "function", name, description: "", parameters: {}, strict: false },
  run: () => Effect.succeed({ text: name, success: true })
})

describe("combined tool sets", () => {
  it.effect("open all of their tools in order, and close them with the thread", () =>
    Effect.gen(function* () {
      const closed: Array<string> = []
      const setOf = (...names: ReadonlyArray<string>) =>
        Layer.succeed(
          Toolset,
          Toolset.of({
            open: ({ threadId }) =>
              Effect.acquireRelease(Effect.succeed(names.map(toolNamed)), () =>
                Effect.sync(() => closed.push(`${threadId} ${names.join()}`))
              )
          })
        )
      const names = yield* Effect.scoped(
        Effect.gen(function* () {
          const toolset = yield* Toolset
          const tools = yield* toolset.open({ threadId: "t", config: defaults() })
          return tools.map((tool) => tool.spec.name)
        })
      ).pipe(Effect.provide(Toolsets.combine([setOf("a", "b"), Toolsets.layerEmpty, setOf("c")])))
      assert.deepStrictEqual({ names, closed }, { names: ["a", "b", "c"], closed: ["t c", "t a,b"] })
    })
  )
})
