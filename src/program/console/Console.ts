/**
 * Where a person reads: stdout for what was asked for, stderr for how it went.
 *
 * Owns the two streams: that a slow reader slows the writer down, that everything is written before the program ends, and
 * whether they are terminals. Does not own what is written (Page, Transcript, JsonEvents).
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

/** The looks in use. None of them carries meaning alone: without colours the words still say it. */
export type Style = "bold" | "cyan" | "dim" | "green" | "red" | "yellow"

/** `auto`: colours on terminals that have them, unless `NO_COLOR` is set. */
export type ColorChoice = "always" | "auto" | "never"

/** One of the two streams. */
export interface OutputStream {
  /** Waits while the reader is behind. Writing to a stream that nobody reads any more does nothing. */
  readonly write: (text: string) => Effect.Effect<void>
  readonly isTerminal: boolean
  /** Width in characters; a usual one where there is no terminal. */
  readonly columns: () => number
  /** The text as it is where colours are not wanted (`NO_COLOR`, no terminal). */
  readonly paint: (look: Style, text: string) => string
}

export class TerminalConsole extends Context.Service<
  TerminalConsole,
  {
    readonly out: OutputStream
    readonly err: OutputStream
    /** A person is there to read questions on stderr and to answer them on stdin. */
    readonly canAsk: boolean
    /** Succeeds when the reader of stdout has gone, as `head` goes. */
    readonly readerGone: Effect.Effect<void>
    /** Waits until everything is written. */
    readonly flush: Effect.Effect<void>
  }
>()("spindle/program/Screen") {}

const DefaultColumns = 80

/** Streams that are no terminals have no such property at all, whatever their type says. */
const isTerminal = (stream: { readonly isTTY?: boolean }): boolean => stream.isTTY === true

/** One of the process's streams. */
class Output {
  readonly #stream: NodeJS.WriteStream
  /** Succeeds when a write fails: nobody reads any more. */
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
      // What a failing stream says by its `error` event comes later than this, and only once others have had their turn.
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
      // A terminal that does not know its width says 0.
      columns: () => (isTerminal(stream) && stream.columns > 0 ? stream.columns : DefaultColumns),
      paint: (look, text) => (colours ? styleText(look, text, { validateStream: false }) : text)
    }
  }
}

/** A lost stream must not end the process by an error event that nobody expects, not even after the end. */
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

/** What was written where, in order; both streams may stand for terminals, without colours. */
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
