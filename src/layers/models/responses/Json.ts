/**
 * Reading single fields out of JSON that a model server sent.
 *
 * A delta has three fields that matter and comes by the ten thousand, so these are plain checks; whole items are decoded
 * with their schema.
 *
 * @module
 */
import * as Predicate from "effect/Predicate"
import { excessOf } from "../../../protocol/jsonrpc/JsonText.ts"

/** A JSON object whose members have not been looked at. */
export interface JsonObject {
  readonly [key: string]: unknown
}

/** Values (array elements and object members) of one document; parsing and decoding so many takes some 100 ms. */
export const MaxValues = 250_000

/** An escaped surrogate, with its partner or without. */
const surrogate = /\\u[dD][89a-fA-F]/

/** Most texts have no escape at all, which is found out sooner. */
const hasSurrogate = (text: string): boolean => text.includes("\\u") && surrogate.test(text)

/** A lone surrogate becomes the replacement character: no UTF-8 text can carry it on. */
const wellFormed = (_: string, value: unknown): unknown => (typeof value === "string" ? value.toWellFormed() : value)

/** The value of `text`, or why it has none. Text that exceeds `MaxDepth` or `MaxValues` is not parsed. */
export const readObject = (text: string): JsonObject | string => {
  const excess = excessOf(text, MaxValues)
  if (excess !== undefined)
    return excess === "depth" ? "an event that is nested too deeply" : "an event of too many values"
  try {
    const value: unknown = hasSurrogate(text) ? JSON.parse(text, wellFormed) : JSON.parse(text)
    if (Predicate.isObject(value)) return value
  } catch {
    // The same as JSON of another type.
  }
  return "an event that is not a JSON object"
}

/** The value of `text`, or `undefined` where it is no JSON object, or one that exceeds the limits. */
export const parseObject = (text: string): JsonObject | undefined => {
  const value = readObject(text)
  return typeof value === "string" ? undefined : value
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
