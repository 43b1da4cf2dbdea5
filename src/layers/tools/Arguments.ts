/**
 * Parses the arguments of a tool call. An error is reported to the model with the release's text.
 *
 * @module
 */
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { isTooDeep, MaxDepth } from "../../protocol/jsonrpc/JsonText.ts"
import { mismatch } from "../../services/decoding/Mismatch.ts"

const failed = (text: string) => Result.fail(`failed to parse function arguments: ${text}`)

/** The arguments as JSON, or the error text for the model. */
export const readJson = (input: string): Result.Result<unknown, string> => {
  if (isTooDeep(input)) return failed(`nested deeper than ${MaxDepth} levels`)
  try {
    return Result.succeed(JSON.parse(input))
  } catch (error) {
    return failed(error instanceof SyntaxError ? error.message : "not JSON")
  }
}

/** The decoded arguments, or the error text for the model. */
export const read = <S extends Schema.Codec<unknown, unknown>>(
  schema: () => S,
  input: string
): Result.Result<S["Type"], string> =>
  Result.flatMap(readJson(input), (value) => {
    const exit = Schema.decodeUnknownExit(schema())(value)
    return Exit.isSuccess(exit)
      ? Result.succeed(exit.value)
      : failed(mismatch(schema().ast, value) ?? "they do not match the parameters of the tool")
  })
