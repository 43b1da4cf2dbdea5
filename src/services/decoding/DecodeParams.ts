/**
 * Decodes the parameters of a request, or returns the text that follows "Invalid request: ".
 *
 * The texts are those of the released server, because clients match on them. They repeat at most a short part of one value.
 *
 * @module
 */
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { WireSchema } from "../../protocol/Method.ts"
import { type ClientRequestMethod, clientRequestTable, type ParamsOf } from "../../protocol/Methods.ts"
import { withCanonicalId } from "../../protocol/ThreadIds.ts"
import { clientMethodNames, type ReleasedRequest, releasedRequestOf } from "../../protocol/ReleasedRequests.ts"
import { mismatch } from "./Mismatch.ts"
import { invalidType, missingField, unknownVariant } from "./SerdeText.ts"

type Decoder = (params: unknown) => Exit.Exit<unknown, unknown>

const decoders = new Map<ClientRequestMethod, Decoder>()

/** Built on first use of a method: compiling all decoders would slow the start. */
const decoderOf = (method: ClientRequestMethod, schema: WireSchema): Decoder => {
  let decoder = decoders.get(method)
  if (decoder === undefined) {
    decoder = Schema.decodeUnknownExit(schema())
    decoders.set(method, decoder)
  }
  return decoder
}

/** Decodes the parameters of a served method. Fails with the text of the error. */
export const decodeParams = <M extends ClientRequestMethod>(
  method: M,
  params: unknown
): Result.Result<ParamsOf<M>, string> => {
  const schema: WireSchema | undefined = clientRequestTable[method].params
  if (schema === undefined) {
    const text = notUnit(params)
    // The method has no parameters, so `ParamsOf<M>` is undefined.
    return text === undefined ? Result.succeed(undefined as ParamsOf<M>) : Result.fail(text)
  }
  // Optional parameters accept null, and absent means the same.
  const exit = decoderOf(method, schema)(params ?? null)
  // The decoder was built from this method's schema.
  if (Exit.isSuccess(exit)) return Result.succeed(withCanonicalId(exit.value) as ParamsOf<M>)
  if (params === undefined || params === null) return Result.fail(missingField("params"))
  return Result.fail(mismatch(schema().ast, params) ?? `data did not match the parameters of ${method}`)
}

/**
 * For a method that this server does not serve: its declaration in the release, or the error text when the release does not
 * define it or its parameters have the wrong type.
 */
export const readReserved = (method: string, params: unknown): Result.Result<ReleasedRequest, string> => {
  const released = releasedRequestOf(method)
  if (released === undefined) return Result.fail(unknownVariant(method, clientMethodNames))
  const text =
    released.params === "none"
      ? notUnit(params)
      : released.params === "required" && (params === undefined || params === null)
        ? missingField("params")
        : undefined
  return text === undefined ? Result.succeed(released) : Result.fail(text)
}

/** Methods without parameters accept absent parameters, null, or an empty object. */
const notUnit = (params: unknown): string | undefined => {
  if (params === undefined || params === null) return undefined
  const isEmpty = typeof params === "object" && !Array.isArray(params) && Object.keys(params).length === 0
  return isEmpty ? undefined : invalidType(params, "unit")
}
