/**
 * Puts the tools of several layers into one set.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Toolset } from "../../services/tool/Tool.ts"

/**
 * The tools of all `layers`, in their order. Where two have a tool of one name, the engine meets the first of them first.
 *
 * ```ts
 * const tools = Toolsets.combine([Shell.layer, Plan.layer])
 * ```
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
        open: (thread) =>
          Effect.map(
            Effect.forEach(toolsets, (toolset) => toolset.open(thread)),
            (tools) => tools.flat()
          )
      })
    })
  )

/** No tools at all. */
export const layerEmpty: Layer.Layer<Toolset> = Layer.succeed(Toolset, Toolset.of({ open: () => Effect.succeed([]) }))
