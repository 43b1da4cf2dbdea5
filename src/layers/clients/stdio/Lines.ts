/**
 * Text cut into lines, however it arrives.
 *
 * @module
 */

/** Holds at most one incomplete line, and that no longer than allowed. */
export class Lines {
  readonly #maxLength: number
  #parts: Array<string> = []
  #length = 0

  /** In characters. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  /** The lines that became complete, without blank ones; undefined when one is too long. */
  push(text: string): ReadonlyArray<string> | undefined {
    const lines: Array<string> = []
    let from = 0
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", from)) {
      if (this.#length + at - from > this.#maxLength) return undefined
      const line = this.#parts.join("") + text.slice(from, at)
      this.#parts = []
      this.#length = 0
      if (line.trim() !== "") lines.push(line)
      from = at + 1
    }
    if (from === text.length) return lines
    this.#length += text.length - from
    if (this.#length > this.#maxLength) return undefined
    this.#parts.push(text.slice(from))
    return lines
  }
}
