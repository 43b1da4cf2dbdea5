/**
 * Pseudoterminals: the side of the server.
 *
 * Owns the descriptors of a terminal and its size. Does not own the process in it (`Process`).
 *
 * Node has no `openpty`; the optional dependency `koffi` calls the functions of the C library. The descriptors are opened by
 * Node, which closes them in every child: a command that inherited the terminal of another one could type into it. Input is
 * written without blocking, because a program that does not read would stop the server otherwise.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import process from "node:process"
import { ReadStream } from "node:tty"
import { type Input, InputClosed, type Read, readerOf } from "./Streams.ts"

/** The size of a terminal in characters; 1 to 65 535. */
export interface TerminalSize {
  readonly rows: number
  readonly cols: number
}

/** The size that the released server gives a terminal. */
export const DefaultSize: TerminalSize = { rows: 24, cols: 80 }

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

/** The functions of the C library. */
interface Library {
  /** Makes the other side of a terminal usable and returns its path. */
  readonly unlock: (descriptor: number) => string
  readonly resize: (descriptor: number, size: TerminalSize) => void
}

const unavailable = (reason: string) => new TerminalUnavailable({ reason })

const load = async (): Promise<Library> => {
  const { default: koffi } = await import("koffi")
  const isDarwin = process.platform === "darwin"
  const library = koffi.load(isDarwin ? "libSystem.dylib" : null)
  const grant = library.func("int grantpt(int)")
  const unlock = library.func("int unlockpt(int)")
  const nameOf = library.func("const char *ptsname(int)")
  const control = library.func("int ioctl(int, unsigned long, ...)")
  /** `TIOCSWINSZ`. */
  const setSize = isDarwin ? 0x8008_7467 : 0x5414
  return {
    unlock: (descriptor) => {
      const path: unknown = Number(grant(descriptor)) === 0 && Number(unlock(descriptor)) === 0 && nameOf(descriptor)
      if (typeof path !== "string") throw new Error(`the terminal cannot be unlocked (error ${koffi.errno()})`)
      return path
    },
    resize: (descriptor, { cols, rows }) =>
      void control(descriptor, setSize, "void *", new Uint16Array([rows, cols, 0, 0]))
  }
}

let loading: Promise<Library> | undefined

/** Loads what terminals need. It is loaded once; a failed attempt is repeated. */
const library: Effect.Effect<Library, TerminalUnavailable> = Effect.tryPromise({
  try: () => (loading ??= process.platform === "win32" ? Promise.reject(new Error("Windows")) : load()),
  catch: () => {
    loading = undefined
    return unavailable("the optional dependency koffi is not installed, or does not run here")
  }
})

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
  // Control-D, which a terminal in its usual mode turns into the end of the input.
  return { write, end: write(new Uint8Array([4])) }
}

const opened = (library: Library, size: TerminalSize): Terminal => {
  const { O_NOCTTY, O_NONBLOCK, O_RDWR } = Fs.constants
  const outer = Fs.openSync("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
  let inner: number | undefined
  try {
    const path = library.unlock(outer)
    // The server must not get the terminal as its own. macOS knows a size only while this side is open.
    inner = Fs.openSync(path, O_RDWR | O_NOCTTY)
    library.resize(inner, size)
    const stream = new ReadStream(outer)
    return {
      path,
      inner,
      read: readerOf(stream),
      input: inputOf(outer, () => !stream.destroyed),
      resize: (size) => Effect.sync(() => (stream.destroyed ? undefined : library.resize(outer, size))),
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
