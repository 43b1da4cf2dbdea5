/**
 * Functions of the C library that Node does not offer: real pipes, and terminals. The optional dependency `koffi` calls them.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import process from "node:process"
import type { TerminalSize } from "../../../services/tool/HostProcesses.ts"

/** The C library cannot be called on this machine or with this installation. */
export class NoCLibrary extends Schema.TaggedError<NoCLibrary>()("NoCLibrary", {}) {
  override get message(): string {
    return "the optional dependency koffi is not installed, or does not run here"
  }
}

/** The descriptors of a pipe, which no child inherits by itself. */
export interface Pipe {
  readonly reading: number
  readonly writing: number
}

export interface CLibrary {
  /** Opens a pipe; undefined where Node's own serve as well. */
  readonly openPipe: () => Pipe | undefined
  /** Makes the other side of a terminal usable and returns its path. */
  readonly unlockTerminal: (descriptor: number) => string
  readonly resizeTerminal: (descriptor: number, size: TerminalSize) => void
}

const load = async (): Promise<CLibrary> => {
  if (process.platform === "win32") throw new Error("Windows has no such library")
  const { default: koffi } = await import("koffi")
  const isDarwin = process.platform === "darwin"
  const library = koffi.load(isDarwin ? "libSystem.dylib" : null)
  const grant = library.func("int grantpt(int)")
  const unlock = library.func("int unlockpt(int)")
  const nameOf = library.func("const char *ptsname(int)")
  const control = library.func("int ioctl(int, unsigned long, ...)")
  const pipe = isDarwin ? undefined : library.func("int pipe2(_Out_ int *, int)")
  const failed = (what: string) => {
    const code = koffi.errno()
    return Object.assign(new Error(`${what} (error ${code})`), { errno: -code })
  }
  return {
    openPipe: () => {
      if (pipe === undefined) return undefined
      const descriptors = new Int32Array(2)
      if (Number(pipe(descriptors, CloseOnExec)) !== 0) throw failed("a pipe cannot be opened")
      const [reading = -1, writing = -1] = descriptors
      return { reading, writing }
    },
    unlockTerminal: (descriptor) => {
      const path: unknown = Number(grant(descriptor)) === 0 && Number(unlock(descriptor)) === 0 && nameOf(descriptor)
      if (typeof path !== "string") throw failed("a terminal cannot be unlocked")
      return path
    },
    resizeTerminal: (descriptor, { cols, rows }) =>
      void control(descriptor, isDarwin ? 0x8008_7467 : 0x5414, "void *", new Uint16Array([rows, cols, 0, 0]))
  }
}

/** `O_CLOEXEC` of Linux. */
const CloseOnExec = 0o2_000_000

let loading: Promise<CLibrary> | undefined

/** The library, loaded once. */
export const cLibrary: Effect.Effect<CLibrary, NoCLibrary> = Effect.tryPromise({
  try: () => (loading ??= load()),
  catch: () => new NoCLibrary()
})
