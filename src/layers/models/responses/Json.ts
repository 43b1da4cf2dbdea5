/**
 * Reads single fields of JSON from a model server.
 *
 * A delta has three relevant fields and arrives tens of thousands of times, so these are plain checks; whole items are
 * decoded with their schema.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import { excessOf } from "../../../protocol/jsonrpc/JsonText.ts"

/** A JSON object with unchecked members. */
export interface JsonObject {
  readonly [key: string]: unknown
}

/** Values (array elements and object members) of one document; parsing and decoding that many takes about 100 ms. */
export const MaxValues = 250_000

/** An escaped surrogate, paired or not. */
const surrogate = /\\u[dD][89a-fA-F]/

/** A cheaper first check, because most texts have no such escape. */
const hasSurrogate = (text: string): boolean => text.includes("\\u") && surrogate.test(text)

/** A lone surrogate becomes the replacement character: UTF-8 cannot encode it. */
const wellFormed = (_: string, value: unknown): unknown => (typeof value === "string" ? value.toWellFormed() : value)

/** The value of `text`, or the reason why it is refused. Text that exceeds `MaxDepth` or `MaxValues` is not parsed. */
export const readObject = (text: string): JsonObject | string => {
  const excess = excessOf(text, MaxValues)
  if (excess !== undefined)
    return excess === "depth" ? "an event that is nested too deeply" : "an event with too many values"
  try {
    const value: unknown = hasSurrogate(text) ? JSON.parse(text, wellFormed) : JSON.parse(text)
    if (Predicate.isObject(value)) return value
  } catch {
    // Handled like JSON of another type.
  }
  return "an event that is not a JSON object"
}

/** The value of `text`; `undefined` when it is not a JSON object or exceeds the limits. */
export const parseObject = (text: string): JsonObject | undefined => {
  const value = readObject(text)
  return typeof value === "string" ? undefined : value
}

/** The member `key` if it is an object, else an empty one. */
export const objectIn = (object: JsonObject, key: string): JsonObject => {
  const value = object[key]
  return Predicate.isObject(value) ? value : {}
}

/** The member `key` if it is a string. */
export const stringIn = (object: JsonObject, key: string): string | undefined => {
  const value = object[key]
  return typeof value === "string" ? value : undefined
}

/** The member `key` if it is a non-negative integer. */
export const countIn = (object: JsonObject, key: string): number | undefined => {
  const value = object[key]
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
