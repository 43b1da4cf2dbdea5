/**
 * Lays out blocks on two streams that may be the same terminal: blank lines between blocks, no mixed lines, and a progress
 * line at the bottom while nothing else is written.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { TerminalConsole, OutputStream } from "./Console.ts"

/** The state of the output device of a stream; two streams on one terminal share it. */
interface StreamState {
  /** Whether something was written. */
  begun: boolean
  /** The stream whose last line is not terminated. */
  open: OutputStream | null
}

const EraseLine = "\r\u001B[2K"

export class TerminalLayout {
  readonly #screen: TerminalConsole["Service"]
  readonly #states: ReadonlyMap<OutputStream, StreamState>
  #progress = false

  constructor(screen: TerminalConsole["Service"]) {
    this.#screen = screen
    const state = (): StreamState => ({ begun: false, open: null })
    const shared = state()
    const one = screen.out.isTerminal && screen.err.isTerminal
    this.#states = new Map([
      [screen.out, one ? shared : state()],
      [screen.err, one ? shared : state()]
    ])
  }

  /** Writes text that continues the stream's last text. */
  text(stream: OutputStream, text: string, paint: (text: string) => string = (text) => text): Effect.Effect<void> {
    if (text === "") return Effect.void
    const state = this.#stateOf(stream)
    const before = state.open !== null && state.open !== stream ? this.#write(state.open, "\n") : Effect.void
    state.begun = true
    state.open = text.endsWith("\n") ? null : stream
    return Effect.andThen(before, this.#write(stream, paint(text)))
  }

  /** Writes whole lines to the current block. */
  lines(stream: OutputStream, ...lines: ReadonlyArray<string>): Effect.Effect<void> {
    const end = this.#endLine(stream)
    return Effect.andThen(
      end,
      Effect.suspend(() => this.text(stream, lines.map((line) => `${line}\n`).join("")))
    )
  }

  /** Begins a new block: terminates the last line and separates the blocks by a blank line. */
  block(stream: OutputStream, ...lines: ReadonlyArray<string>): Effect.Effect<void> {
    return Effect.andThen(
      this.#endLine(stream),
      Effect.suspend(() => {
        const blank = this.#stateOf(stream).begun ? "\n" : ""
        return this.text(stream, `${blank}${lines.map((line) => `${line}\n`).join("")}`)
      })
    )
  }

  /** Terminates an unfinished line. */
  endLine(stream: OutputStream): Effect.Effect<void> {
    return this.#endLine(stream)
  }

  /** Records that the user terminated the line by typing. */
  lineEnded(stream: OutputStream): void {
    this.#stateOf(stream).open = null
  }

  /** Shows progress at the bottom of a terminal; the next text replaces it. Shows nothing while a line is unfinished. */
  progress(text: string): Effect.Effect<void> {
    const { err } = this.#screen
    if (!err.isTerminal || this.#stateOf(err).open !== null) return Effect.void
    this.#progress = true
    return err.write(`${EraseLine}${err.paint("dim", text.slice(0, err.columns() - 1))}`)
  }

  /** Removes the progress line. */
  clearProgress(): Effect.Effect<void> {
    if (!this.#progress) return Effect.void
    this.#progress = false
    return this.#screen.err.write(EraseLine)
  }

  #stateOf(stream: OutputStream): StreamState {
    return this.#states.get(stream) ?? { begun: false, open: null }
  }

  #endLine(stream: OutputStream): Effect.Effect<void> {
    return Effect.suspend(() => {
      const state = this.#stateOf(stream)
      const { open } = state
      state.open = null
      return open === null ? Effect.void : this.#write(open, "\n")
    })
  }

  #write(stream: OutputStream, text: string): Effect.Effect<void> {
    return this.#progress ? Effect.andThen(this.clearProgress(), stream.write(text)) : stream.write(text)
  }
}
