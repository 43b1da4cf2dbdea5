/**
 * Declares the thread's tools as tools of `effect/ai`. The turn loop runs their calls.
 *
 * @module
 */
import * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import type { ToolSpec } from "../../../services/tool/Tool.ts"

/** The input of a free-text tool becomes a single argument for models without such tools. */
const customParameters = {
  type: "object",
  properties: { input: { type: "string", description: "The raw input of the tool." } },
  required: ["input"],
  additionalProperties: false
}

/** The flat name of a tool, for models without namespaces. */
export const flatName = (name: string, namespace: string | null | undefined): string =>
  namespace == null ? name : `${namespace}__${name}`

/** The flat name of an offered tool. */
export const offeredName = (spec: ToolSpec): string =>
  flatName(spec.name, spec.type === "function" ? spec.namespace?.name : null)

const definition = (spec: ToolSpec) =>
  Tool.dynamic(offeredName(spec), {
    description: spec.description,
    parameters: spec.type === "function" ? { ...spec.parameters } : customParameters
  }).annotate(Tool.Strict, spec.type === "function" && spec.strict)

/** The definitions by name. */
export type Definitions = Record<string, ReturnType<typeof definition>>

/** The tools that this model can call: those of another model's server are left out. */
const callable = (specs: ReadonlyArray<ToolSpec>): ReadonlyArray<ToolSpec> =>
  specs.filter(({ type }) => type !== "hosted")

/** A toolkit that only declares the tools. */
export const toolkitOf = (specs: ReadonlyArray<ToolSpec>): Toolkit.WithHandler<Definitions> => ({
  tools: Object.fromEntries(callable(specs).map((spec) => [offeredName(spec), definition(spec)])),
  handle: (name) => Effect.die(`the turn loop runs ${name}`)
})

/** The input of a custom tool from the model's arguments. */
export const customInput = (params: unknown): string =>
  typeof params === "object" && params !== null && "input" in params && typeof params.input === "string"
    ? params.input
    : argumentsText(params)

/** The arguments as text for the turn loop. Arguments that are already text are not JSON and stay unchanged. */
export const argumentsText = (params: unknown): string =>
  typeof params === "string" ? params : JSON.stringify(params ?? {})
