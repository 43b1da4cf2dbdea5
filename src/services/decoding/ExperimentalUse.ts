/**
 * Which part of a request needs the experimental capability.
 *
 * @module
 */
import type { ExperimentalField, Stability } from "../../protocol/Method.ts"

/** The relevant part of a declaration. */
interface Gated {
  readonly stability: Stability
  readonly experimentalFields: ReadonlyArray<ExperimentalField>
}

const isNull: ReadonlyArray<unknown> = [null]

/**
 * The text before "requires experimentalApi capability": the method, `method.field` or `enum.variant`. `undefined` when the
 * request does not need the capability. `params` are decoded.
 */
export const experimentalUse = (declaration: Gated, method: string, params: unknown): string | undefined => {
  if (declaration.stability === "experimental") return method
  if (typeof params !== "object" || params === null) return undefined
  const members = params as Readonly<Record<string, unknown>>
  for (const entry of declaration.experimentalFields) {
    const field = typeof entry === "string" ? entry : entry.field
    const value = members[field]
    if (value === undefined) continue
    if (typeof entry === "object" && "variant" in entry) {
      if (typeof value === "object" && value !== null && Object.hasOwn(value, entry.variant)) return entry.descriptor
      continue
    }
    const unused = typeof entry === "string" ? isNull : entry.unused
    if (!unused.includes(value)) return `${method}.${field}`
  }
  return undefined
}
