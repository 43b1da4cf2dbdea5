/**
 * Copies messages between the server and in-process clients.
 *
 * Over a wire each side has its own object. In process they would share one: a client that writes to a result would change the
 * server's state, and would see later changes. Messages are therefore copied as JSON would carry them: undefined members are
 * omitted, and only plain objects and arrays remain.
 *
 * @module
 */

/** Maximum depth, larger than that of any payload of the protocol. It also ends cycles. */
const MaxDepth = 256

/** Marks a value that JSON cannot represent. */
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
    // `__proto__` is an ordinary member name in JSON.
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

/** A copy that shares nothing with the value; `NotJson` when JSON cannot represent it. */
export const copyOf = (value: unknown): unknown => copyAt(value, 0)

/** A copy, or the value itself when JSON cannot represent it; its reader then refuses it. */
export const ownCopy = (value: unknown): unknown => {
  const copy = copyOf(value)
  return copy === NotJson ? value : copy
}
