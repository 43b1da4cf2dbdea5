/**
 * Converts the text of a document to a message. For servers and clients.
 *
 * @module
 */
import * as ErrorCode from "./ErrorCode.ts"
import { classify, type Incoming, type RequestId } from "./Envelope.ts"
import { envelopeOf, isTooDeep, MaxDepth } from "./JsonText.ts"

/** Larger ids are not exact as a number. */
const MaxSafe = Number.MAX_SAFE_INTEGER

const integer = /^-?\d+$/

/** Bounds of a 64-bit signed integer: the range of ids in the protocol. */
const MinId = -(2n ** 63n)
const MaxId = 2n ** 63n - 1n

const key = '"id"'

/** The text after the key of an id that any number represents exactly. */
const plain = /\s*:\s*(-?\d{1,15})\s*[,}]/y

/** The usual case, detected without a second parse: the text contains one id, written as a small integer. */
const isPlain = (text: string, id: number): boolean => {
  const at = text.indexOf(key)
  if (at === -1 || at !== text.lastIndexOf(key)) return false
  plain.lastIndex = at + key.length
  return Number(plain.exec(text)?.[1]) === id
}

/** The id of the outermost object as written; undefined when the document is too deep to parse. */
const sourceOf = (text: string): string | undefined => {
  const sources = new Map<unknown, string>()
  try {
    const document: unknown = JSON.parse(
      text,
      function (this: unknown, member, value, context?: { readonly source?: string }) {
        if (member === "id" && context?.source !== undefined) sources.set(this, context.source)
        return value
      }
    )
    return sources.get(document)
  } catch {
    return undefined
  }
}

/**
 * The id as it was written. An integer that JavaScript cannot represent exactly becomes a bigint, so that it is echoed digit
 * by digit. A number that is not written as an integer (`1e2`, `1.0`) or does not fit 64 bits is not an id.
 */
const exactId = (text: string, id: number): number | bigint | undefined => {
  if (isPlain(text, id)) return id
  const source = sourceOf(text)
  return source === undefined || !integer.test(source) ? undefined : integerId(source)
}

/** The id with these digits. */
const integerId = (source: string): number | bigint | undefined => {
  const exact = BigInt(source)
  if (exact < MinId || exact > MaxId) return undefined
  return Math.abs(Number(source)) <= MaxSafe ? Number(source) : exact
}

const tooDeep = `nested deeper than ${MaxDepth} levels`

const stringOf = (source: string | undefined): string | undefined => {
  if (source?.startsWith('"') !== true) return undefined
  try {
    return String(JSON.parse(source))
  } catch {
    return undefined
  }
}

/** Classifies a document without parsing it: parsing is slow, and code that uses the value would overflow the stack. */
const unparsed = (text: string): Incoming => {
  const envelope = envelopeOf(text)
  const method = stringOf(envelope.method)
  const isString = envelope.id === undefined || envelope.id.startsWith('"')
  const id: RequestId | undefined = isString ? stringOf(envelope.id) : integerId(envelope.id ?? "")
  if (id === undefined) return { _tag: "Ignored", reason: tooDeep }
  if (method !== undefined) return { _tag: "Refused", id, method, reason: tooDeep }
  // A response to a request of this server: the caller must not wait for it indefinitely.
  return { _tag: "Failure", failure: { id, error: { code: ErrorCode.InvalidRequest, message: tooDeep } } }
}

/** Parses one document. A document that is not a message gives `Ignored` with the reason. */
export const parse = (text: string): Incoming => {
  if (isTooDeep(text)) return unparsed(text)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return { _tag: "Ignored", reason: text.trim() === "" ? "empty line" : "not JSON" }
  }
  if (typeof document === "object" && document !== null && "id" in document && typeof document.id === "number") {
    document.id = exactId(text, document.id)
  }
  return classify(document)
}
