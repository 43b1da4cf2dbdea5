/**
 * Pseudoterminals: the side of the server.
 *
 * Owns the descriptors of a terminal and its size. Does not own the process in it (`Process`).
 *
 * Node has no `openpty`, so the C library is called. The descriptors are opened by Node, which closes them in every child: a
 * command that inherited the terminal of another one could type into it. Input is
 * written without blocking, because a program that does not read would stop the server otherwise.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import { ReadStream } from "node:tty"
import type { TerminalSize } from "../../../services/tool/HostProcesses.ts"
import { type CLibrary, cLibrary } from "./CLibrary.ts"
import { type Input, InputClosed, type Read, readerOf } from "./Streams.ts"

/** Terminals cannot be opened on this machine or with this installation. */
export class TerminalUnavailable extends Schema.TaggedError<TerminalUnavailable>()("TerminalUnavailable", {
  /** The problem, and what to do. */
  reason: Schema.String
}) {
  override get message(): string {
    return `no terminal is available: ${this.reason}`
  }
}

/** An open terminal. */
export interface Terminal {
  /** The path of the side of the command. A session leader that opens it gets it as its controlling terminal. */
  readonly path: string
  /** The descriptor of that side. The caller closes it when the command has it. */
  readonly inner: number
  readonly read: Read
  readonly input: Input
  readonly resize: (size: TerminalSize) => Effect.Effect<void>
  /** Closes the side of the server: processes in the terminal get SIGHUP. */
  readonly close: () => void
}

const unavailable = (reason: string) => new TerminalUnavailable({ reason })

const library = Effect.mapError(cLibrary, ({ message }) => unavailable(message))

/** Fails when terminals cannot be opened here. */
export const available: Effect.Effect<void, TerminalUnavailable> = Effect.asVoid(library)

/** Number of bytes per system call, the size of the buffer of a terminal. */
const PieceSize = 4096

/** How long a full terminal is left alone. */
const FirstPause = 1
const LongestPause = 50

/** Number of bytes written; 0 while the terminal is full. */
const writeNow = (descriptor: number, bytes: Uint8Array): number => {
  try {
    return Fs.writeSync(descriptor, bytes)
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "EAGAIN" || code === "EINTR") return 0
    throw error
  }
}

/** A full terminal cannot be waited for with Node, so it is tried again. */
const inputOf = (descriptor: number, isOpen: () => boolean): Input => {
  const write = Effect.fnUntraced(function* (bytes: Uint8Array): Effect.fn.Return<void, InputClosed> {
    let pause = FirstPause
    for (let at = 0; at < bytes.length;) {
      const written = yield* Effect.try({
        // Checked and written in one step: a closed descriptor may belong to another file.
        try: () => (isOpen() ? writeNow(descriptor, bytes.subarray(at, at + PieceSize)) : -1),
        catch: () => new InputClosed()
      })
      if (written < 0) return yield* new InputClosed()
      at += written
      if (written > 0) {
        pause = FirstPause
        yield* Effect.yieldNow
      } else {
        yield* Effect.sleep(pause)
        pause = Math.min(pause * 2, LongestPause)
      }
    }
  })
  // A newline and control-D, which a terminal in its usual mode turns into the end of the input. As in the release.
  return { write, end: write(new Uint8Array([10, 4])) }
}

const opened = (library: CLibrary, size: TerminalSize): Terminal => {
  const { O_NOCTTY, O_NONBLOCK, O_RDWR } = Fs.constants
  const outer = Fs.openSync("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
  let inner: number | undefined
  try {
    const path = library.unlockTerminal(outer)
    // The server must not get the terminal as its own. macOS knows a size only while this side is open.
    inner = Fs.openSync(path, O_RDWR | O_NOCTTY)
    library.resizeTerminal(inner, size)
    const stream = new ReadStream(outer)
    return {
      path,
      inner,
      read: readerOf(stream),
      input: inputOf(outer, () => !stream.destroyed),
      resize: (size) => Effect.sync(() => (stream.destroyed ? undefined : library.resizeTerminal(outer, size))),
      close: () => void stream.destroy()
    }
  } catch (error) {
    Fs.closeSync(outer)
    if (inner !== undefined) Fs.closeSync(inner)
    throw error
  }
}

/** Opens a terminal. The caller closes both sides. */
export const open = (size: TerminalSize): Effect.Effect<Terminal, TerminalUnavailable> =>
  Effect.flatMap(library, (library) =>
    Effect.try({
      try: () => opened(library, size),
      catch: (error) => unavailable(error instanceof Error ? error.message : "it cannot be opened")
    })
  )
