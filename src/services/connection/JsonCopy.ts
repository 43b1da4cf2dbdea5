/**
 * Copies of messages at the boundary of the process's own clients.
 *
 * Over a wire both sides have an object each. In process they would share one: a client that writes to a result would change the
 * server's own record, and one that keeps a result would see it change. So what crosses is copied, in the form that JSON gives
 * it: members that are undefined are left out, and nothing but plain objects and arrays is left.
 *
 * @module
 */

/** Deeper than any payload of the protocol; a cycle ends here. */
const MaxDepth = 256

/** Stands for a value that JSON has no form for. */
export const NotJson = Symbol("NotJson")

const copyArray = (values: ReadonlyArray<unknown>, depth: number): ReadonlyArray<unknown> | typeof NotJson => {
  const copy: Array<unknown> = []
  for (const value of values) {
    const element = copyAt(value, depth)
    if (element === NotJson) return NotJson
    copy.push(element)
  }
  return copy
}

const copyObject = (value: object, depth: number): object | typeof NotJson => {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const given = (value as Record<string, unknown>)[key]
    if (given === undefined) continue
    const member = copyAt(given, depth)
    if (member === NotJson) return NotJson
    // `__proto__` is a name like any other in JSON.
    if (key === "__proto__")
      Object.defineProperty(copy, key, { value: member, enumerable: true, writable: true, configurable: true })
    else copy[key] = member
  }
  return copy
}

const copyAt = (value: unknown, depth: number): unknown => {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value
    case "object":
      if (value === null) return null
      if (depth > MaxDepth) return NotJson
      return Array.isArray(value) ? copyArray(value, depth + 1) : copyObject(value, depth + 1)
    default:
      return NotJson
  }
}

/** A copy that shares nothing with the value; `NotJson` where JSON has no form for it. */
export const copyOf = (value: unknown): unknown => copyAt(value, 0)

/** A copy of what has a form in JSON, and the value itself otherwise: whoever reads it refuses it. */
export const ownCopy = (value: unknown): unknown => {
  const copy = copyOf(value)
  return copy === NotJson ? value : copy
}
