/**
 * The words in what a conversation holds.
 *
 * @module
 */

/** The text that a message, or the output of a tool, holds. */
export const textOf = (content: string | ReadonlyArray<object>): string =>
  typeof content === "string"
    ? content
    : content.map((part) => ("text" in part && typeof part.text === "string" ? part.text : "")).join("\n")
