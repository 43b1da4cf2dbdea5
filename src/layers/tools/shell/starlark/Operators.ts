/**
 * Starlark's operators, indexing and slicing.
 *
 * @module
 */
import type { Budget } from "./Budget.ts"
import { errorAt, type Position } from "./StarlarkError.ts"
import { areEqual, Dict, isKey, isTrue, itemsOf, List, print, repr, Tuple, typeName, type Value } from "./Values.ts"

/** All operators but `and` and `or`, which do not always evaluate their right side. */
export const binary = (operator: string, left: Value, right: Value, budget: Budget, at: Position): Value => {
  switch (operator) {
    case "==":
      return areEqual(left, right, budget, at)
    case "!=":
      return !areEqual(left, right, budget, at)
    case "<":
      return compare(left, right, at) < 0
    case ">":
      return compare(left, right, at) > 0
    case "<=":
      return compare(left, right, at) <= 0
    case ">=":
      return compare(left, right, at) >= 0
    case "in":
      return contains(left, right, budget, at)
    case "not in":
      return !contains(left, right, budget, at)
    case "+":
      return add(left, right, budget, at)
    case "%":
      if (typeof left === "string") return percent(left, right, budget, at)
  }
  if (operator === "*") {
    const repeated = repeat(left, right, budget, at) ?? repeat(right, left, budget, at)
    if (repeated !== undefined) return repeated
  }
  if (typeof left !== "number" || typeof right !== "number") throw unsupported(operator, left, right, at)
  if ((operator === "//" || operator === "%") && right === 0) throw errorAt(at, "division by zero")
  if (operator === "-") return int(left - right, at)
  if (operator === "*") return int(left * right, at)
  return int(operator === "//" ? Math.floor(left / right) : left - right * Math.floor(left / right), at)
}

export const unary = (operator: string, value: Value, at: Position): Value => {
  if (operator === "not") return !isTrue(value)
  if (typeof value !== "number") throw errorAt(at, `\`${operator}\` does not apply to ${typeName(value)}`)
  return operator === "-" ? int(-value, at) : value
}

const unsupported = (operator: string, left: Value, right: Value, at: Position) =>
  errorAt(at, `\`${operator}\` does not apply to ${typeName(left)} and ${typeName(right)}`)

const int = (value: number, at: Position): number => {
  if (!Number.isSafeInteger(value)) throw errorAt(at, "the number is too large")
  return value === 0 ? 0 : value
}

/** Negative, zero or positive, for two numbers or two strings. */
export const compare = (left: Value, right: Value, at: Position): number => {
  if (typeof left === "number" && typeof right === "number") return left - right
  if (typeof left !== "string" || typeof right !== "string") throw unsupported("<", left, right, at)
  return left < right ? -1 : left > right ? 1 : 0
}

const contains = (member: Value, whole: Value, budget: Budget, at: Position): boolean => {
  if (typeof whole === "string" && typeof member === "string") return whole.includes(member)
  if (whole instanceof Dict) return isKey(member) && whole.entries.has(member)
  const items = itemsOf(whole)
  if (items === undefined) throw unsupported("in", member, whole, at)
  return items.some((item) => areEqual(item, member, budget, at))
}

const add = (left: Value, right: Value, budget: Budget, at: Position): Value => {
  if (typeof left === "number" && typeof right === "number") return int(left + right, at)
  if (typeof left === "string" && typeof right === "string") {
    budget.spend(left.length + right.length, at)
    return left + right
  }
  if (left instanceof List && right instanceof List) {
    budget.spend(left.items.length + right.items.length, at)
    return new List([...left.items, ...right.items])
  }
  if (left instanceof Tuple && right instanceof Tuple) {
    budget.spend(left.items.length + right.items.length, at)
    return new Tuple([...left.items, ...right.items])
  }
  throw unsupported("+", left, right, at)
}

const repeat = (value: Value, times: Value, budget: Budget, at: Position): Value | undefined => {
  if (typeof times !== "number") return undefined
  const count = Math.max(0, times)
  if (typeof value === "string") {
    budget.spend(value.length * count, at)
    return value.repeat(count)
  }
  if (!(value instanceof List) && !(value instanceof Tuple)) return undefined
  budget.spend(value.items.length * count + (value.items.length === 0 ? 0 : count), at)
  const items: Array<Value> = []
  if (value.items.length > 0) for (let index = 0; index < count; index++) items.push(...value.items)
  return value instanceof List ? new List(items) : new Tuple(items)
}

/** `"%s and %d" % (a, b)`. */
const percent = (format: string, value: Value, budget: Budget, at: Position): string => {
  const values = value instanceof Tuple ? value.items : [value]
  let used = 0
  const text = format.replace(/%(.?)/gs, (_, kind: string) => {
    if (kind === "%") return "%"
    const next = values[used++]
    if (next === undefined) throw errorAt(at, "not enough values for the format")
    if (kind === "s") return budget.text(print(next, budget, at), at)
    if (kind === "r") return repr(next, budget, at)
    if (kind === "d" && typeof next === "number") return String(next)
    throw errorAt(at, `\`%${kind}\` is not supported for ${typeName(next)}`)
  })
  if (used !== values.length) throw errorAt(at, "too many values for the format")
  return budget.text(text, at)
}

export const index = (target: Value, key: Value, at: Position): Value => {
  if (target instanceof Dict) {
    const found = isKey(key) ? target.entries.get(key) : undefined
    if (found === undefined) throw errorAt(at, "the dict has no such key")
    return found
  }
  const items = typeof target === "string" ? Array.from(target) : target instanceof Dict ? [] : itemsOf(target)
  if (items === undefined || typeof key !== "number") {
    throw errorAt(at, `${typeName(target)} has no members by ${typeName(key)}`)
  }
  const found = items[key < 0 ? items.length + key : key]
  if (found === undefined) throw errorAt(at, `index ${key} is out of range`)
  return found
}

export const slice = (
  target: Value,
  from: Value | undefined,
  to: Value | undefined,
  budget: Budget,
  at: Position
): Value => {
  const bound = (value: Value | undefined): number | undefined => {
    if (value === undefined || value === null) return undefined
    if (typeof value !== "number") throw errorAt(at, "a slice goes from one int to another")
    return value
  }
  const [begin, end] = [bound(from), bound(to)]
  if (typeof target === "string") return budget.text(Array.from(target).slice(begin, end).join(""), at)
  if (!(target instanceof List) && !(target instanceof Tuple)) throw errorAt(at, `${typeName(target)} has no slices`)
  const items = target.items.slice(begin, end)
  budget.spend(items.length, at)
  return target instanceof List ? new List(items) : new Tuple(items)
}
