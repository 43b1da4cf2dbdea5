/**
 * Our tools as tools of `effect/ai`, whose calls are for the turn loop and not for a handler.
 *
 * @module
 */
import * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import type { ToolSpec } from "../../../services/tool/Tool.ts"

/** A model that knows no tools of free text gives their input as the one argument. */
const customParameters = {
  type: "object",
  properties: { input: { type: "string", description: "The input of the tool, as it is." } },
  required: ["input"],
  additionalProperties: false
}

/** The name that a model knows a tool by: it has no namespaces. */
export const flatName = (name: string, namespace: string | null | undefined): string =>
  namespace == null ? name : `${namespace}__${name}`

/** The name that a model knows an offered tool by. */
export const offeredName = (spec: ToolSpec): string =>
  flatName(spec.name, spec.type === "function" ? spec.namespace?.name : null)

const definition = (spec: ToolSpec) =>
  Tool.dynamic(offeredName(spec), {
    description: spec.description,
    parameters: spec.type === "function" ? { ...spec.parameters } : customParameters
  }).annotate(Tool.Strict, spec.type === "function" && spec.strict)

/** The definitions by name. */
export type Definitions = Record<string, ReturnType<typeof definition>>

/** A toolkit that only describes the tools to the model. */
export const toolkitOf = (specs: ReadonlyArray<ToolSpec>): Toolkit.WithHandler<Definitions> => ({
  tools: Object.fromEntries(specs.map((spec) => [offeredName(spec), definition(spec)])),
  handle: (name) => Effect.die(`the turn loop runs ${name}`)
})

/** The input of a custom tool out of the arguments that the model gave it. */
export const customInput = (params: unknown): string =>
  typeof params === "object" && params !== null && "input" in params && typeof params.input === "string"
    ? params.input
    : argumentsText(params)

/** Arguments as the text that the loop takes; what the model left as text is not JSON and stays as it is. */
export const argumentsText = (params: unknown): string =>
  typeof params === "string" ? params : JSON.stringify(params ?? {})
