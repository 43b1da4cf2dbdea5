/**
 * The standard streams of a command, read and written on demand.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Readable, Writable } from "node:stream"
import type { TerminalSize } from "../../../services/tool/HostProcesses.ts"

/**
 * How the standard streams of a command are connected.
 *
 * - `merged`: an empty input, and one pipe for both outputs, which keeps their order
 * - `separate`: a pipe for each output, and one for the input if `input` is set
 * - `terminal`: a terminal for all three
 */
export type Stdio =
  | { readonly type: "merged" }
  | { readonly type: "separate"; readonly input: boolean }
  | { readonly type: "terminal"; readonly size: TerminalSize }

/** The command no longer reads its input, or has none. */
export class InputClosed extends Schema.TaggedError<InputClosed>()("InputClosed", {}) {
  override get message(): string {
    return "the input of the command is closed"
  }
}

/** The next piece of output; undefined at the end. One reader at a time. */
export type Read = Effect.Effect<Uint8Array | undefined>

/** The input of a command. */
export interface Input {
  /** Writes all bytes. Waits while the command does not read. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, InputClosed>
  /** Ends the input. */
  readonly end: Effect.Effect<void, InputClosed>
}

/** The input of a command that has none. */
export const noInput: Input = { write: () => new InputClosed(), end: new InputClosed() }

/** Reads a stream in pieces. It is not read further than its own buffer while nobody asks. */
export const readerOf = (stream: Readable): Read => {
  let deliver: (() => void) | undefined
  let ended = false
  const end = (): void => {
    ended = true
    deliver?.()
  }
  stream.on("readable", () => deliver?.())
  // A failed read is the end of the output: so a terminal reports that no process has it open.
  stream.on("end", end).on("close", end).on("error", end)
  return Effect.callback((resume) => {
    deliver = () => {
      // A stream of bytes without an encoding gives buffers.
      const chunk = stream.read() as Buffer | null
      if (chunk === null && !ended) return
      deliver = undefined
      resume(Effect.succeed(chunk ?? undefined))
    }
    deliver()
    return Effect.sync(() => {
      deliver = undefined
    })
  })
}

/** Writes to a pipe. */
export const writerOf = (stream: Writable): Input => {
  stream.on("error", () => stream.destroy())
  return {
    write: (bytes) =>
      Effect.callback((resume) => {
        if (!stream.writable) return resume(new InputClosed())
        stream.write(bytes, (error) => resume(error == null ? Effect.void : new InputClosed()))
      }),
    end: Effect.suspend(() => {
      if (!stream.writable) return new InputClosed()
      stream.end()
      return Effect.void
    })
  }
}
