/**
 * Runs the model's calls to tools of an `effect/ai` toolkit.
 *
 * Owns the way of a call: arguments as JSON, decoded parameters, the handler, the encoded result; and the text that the model
 * reads when one of the steps fails. A defect of the handler is not handled here: the turn logs it, and the model reads that
 * the tool failed.
 *
 * @module
 */
import * as AiError from "effect/ai/AiError"
import * as AiTool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { isTooDeep } from "../../../protocol/jsonrpc/JsonText.ts"
import {
  failure,
  type ToolCall,
  type ToolContent,
  type ToolOutput,
  type ToolTurn
} from "../../../services/tool/Tool.ts"
import { refusalOf } from "./Approval.ts"

/** A toolkit with its handlers, whatever its tools are. */
export type AnyHandlers = Toolkit.WithHandler<Record<string, AiTool.Any>>

/** Maximum number of preliminary results that wait to be shown. A handler that is faster waits. */
const PreliminaryBuffer = 16

/** Maximum length of the progress text of a preliminary result, in UTF-16 units. */
const MaxProgress = 4096

type HandlerResult = AiTool.HandlerResult<AiTool.Any>

/** Parses the arguments of a call. Some models send nothing instead of an empty object. */
const paramsOf = ({ input, name }: ToolCall): Result.Result<unknown, string> => {
  const invalid = (reason: string) => Result.fail(`the arguments of ${name} are not valid JSON: ${reason}`)
  if (input.trim() === "") return Result.succeed({})
  if (isTooDeep(input)) return invalid("they are nested too deeply")
  try {
    return Result.succeed(AiTool.unsafeSecureJsonParse(input))
  } catch (error) {
    return invalid(error instanceof Error ? error.message : "they cannot be parsed")
  }
}

/** A value as JSON; undefined when it has no JSON form. */
const jsonOf = (value: unknown): Schema.Json | undefined => {
  try {
    const text: string | undefined = JSON.stringify(value)
    return text === undefined ? undefined : (JSON.parse(text) as Schema.Json)
  } catch {
    return undefined
  }
}

/** A text is sent as it is, a missing value as `ok`, anything else as JSON. */
const contentOf = (encoded: unknown): ReadonlyArray<ToolContent> | undefined => {
  if (encoded === undefined) return [{ type: "text", text: "ok" }]
  if (typeof encoded === "string") return [{ type: "text", text: encoded }]
  const value = jsonOf(encoded)
  return value === undefined ? undefined : [{ type: "structured", value }]
}

/** The content that a tool's `toModelOutput` makes. Files other than images are named, not sent. */
const modelContentOf = (parts: NonNullable<HandlerResult["modelOutput"]>): ReadonlyArray<ToolContent> =>
  parts.map((part): ToolContent => {
    if (part.type === "text") return { type: "text", text: part.text }
    if (!part.mediaType.startsWith("image/")) {
      return { type: "text", text: `[${part.mediaType} ${part.fileName ?? "file"} omitted]` }
    }
    if (part.data instanceof URL) return { type: "image", url: part.data.href }
    const base64 = typeof part.data === "string" ? part.data : Buffer.from(part.data).toString("base64")
    return {
      type: "image",
      url: /^(?:data|https?):/i.test(base64) ? base64 : `data:${part.mediaType};base64,${base64}`
    }
  })

const unfit = (name: string, detail: string) =>
  Effect.as(
    Effect.logError(`tool ${name}: ${detail}`),
    failure(`${name} failed because of an internal error: ${detail}`)
  )

/** The reason of an `effect/ai` error, as text for the model. */
const reasonOf = (name: string, { reason }: AiError.AiError): Effect.Effect<ToolOutput> =>
  reason._tag === "ToolParameterValidationError"
    ? Effect.succeed(failure(`invalid arguments of ${name}: ${reason.description}`))
    : reason._tag === "ToolResultEncodingError" || reason._tag === "InvalidToolResultError"
      ? unfit(name, "its result does not fit its schema")
      : Effect.succeed(failure(reason.message))

/** The output of a declared failure, encoded by its schema. */
const declared = (tool: AiTool.Any, error: unknown): Effect.Effect<ToolOutput> => {
  if (AiError.isAiError(error)) return reasonOf(tool.name, error)
  const encode = Schema.encodeUnknownEffect(tool.failureSchema as Schema.Codec<unknown, unknown>)
  return encode(error).pipe(
    Effect.map(contentOf),
    Effect.orElseSucceed(() => undefined),
    Effect.flatMap((content) =>
      content === undefined
        ? unfit(tool.name, "its failure does not fit its schema")
        : Effect.succeed({ content, success: false })
    )
  )
}

const outputOf = (tool: AiTool.Any, result: HandlerResult): Effect.Effect<ToolOutput> => {
  const { encodedResult, isFailure, modelOutput } = result
  if (isFailure && AiError.isAiError(result.result)) return reasonOf(tool.name, result.result)
  const content = modelOutput === undefined ? contentOf(encodedResult) : modelContentOf(modelOutput)
  return content === undefined
    ? unfit(tool.name, "its result is not JSON")
    : Effect.succeed({ content, success: !isFailure })
}

const progressOf = ({ encodedResult }: HandlerResult): string => {
  const text = typeof encodedResult === "string" ? encodedResult : (JSON.stringify(jsonOf(encodedResult)) ?? "")
  return text.length <= MaxProgress ? text : `${text.slice(0, MaxProgress)}…`
}

const handled = (kit: AnyHandlers, tool: AiTool.Any, params: unknown, call: ToolCall, turn: ToolTurn) =>
  Stream.unwrap(kit.handle(tool.name, params as never, call.callId)).pipe(
    Stream.tap((result) => (result.preliminary ? turn.progress(progressOf(result)) : Effect.void)),
    Stream.filter((result) => !result.preliminary),
    Stream.runLast,
    Effect.provideService(Toolkit.PreliminaryBuffer, PreliminaryBuffer)
  )

/** Runs a call. Needs the services of the handlers. */
export const run = Effect.fnUntraced(function* (
  kit: AnyHandlers,
  tool: AiTool.Any,
  call: ToolCall,
  turn: ToolTurn
): Effect.fn.Return<ToolOutput> {
  const params = paramsOf(call)
  if (Result.isFailure(params)) return failure(params.failure)
  const refusal = yield* refusalOf(tool, params.success, call, turn)
  if (refusal !== undefined) return failure(refusal)
  const running = handled(kit, tool, params.success, call, turn) as Effect.Effect<Option.Option<HandlerResult>, unknown>
  return yield* Effect.matchEffect(running, {
    onFailure: (error) => declared(tool, error),
    onSuccess: Option.match({
      onNone: () => unfit(tool.name, "it returned no result"),
      onSome: (result) => outputOf(tool, result)
    })
  })
})
