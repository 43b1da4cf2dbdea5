/**
 * The error of the socket behind a failed HTTP request.
 *
 * @module
 */
import type { Evidence } from "../attempts/Failure.ts"

/** Maximum number of characters of a connection error's text. */
const MaxText = 200

/** The socket's error, which clients wrap once or twice; undefined when no error has a code. */
export const connectionError = (
  cause: unknown,
  depth = 3
): Extract<Evidence, { readonly _tag: "Connection" }> | undefined => {
  if (typeof cause !== "object" || cause === null) return undefined
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code === "string") {
    const text = typeof message === "string" && message.trim() !== "" ? message.trim() : code
    return { _tag: "Connection", code, text: text.slice(0, MaxText) }
  }
  return depth > 0 && "cause" in cause ? connectionError(cause.cause, depth - 1) : undefined
}
