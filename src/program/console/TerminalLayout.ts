/**
 * A page of blocks on two streams that may be the same terminal: blank lines between blocks, every line whole, and a line of
 * progress at the bottom while nothing else is written.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { TerminalConsole, OutputStream } from "./Console.ts"

/** What is known of the paper that a stream is written on; two streams on one terminal share it. */
interface Paper {
  /** Something stands on it already. */
  begun: boolean
  /** The stream whose last line is not ended. */
  open: OutputStream | null
}

const EraseLine = "\r\u001B[2K"

export class TerminalLayout {
  readonly #screen: TerminalConsole["Service"]
  readonly #papers: ReadonlyMap<OutputStream, Paper>
  #progress = false

  constructor(screen: TerminalConsole["Service"]) {
    this.#screen = screen
    const paper = (): Paper => ({ begun: false, open: null })
    const shared = paper()
    const one = screen.out.isTerminal && screen.err.isTerminal
    this.#papers = new Map([
      [screen.out, one ? shared : paper()],
      [screen.err, one ? shared : paper()]
    ])
  }

  /** Text that goes on where the stream's last text stopped. */
  text(sheet: OutputStream, text: string, paint: (text: string) => string = (text) => text): Effect.Effect<void> {
    if (text === "") return Effect.void
    const paper = this.#paper(sheet)
    const before = paper.open !== null && paper.open !== sheet ? this.#write(paper.open, "\n") : Effect.void
    paper.begun = true
    paper.open = text.endsWith("\n") ? null : sheet
    return Effect.andThen(before, this.#write(sheet, paint(text)))
  }

  /** Whole lines. They join the block before them. */
  lines(sheet: OutputStream, ...lines: ReadonlyArray<string>): Effect.Effect<void> {
    const end = this.#endLine(sheet)
    return Effect.andThen(
      end,
      Effect.suspend(() => this.text(sheet, lines.map((line) => `${line}\n`).join("")))
    )
  }

  /** A new block: what was written before it ends, and a blank line parts them. */
  block(sheet: OutputStream, ...lines: ReadonlyArray<string>): Effect.Effect<void> {
    return Effect.andThen(
      this.#endLine(sheet),
      Effect.suspend(() => {
        const blank = this.#paper(sheet).begun ? "\n" : ""
        return this.text(sheet, `${blank}${lines.map((line) => `${line}\n`).join("")}`)
      })
    )
  }

  /** Ends an unfinished line. */
  endLine(sheet: OutputStream): Effect.Effect<void> {
    return this.#endLine(sheet)
  }

  /** Takes note that the person ended the line, by typing. */
  lineEnded(sheet: OutputStream): void {
    this.#paper(sheet).open = null
  }

  /** Shows progress at the bottom of a terminal; the next text replaces it. Nothing where it would be in the way. */
  progress(text: string): Effect.Effect<void> {
    const { err } = this.#screen
    if (!err.isTerminal || this.#paper(err).open !== null) return Effect.void
    this.#progress = true
    return err.write(`${EraseLine}${err.paint("dim", text.slice(0, err.columns() - 1))}`)
  }

  /** Takes the line of progress away. */
  clearProgress(): Effect.Effect<void> {
    if (!this.#progress) return Effect.void
    this.#progress = false
    return this.#screen.err.write(EraseLine)
  }

  #paper(sheet: OutputStream): Paper {
    return this.#papers.get(sheet) ?? { begun: false, open: null }
  }

  #endLine(sheet: OutputStream): Effect.Effect<void> {
    return Effect.suspend(() => {
      const paper = this.#paper(sheet)
      const { open } = paper
      paper.open = null
      return open === null ? Effect.void : this.#write(open, "\n")
    })
  }

  #write(sheet: OutputStream, text: string): Effect.Effect<void> {
    return this.#progress ? Effect.andThen(this.clearProgress(), sheet.write(text)) : sheet.write(text)
  }
}
