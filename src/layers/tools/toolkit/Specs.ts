/**
 * Declares the tools of an `effect/ai` toolkit to the model.
 *
 * Owns which of them can be offered. A tool that the model server would refuse makes every request of its threads fail, so it
 * is refused here, with its name.
 *
 * @module
 */
import * as AiTool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ToolNamespace, ToolSpec } from "../../../services/tool/Tool.ts"
import { isCallable } from "../../../services/tool/ToolRegistry.ts"

/** A tool of a toolkit cannot be offered to models. It is a mistake in the program, so the layer dies with it. */
export class ToolkitError extends Schema.TaggedError<ToolkitError>()("ToolkitError", {
  /** The name of the tool. */
  tool: Schema.String,
  /** The reason, and what to do. */
  detail: Schema.String
}) {
  override get message(): string {
    return `the tool ${JSON.stringify(this.tool)} cannot be offered to models: ${this.detail}`
  }
}

type Parameters = Extract<ToolSpec, { readonly type: "function" }>["parameters"]

/** `Schema.Struct({})` accepts every value but null and undefined, and has that JSON Schema. As parameters it means none. */
const isEmptyStruct = ({ parametersSchema: { ast } }: AiTool.Any): boolean =>
  ast._tag === "Objects" && ast.propertySignatures.length === 0 && ast.indexSignatures.length === 0

const parametersOf = (tool: AiTool.Any): Result.Result<Parameters, string> => {
  try {
    const parameters = isEmptyStruct(tool)
      ? AiTool.getJsonSchemaFromSchema(AiTool.EmptyParams)
      : (AiTool.getJsonSchema(tool) as Parameters)
    return parameters["type"] === "object"
      ? Result.succeed(parameters)
      : Result.fail("its parameters are not an object; use `Schema.Struct`")
  } catch (error) {
    const reason = error instanceof Error ? error.message : "its schema has no JSON Schema"
    return Result.fail(`no JSON Schema can be made of its parameters: ${reason}`)
  }
}

/** The declaration of a tool for the model. Dies with `ToolkitError` when it cannot be offered. */
export const specOf = (tool: AiTool.Any, namespace: ToolNamespace | undefined): Effect.Effect<ToolSpec> => {
  const refuse = (detail: string) => Effect.die(new ToolkitError({ tool: tool.name, detail }))
  if (AiTool.isProviderDefined(tool))
    return refuse("the server of one provider defines it, and Spindle does not call it")
  const parameters = parametersOf(tool)
  if (Result.isFailure(parameters)) return refuse(parameters.failure)
  const spec: ToolSpec = {
    type: "function",
    name: tool.name,
    description: AiTool.getDescription(tool) ?? "",
    parameters: parameters.success,
    strict: AiTool.getStrictMode(tool) ?? false,
    ...(namespace === undefined ? {} : { namespace })
  }
  return isCallable(spec) ? Effect.succeed(spec) : refuse("a name has up to 128 letters, digits, `_` and `-`")
}
