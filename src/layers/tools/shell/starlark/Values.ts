/**
 * The values of Starlark, and operations shared by the evaluator.
 *
 * @module
 */
import type { Budget } from "./Budget.ts"
import type { Position } from "./StarlarkError.ts"

export class List {
  readonly items: Array<Value>
  constructor(items: Array<Value>) {
    this.items = items
  }
}

export class Tuple {
  readonly items: ReadonlyArray<Value>
  constructor(items: ReadonlyArray<Value>) {
    this.items = items
  }
}

export type Key = string | number | boolean | null

export class Dict {
  readonly entries = new Map<Key, Value>()
}

/** The evaluated arguments of a call. */
export interface Arguments {
  readonly positional: ReadonlyArray<Value>
  readonly named: ReadonlyMap<string, Value>
}

export interface CallContext {
  readonly budget: Budget
  /** The position of the call. */
  readonly position: Position
}

export class Callable {
  readonly name: string
  readonly call: (args: Arguments, context: CallContext) => Value
  constructor(name: string, call: (args: Arguments, context: CallContext) => Value) {
    this.name = name
    this.call = call
  }
}

export type Value = null | boolean | number | string | List | Tuple | Dict | Callable

export const typeName = (value: Value): string => {
  if (value === null) return "NoneType"
  if (typeof value === "boolean") return "bool"
  if (typeof value === "number") return "int"
  if (typeof value === "string") return "string"
  if (value instanceof List) return "list"
  if (value instanceof Tuple) return "tuple"
  return value instanceof Dict ? "dict" : "function"
}

export const isTrue = (value: Value): boolean => {
  if (value instanceof List || value instanceof Tuple) return value.items.length > 0
  if (value instanceof Dict) return value.entries.size > 0
  return Boolean(value)
}

export const isKey = (value: Value): value is Key =>
  value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean"

/** The members of a list, a tuple or a dict's keys, copied now; undefined for a value that cannot be iterated. */
export const itemsOf = (value: Value): ReadonlyArray<Value> | undefined => {
  if (value instanceof List) return value.items.slice()
  if (value instanceof Tuple) return value.items
  return value instanceof Dict ? Array.from(value.entries.keys()) : undefined
}

export const areEqual = (left: Value, right: Value, budget: Budget, position: Position): boolean => {
  budget.step(position)
  if (left instanceof Dict && right instanceof Dict) {
    return (
      left.entries.size === right.entries.size &&
      Array.from(left.entries).every(([key, value]) => {
        const other = right.entries.get(key)
        return other !== undefined && budget.nested(position, () => areEqual(value, other, budget, position))
      })
    )
  }
  const both =
    (left instanceof List && right instanceof List) || (left instanceof Tuple && right instanceof Tuple)
      ? [left.items, right.items]
      : undefined
  if (both === undefined) return left === right
  const [first = [], second = []] = both
  return (
    first.length === second.length &&
    first.every((value, index) =>
      budget.nested(position, () => areEqual(value, second[index] ?? null, budget, position))
    )
  )
}

/** The value as printed by `str`: a string itself, nested strings quoted. */
export const print = (value: Value, budget: Budget, position: Position): string =>
  typeof value === "string" ? value : repr(value, budget, position)

export const repr = (value: Value, budget: Budget, position: Position): string => {
  budget.step(position)
  if (value === null) return "None"
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value === "number") return String(value)
  if (typeof value === "string") return budget.text(JSON.stringify(value), position)
  const inner = (member: Value): string => budget.nested(position, () => repr(member, budget, position))
  if (value instanceof List) return budget.text(`[${value.items.map(inner).join(", ")}]`, position)
  if (value instanceof Tuple) {
    return budget.text(`(${value.items.map(inner).join(", ")}${value.items.length === 1 ? "," : ""})`, position)
  }
  if (value instanceof Dict) {
    const entries = Array.from(value.entries, ([key, member]) => `${inner(key)}: ${inner(member)}`)
    return budget.text(`{${entries.join(", ")}}`, position)
  }
  return `<function ${value.name}>`
}
