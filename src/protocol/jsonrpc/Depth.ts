/**
 * How deep a document may be nested.
 *
 * Decoders recurse, and each level takes room on the stack: a document of a few hundred kilobytes can be deeper than the
 * stack. Everything that comes from outside is measured once, where it comes in: text by `JsonText`, values by this module.
 *
 * @module
 */

/** Objects and arrays inside each other, the outermost included; the released server takes as many. */
export const MaxDepth = 127

/** Whether objects and arrays are nested deeper than `limit`. The parts must not be shared: each path is walked. */
export const isDeeperThan = (value: unknown, limit: number): boolean => {
  if (typeof value !== "object" || value === null) return false
  if (limit === 0) return true
  if (Array.isArray(value)) {
    for (const element of value) if (isDeeperThan(element, limit - 1)) return true
    return false
  }
  for (const key in value) {
    if (isDeeperThan((value as Record<string, unknown>)[key], limit - 1)) return true
  }
  return false
}
