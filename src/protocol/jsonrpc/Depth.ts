/**
 * The limit on nesting in a document.
 *
 * Decoders are recursive, so a document of a few hundred kilobytes can be nested deeply enough to overflow the stack. All
 * input is checked once, where it enters the server: text by `JsonText`, values by this module.
 *
 * @module
 */

/** Nesting depth of objects and arrays, the outermost included. The released server has the same limit. */
export const MaxDepth = 127

/** Whether objects and arrays are nested deeper than `limit`. Every path is walked, so the parts must not be shared. */
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
