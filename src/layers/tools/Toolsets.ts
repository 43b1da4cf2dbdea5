/**
 * Makes and combines sets of tools.
 *
 * ```ts
 * const weather: Tool.Tool = {
 *   spec: { type: "function", name: "weather", description: "The weather here", parameters: { type: "object" }, strict: false },
 *   run: () => Effect.succeed(Tool.text("It rains."))
 * }
 *
 * AppServer.client({ clientName: "my-cli", clientVersion: "1.0.0", tools: Toolsets.besideShell([weather]) })
 * ```
 *
 * @module
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { Tool } from "../../services/tool/Tool.ts"
import { Toolset } from "../../services/tool/Toolset.ts"
import * as Shell from "./Shell.ts"
import * as TurnTools from "./TurnTools.ts"

/** A set of these tools for every thread. */
export const make = (tools: ReadonlyArray<Tool>): Layer.Layer<Toolset> =>
  Layer.succeed(Toolset, Toolset.of({ open: ({ registry }) => registry.add(tools) }))

/**
 * The tools of all `layers`. They are opened concurrently, and a slow or failing one does not affect the others. When two tools
 * have the same name, the one added first keeps it; among those added at once, the one of the first layer.
 */
export const combine = <E = never, R = never>(
  layers: ReadonlyArray<Layer.Layer<Toolset, E, R>>
): Layer.Layer<Toolset, E, R> =>
  Layer.effect(
    Toolset,
    Effect.gen(function* () {
      const contexts = yield* Effect.forEach(layers, Layer.build)
      const toolsets = contexts.map((context) => Context.get(context, Toolset))
      return Toolset.of({
        open: Effect.fnUntraced(function* (thread) {
          const opened = yield* Effect.forEach(toolsets, (toolset) => Effect.exit(toolset.open(thread)), {
            concurrency: "unbounded"
          })
          // All have been opened. Now every failure is reported.
          const failed = opened.flatMap((exit) => (Exit.isFailure(exit) ? exit.cause.reasons : []))
          if (failed.length > 0) yield* Effect.failCause(Cause.fromReasons(failed))
        })
      })
    })
  )

/**
 * The built-in tools, in the order in which models get them: those that run commands, those of a turn, those of the thread's
 * clients. A further one is added here.
 */
export const builtIn: Layer.Layer<Toolset> = combine([Shell.layer, TurnTools.layer])

/** These tools in addition to the built-in ones. */
export const besideShell = (tools: ReadonlyArray<Tool>): Layer.Layer<Toolset> => combine([builtIn, make(tools)])

/** No tools at all. */
export const layerEmpty: Layer.Layer<Toolset> = make([])
