/**
 * Which hooks an event selects.
 *
 * A matcher of letters, digits, `_` and `|` is a list of names. Any other is a regular expression that may match anywhere in the
 * name. An empty one and `*` match everything.
 *
 * @module
 */

const isAll = (matcher: string): boolean => matcher === "" || matcher === "*"

const isList = (matcher: string): boolean => /^[A-Za-z0-9_|]*$/.test(matcher)

const expression = (matcher: string): RegExp | undefined => {
  try {
    return new RegExp(matcher, "u")
  } catch {
    return undefined
  }
}

/** Whether the matcher can be used. */
export const isValid = (matcher: string): boolean =>
  isAll(matcher) || isList(matcher) || expression(matcher) !== undefined

/** Whether the matcher selects one of the names. */
export const matches = (matcher: string | null, names: ReadonlyArray<string>): boolean => {
  if (matcher === null || isAll(matcher)) return true
  if (isList(matcher)) return matcher.split("|").some((name) => names.includes(name))
  const pattern = expression(matcher)
  return pattern !== undefined && names.some((name) => pattern.test(name))
}
