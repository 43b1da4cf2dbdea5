import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Toolsets from "../../../src/layers/tools/Toolsets.ts"
import { defaults } from "../../../src/services/config/Config.ts"
import type { SmallFiles } from "../../../src/services/config/SmallFiles.ts"
import type { ThreadShell } from "../../../src/services/tool/ShellSessions.ts"
import { text, type Tool } from "../../../src/services/tool/Tool.ts"
import { ToolRegistry } from "../../../src/services/tool/ToolRegistry.ts"
import { Toolset, ToolsUnavailable } from "../../../src/services/tool/Toolset.ts"

const toolNamed = (name: string): Tool => ({
  spec: { type: "function", name, description: "", parameters: {}, strict: false },
  run: () => Effect.succeed(text(name))
})

const shell: ThreadShell = {
  tools: [toolNamed("exec_command")],
  startUserCommand: () => Effect.die("nothing is run here"),
  sessions: Effect.succeed([]),
  terminate: () => Effect.succeed(false)
}

const files: SmallFiles["Service"] = {
  stamp: () => Effect.succeed(undefined),
  exist: (paths) => Effect.succeed(paths.map(() => false)),
  head: () => Effect.succeed(undefined)
}

const setOf = (open: Toolset["Service"]["open"]) => Layer.succeed(Toolset, Toolset.of({ open }))

/** Opens the tools of a thread; returns the current names. */
const opened = (layer: Layer.Layer<Toolset>) =>
  Effect.gen(function* () {
    const registry = new ToolRegistry()
    const scope = yield* Scope.fork(yield* Effect.scope)
    const toolset = Context.get(yield* Layer.build(layer), Toolset)
    const opening = yield* Effect.forkChild(
      Effect.exit(
        Scope.provide(
          toolset.open({ threadId: "t", config: defaults(), depth: 0, shell, registry, dynamicTools: [], files }),
          scope
        )
      ),
      { startImmediately: true }
    )
    return { opening, registry, scope, names: () => registry.current.map(({ spec }) => spec.name) }
  })

describe("sets of tools", () => {
  it.effect("have all of their tools in order, until the thread ends", () =>
    Effect.gen(function* () {
      const layer = Toolsets.combine([
        Toolsets.make([toolNamed("a"), toolNamed("b")]),
        Toolsets.layerEmpty,
        Toolsets.make([toolNamed("c")])
      ])
      const { names, scope } = yield* opened(layer)
      const before = names()
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual({ before, after: names() }, { before: ["a", "b", "c"], after: [] })
    })
  )

  it.effect("include the built-in tools besides custom ones", () =>
    Effect.gen(function* () {
      const { names } = yield* opened(Toolsets.besideShell([toolNamed("weather")]))
      assert.deepStrictEqual(names(), [
        "exec_command",
        "request_user_input",
        "view_image",
        "close_agent",
        "resume_agent",
        "send_input",
        "spawn_agent",
        "wait_agent",
        "get_goal",
        "create_goal",
        "update_goal",
        "web_search",
        "weather"
      ])
    })
  )

  it.effect("leave a taken name to its tool, per namespace", () =>
    Effect.gen(function* () {
      const first = toolNamed("a")
      const inNamespace: Tool = {
        ...first,
        spec: {
          ...first.spec,
          type: "function",
          namespace: { name: "n", description: "" },
          parameters: {},
          strict: false
        }
      }
      const { registry } = yield* opened(
        Toolsets.combine([Toolsets.make([first, inNamespace]), Toolsets.make([toolNamed("a"), toolNamed("b")])])
      )
      assert.deepStrictEqual(
        registry.current.map(({ spec }) => spec.name),
        ["a", "a", "b"]
      )
      assert.strictEqual(registry.find("a", null), first)
      assert.strictEqual(registry.find("a", "n"), inNamespace)
      assert.strictEqual(registry.find("b", "n"), undefined)
    })
  )

  it.effect("do not wait for each other, and fail separately", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { names, opening } = yield* opened(
        Toolsets.combine([
          setOf(({ registry }) => Effect.andThen(Deferred.await(gate), registry.add([toolNamed("late")]))),
          setOf(() => new ToolsUnavailable({ detail: "no server" })),
          Toolsets.make([toolNamed("early")])
        ])
      )
      const before = names()
      yield* Deferred.succeed(gate, undefined)
      while (opening.pollUnsafe() === undefined) yield* Effect.yieldNow
      assert.deepStrictEqual([before, names()], [["early"], ["early", "late"]])
      assert.deepStrictEqual(
        opening.pollUnsafe(),
        Exit.succeed(Exit.fail(new ToolsUnavailable({ detail: "no server" })))
      )
    })
  )

  it.effect("report every failure", () =>
    Effect.gen(function* () {
      const { opening } = yield* opened(
        Toolsets.combine(["first", "second"].map((detail) => setOf(() => new ToolsUnavailable({ detail }))))
      )
      const exit = yield* Effect.flatten(Fiber.await(opening))
      assert(Exit.isFailure(exit))
      assert.deepStrictEqual(
        exit.cause.reasons.map((reason) => (Cause.isFailReason(reason) ? reason.error.message : "")),
        ["tools are not available: first", "tools are not available: second"]
      )
    })
  )

  it.effect("are added and removed with their scope", () =>
    Effect.gen(function* () {
      const connected = yield* Scope.make()
      const { names } = yield* opened(
        setOf(({ registry }) => Scope.provide(registry.add([toolNamed("remote")]), connected))
      )
      const before = names()
      yield* Scope.close(connected, Exit.void)
      assert.deepStrictEqual([before, names()], [["remote"], []])
    })
  )

  it.effect("leave out a tool with a name that model servers refuse", () =>
    Effect.gen(function* () {
      const { names } = yield* opened(
        Toolsets.make(["two words", "", "a.b", "x".repeat(129), "fine-1_A"].map((name) => toolNamed(name)))
      )
      assert.deepStrictEqual(names(), ["fine-1_A"])
    })
  )
})
