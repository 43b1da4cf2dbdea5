/**
 * Separates a proposed plan from the rest of a message, also while the message streams.
 *
 * A plan stands between a line `<proposed_plan>` and a line `</proposed_plan>`. A tag counts only on a line of its own, and the
 * line is part of neither text. A plan without an end goes to the end of the message.
 *
 * @module
 */

/** A piece of a message, in order. `planStarted` precedes the text of a plan, which may be empty. */
export type Piece =
  | { readonly _tag: "Message"; readonly text: string }
  | { readonly _tag: "Plan"; readonly text: string }
  | { readonly _tag: "PlanStarted" }

const Open = "<proposed_plan>"
const Close = "</proposed_plan>"

/** Maximum length of a line that is held back because it may be a tag, in UTF-16 units. */
const MaxHeld = 256

const mayBecomeTag = (line: string): boolean => {
  const text = line.trim()
  return line.length <= MaxHeld && (Open.startsWith(text) || Close.startsWith(text))
}

/** Reads one message in pieces of any size. */
export class PlanReader {
  /** The start of the current line, as long as it may be a tag; undefined behind that. */
  #held: string | undefined = ""
  #isInPlan = false
  #out: Array<Piece> = []

  /** The pieces that are complete after this text. */
  feed(text: string): ReadonlyArray<Piece> {
    for (let at = 0; at < text.length;) {
      const end = text.indexOf("\n", at)
      const next = end < 0 ? text.length : end + 1
      this.#part(text.slice(at, next), end >= 0)
      at = next
    }
    return this.#take()
  }

  /** The pieces that the end of the message completes. */
  end(): ReadonlyArray<Piece> {
    if (this.#held !== undefined && this.#held !== "") this.#line(this.#held)
    this.#held = ""
    return this.#take()
  }

  #take(): ReadonlyArray<Piece> {
    const out = this.#out
    this.#out = []
    return out
  }

  /** A part of one line. */
  #part(text: string, isEnd: boolean): void {
    if (this.#held === undefined) {
      this.#text(text)
    } else {
      this.#held += text
      if (isEnd) this.#line(this.#held)
      else if (!mayBecomeTag(this.#held)) {
        this.#text(this.#held)
        this.#held = undefined
      }
    }
    if (isEnd) this.#held = ""
  }

  /** A whole line that was held back. */
  #line(line: string): void {
    const text = line.trim()
    if (text === Open && !this.#isInPlan) {
      this.#isInPlan = true
      this.#out.push({ _tag: "PlanStarted" })
    } else if (text === Close && this.#isInPlan) this.#isInPlan = false
    else this.#text(line)
  }

  #text(text: string): void {
    const _tag = this.#isInPlan ? "Plan" : "Message"
    const last = this.#out.at(-1)
    if (last?._tag === _tag) this.#out[this.#out.length - 1] = { _tag, text: last.text + text }
    else this.#out.push({ _tag, text })
  }
}

/** The message without its plans, and its last plan; null when it has none. */
export const split = (text: string): { readonly message: string; readonly plan: string | null } => {
  const reader = new PlanReader()
  let message = ""
  let plan: string | null = null
  for (const piece of [...reader.feed(text), ...reader.end()]) {
    if (piece._tag === "Message") message += piece.text
    else if (piece._tag === "PlanStarted") plan = ""
    else plan = (plan ?? "") + piece.text
  }
  return { message, plan }
}
