/**
 * The released server's error texts for values that cannot be decoded. Clients match on them.
 *
 * A text repeats at most the beginning of one value: `MaxEcho` characters, unless the caller sets a lower limit.
 *
 * @module
 */

/** Maximum number of characters of a value in an error. */
export const MaxEcho = 120

/** ``unknown variant `x`, expected …``; the list keeps its order. */
export const unknownVariant = (variant: string, variants: ReadonlyArray<string>, maxEcho = MaxEcho): string =>
  `unknown variant \`${cut(variant, maxEcho)}\`, expected ${oneOf(variants)}`

/** `invalid type: map, expected unit` and similar. */
export const invalidType = (value: unknown, expectation: string, maxEcho = MaxEcho): string =>
  `invalid type: ${unexpected(value, maxEcho)}, expected ${expectation}`

/** `invalid value: integer `0`, expected …`: the type is right, but the value is out of range. */
export const invalidValue = (value: unknown, expectation: string, maxEcho = MaxEcho): string =>
  `invalid value: ${unexpected(value, maxEcho)}, expected ${expectation}`

export const missingField = (name: string): string => `missing field \`${name}\``

/** Quoted names: one, two joined with `or`, or a list. */
export const oneOf = (names: ReadonlyArray<string>): string => {
  const quoted = names.map((name) => `\`${name}\``)
  return quoted.length <= 2 ? quoted.join(" or ") : `one of ${quoted.join(", ")}`
}

const cut = (text: string, maxEcho: number): string => (text.length > maxEcho ? `${text.slice(0, maxEcho)}…` : text)

/** Strings as the release prints them: quoted, with control characters as `\u{1}`. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/\\u00([0-9a-f])([0-9a-f])/g, (_, high: string, low: string) =>
    high === "0" ? `\\u{${low}}` : `\\u{${high}${low}}`
  )

/** Whether the release parses an integer: beyond 64 bits it parses a floating-point number. */
export const isInteger = (value: number): boolean => Number.isInteger(value) && value > -(2 ** 63) && value < 2 ** 64

const unexpected = (value: unknown, maxEcho: number): string => {
  switch (typeof value) {
    case "string":
      return `string ${quoted(cut(value, maxEcho))}`
    case "number":
      return isInteger(value) ? `integer \`${value}\`` : `floating point \`${value}\``
    case "boolean":
      return `boolean \`${value}\``
    default:
      if (value === null || value === undefined) return "null"
      return Array.isArray(value) ? "sequence" : "map"
  }
}
