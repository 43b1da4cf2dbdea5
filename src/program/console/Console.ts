/**
 * The terminal output: stdout for results, stderr for progress.
 *
 * Owns the two streams: a slow reader slows the writer down, everything is written before the program ends, and whether they
 * are terminals. Does not own the content (TerminalLayout, the reporters).
 *
 * @module
 */
import process from "node:process"
import type { WriteStream } from "node:tty"
import { styleText } from "node:util"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The text styles. None carries meaning alone: the text is complete without colours. */
export type Style = "bold" | "cyan" | "dim" | "green" | "red" | "yellow"

/** `auto`: colours on terminals that have them, unless `NO_COLOR` is set. */
export type ColorChoice = "always" | "auto" | "never"

/** One of the two streams. */
export interface OutputStream {
  /** Waits while the reader is behind. Does nothing when the stream has no reader any more. */
  readonly write: (text: string) => Effect.Effect<void>
  readonly isTerminal: boolean
  /** Width in characters; a default when the stream is not a terminal. */
  readonly columns: () => number
  /** The text in this style; unchanged when colours are disabled (`NO_COLOR`, no terminal). */
  readonly paint: (style: Style, text: string) => string
}

export class TerminalConsole extends Context.Service<
  TerminalConsole,
  {
    readonly out: OutputStream
    readonly err: OutputStream
    /** Whether a user can read questions on stderr and answer them on stdin. */
    readonly canAsk: boolean
    /** Succeeds when the reader of stdout has closed it, as `head` does. */
    readonly readerGone: Effect.Effect<void>
    /** Waits until everything is written. */
    readonly flush: Effect.Effect<void>
  }
>()("spindle/program/Screen") {}

const DefaultColumns = 80

/** `isTTY` is undefined on streams that are not terminals, although its type is boolean. */
const isTerminal = (stream: { readonly isTTY?: boolean }): boolean => stream.isTTY === true

/** One of the process's streams. */
class Output {
  readonly #stream: NodeJS.WriteStream
  /** Succeeds when a write fails, because there is no reader any more. */
  readonly gone = Deferred.makeUnsafe<void>()
  #lost = false

  readonly #color: ColorChoice

  constructor(stream: NodeJS.WriteStream, color: ColorChoice) {
    this.#stream = stream
    this.#color = color
  }

  write(text: string): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (text === "" || this.#lost) return resume(Effect.void)
      // A failing stream emits its `error` event later than this callback.
      const kept = this.#stream.write(text, (error) => {
        if (error != null) this.lose()
        if (!kept) resume(Effect.void)
      })
      if (kept) resume(Effect.void)
    })
  }

  get flush(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.#lost) return resume(Effect.void)
      this.#stream.write("", () => resume(Effect.void))
    })
  }

  lose(): void {
    this.#lost = true
    Deferred.doneUnsafe(this.gone, Effect.void)
  }

  get sheet(): OutputStream {
    const stream = this.#stream
    const suits = isTerminal(stream) && (stream as WriteStream).hasColors()
    const colours = this.#color === "auto" ? suits : this.#color === "always"
    return {
      write: (text) => this.write(text),
      isTerminal: isTerminal(stream),
      // A terminal of unknown width reports 0.
      columns: () => (isTerminal(stream) && stream.columns > 0 ? stream.columns : DefaultColumns),
      paint: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text)
    }
  }
}

/** Handles the error events of a closed stream, also after the end, so that they do not end the process. */
const output = (stream: NodeJS.WriteStream, color: ColorChoice): Output => {
  const made = new Output(stream, color)
  stream.on("error", () => made.lose())
  return made
}

const make = (color: ColorChoice) => {
  const { stderr, stdin, stdout } = process
  const out = output(stdout, color)
  const err = output(stderr, color)
  return TerminalConsole.of({
    out: out.sheet,
    err: err.sheet,
    canAsk: isTerminal(stdin) && isTerminal(stderr),
    readerGone: Deferred.await(out.gone),
    flush: Effect.andThen(out.flush, err.flush)
  })
}

/** The console of the process. */
export const layerWith = (color: ColorChoice): Layer.Layer<TerminalConsole> =>
  Layer.sync(TerminalConsole, () => make(color))

export const layer: Layer.Layer<TerminalConsole> = layerWith("auto")

/** What was written to which stream, in order. Both streams may be terminals without colours. */
export interface Written {
  readonly stream: "err" | "out"
  readonly text: string
}

export const layerTest = (options: {
  readonly written: Array<Written>
  readonly terminals?: ReadonlyArray<"err" | "out">
  readonly canAsk?: boolean
}): Layer.Layer<TerminalConsole> => {
  const sheet = (stream: "err" | "out"): OutputStream => ({
    write: (text) => Effect.sync(() => void options.written.push({ stream, text })),
    isTerminal: options.terminals?.includes(stream) ?? false,
    columns: () => DefaultColumns,
    paint: (_, text) => text
  })
  return Layer.succeed(TerminalConsole, {
    out: sheet("out"),
    err: sheet("err"),
    canAsk: options.canAsk ?? false,
    readerGone: Effect.never,
    flush: Effect.void
  })
}
