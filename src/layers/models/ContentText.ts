/**
 * The text of conversation content.
 *
 * @module
 */

/** The text of a message or of a tool's output. */
export const textOf = (content: string | ReadonlyArray<object>): string =>
  typeof content === "string"
    ? content
    : content.map((part) => ("text" in part && typeof part.text === "string" ? part.text : "")).join("\n")
