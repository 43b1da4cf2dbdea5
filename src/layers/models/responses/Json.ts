/**
 * Reading single fields out of JSON that a model server sent.
 *
 * A delta has three fields that matter and comes by the ten thousand, so these are plain checks; whole items are decoded
 * with their schema.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"

/** A JSON object whose members have not been looked at. */
export interface JsonObject {
  readonly [key: string]: unknown
}

/** The value of `text`, or `undefined` where it is no JSON object. */
export const parseObject = (text: string): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return Predicate.isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The member `key` where it is an object, else an empty one. */
export const objectIn = (object: JsonObject, key: string): JsonObject => {
  const value = object[key]
  return Predicate.isObject(value) ? value : {}
}

/** The member `key` where it is a string. */
export const stringIn = (object: JsonObject, key: string): string | undefined => {
  const value = object[key]
  return typeof value === "string" ? value : undefined
}

/** The member `key` where it is a count: a whole number from 0 on. */
export const countIn = (object: JsonObject, key: string): number | undefined => {
  const value = object[key]
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
