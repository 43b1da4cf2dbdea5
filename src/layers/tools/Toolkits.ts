/**
 * Hands an `effect/ai` toolkit to the server as tools of its threads.
 *
 * The schemas of a tool are used as they are: the model gets the JSON Schema of the parameters, the handler gets the decoded
 * parameters, and the model reads the encoded result. Clients see each call as an item of type `dynamicToolCall`.
 *
 * | what happens | what the model reads, and `success` of the item |
 * |---|---|
 * | the handler succeeds | the encoded result: text as it is, other values as JSON; `true` |
 * | the arguments do not decode | why; `false` |
 * | the handler fails with its declared error | the encoded error; `false` |
 * | the handler dies, or its result does not fit its schema | that the tool failed; the server logs it; `false` |
 * | the call needs approval and does not get it | that it was not approved; `false` |
 * | the turn is interrupted | nothing: the handler is interrupted |
 *
 * A tool with `needsApproval` asks the user with `item/tool/requestUserInput` before it runs, and does not run with the
 * approval policy `never`. Preliminary results are progress of the item.
 *
 * This is a separate entry point, `spindle-app-server/Toolkits`, because `effect/ai` takes longer to load than the rest.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import * as Tool from "effect/ai/Tool"
 * import * as Toolkit from "effect/ai/Toolkit"
 * import { AppServer } from "spindle-app-server"
 * import * as Toolkits from "spindle-app-server/Toolkits"
 *
 * const kit = Toolkit.make(
 *   Tool.make("add", { parameters: Schema.Struct({ a: Schema.Finite, b: Schema.Finite }), success: Schema.Finite })
 * )
 * const handlers = kit.toLayer({ add: ({ a, b }) => Effect.succeed(a + b) })
 *
 * const server = AppServer.client({
 *   clientName: "my-cli",
 *   clientVersion: "1.0.0",
 *   tools: Toolkits.besideShell(kit).pipe(Layer.provide(handlers))
 * })
 * ```
 *
 * @module
 */
import type * as AiTool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Tool, ToolNamespace, ToolTurn } from "../../services/tool/Tool.ts"
import { Toolset } from "../../services/tool/Toolset.ts"
import * as Calls from "./toolkit/Calls.ts"
import { specOf } from "./toolkit/Specs.ts"
import * as Toolsets from "./Toolsets.ts"

export { ToolkitError } from "./toolkit/Specs.ts"

/**
 * The turn of the running call, for handlers that ask the user or publish. Declare it as a dependency of the tool:
 * `Tool.make("name", { dependencies: [Toolkits.CurrentTurn] })`.
 */
export class CurrentTurn extends Context.Service<CurrentTurn, ToolTurn>()("spindle/CurrentTurn") {}

/** A toolkit, or an effect that makes one with its handlers. */
export type ToolkitSource<Tools extends Record<string, AiTool.Any>, E, R> = Effect.Effect<
  Toolkit.WithHandler<Tools>,
  E,
  R
>

/** Options of a toolkit. */
export interface ToolkitOptions {
  /** Groups the tools for the model. Default: no group. */
  readonly namespace?: ToolNamespace
}

/** The services that the handlers of a toolkit need while they run, without those that a call provides. */
export type HandlerServices<Tools extends Record<string, AiTool.Any>> = Exclude<
  AiTool.HandlerServices<Tools[keyof Tools]>,
  CurrentTurn | Scope.Scope
>

/** The logs and spans of a call belong to its turn, although the services of its handlers are older. */
const ofTurn = Context.pick(Tracer.ParentSpan, References.CurrentLogAnnotations, References.CurrentLogSpans)

/**
 * The tools of a toolkit, for `Toolsets.make` or for a toolset of your own. Each call has a scope of its own.
 *
 * Dies with `ToolkitError` for a tool that cannot be offered: one that a provider defines, one with a name that model servers
 * refuse, or one whose parameters are not an object.
 */
export const toolsOf = <Tools extends Record<string, AiTool.Any>, E, R>(
  source: ToolkitSource<Tools, E, R>,
  options: ToolkitOptions = {}
): Effect.Effect<ReadonlyArray<Tool>, E, HandlerServices<Tools> | R> =>
  Effect.gen(function* () {
    // The handlers' types are known to the toolkit alone; here a call is data.
    const kit = (yield* source) as unknown as Calls.AnyHandlers
    const services = yield* Effect.context<HandlerServices<Tools>>()
    return yield* Effect.forEach(Object.values(kit.tools), (tool) =>
      Effect.map(specOf(tool, options.namespace), (spec): Tool => ({
        spec,
        // A handler may ask too, but only after the approval.
        ...(tool.needsApproval === true ? { asksFirst: true } : {}),
        run: (call, turn) =>
          Calls.run(kit, tool, call, turn).pipe(
            Effect.provideService(CurrentTurn, turn),
            Effect.scoped,
            Effect.updateContext((turn: Context.Context<never>) => Context.mergeAll(turn, services, ofTurn(turn)))
          )
      }))
    )
  })

/**
 * The tools of a toolkit, and no others. See `besideShell`.
 *
 * @example
 * ```ts
 * import * as AiTool from "effect/ai/Tool"
 * import * as Toolkit from "effect/ai/Toolkit"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import * as Toolkits from "spindle-app-server/Toolkits"
 *
 * const kit = Toolkit.make(AiTool.make("now", { description: "The time, in Unix milliseconds", success: Schema.Int }))
 *
 * export const tools = Toolkits.layer(kit).pipe(
 *   Layer.provide(kit.toLayer({ now: () => Effect.clockWith((clock) => clock.currentTimeMillis) }))
 * )
 * ```
 */
export const layer = <Tools extends Record<string, AiTool.Any>, E = never, R = never>(
  source: ToolkitSource<Tools, E, R>,
  options: ToolkitOptions = {}
): Layer.Layer<Toolset, E, Exclude<HandlerServices<Tools> | R, Scope.Scope>> =>
  Layer.effect(
    Toolset,
    Effect.map(toolsOf(source, options), (tools) => Toolset.of({ open: ({ registry }) => registry.add(tools) }))
  )

/**
 * The tools of a toolkit in addition to the built-in ones, for the option `tools` of `AppServer`. A tool with the name of a
 * built-in one is left out with a warning in the log.
 *
 * @example
 * ```ts
 * import * as AiTool from "effect/ai/Tool"
 * import * as Toolkit from "effect/ai/Toolkit"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import { AppServer } from "spindle-app-server"
 * import * as Toolkits from "spindle-app-server/Toolkits"
 *
 * const Weather = AiTool.make("weather", {
 *   description: "The weather at a place",
 *   parameters: Schema.Struct({ place: Schema.String }),
 *   success: Schema.String
 * })
 * const kit = Toolkit.make(Weather)
 *
 * const tools = Toolkits.besideShell(kit).pipe(
 *   Layer.provide(kit.toLayer({ weather: ({ place }) => Effect.succeed(`It rains in ${place}.`) }))
 * )
 *
 * export const server = AppServer.client({ clientName: "me", clientVersion: "1.0.0", tools })
 * ```
 */
export const besideShell = <Tools extends Record<string, AiTool.Any>, E = never, R = never>(
  source: ToolkitSource<Tools, E, R>,
  options: ToolkitOptions = {}
): Layer.Layer<Toolset, E, Exclude<HandlerServices<Tools> | R, Scope.Scope>> =>
  Toolsets.combine<E, Exclude<HandlerServices<Tools> | R, Scope.Scope>>([Toolsets.builtIn, layer(source, options)])
