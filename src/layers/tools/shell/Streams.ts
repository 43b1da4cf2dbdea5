/**
 * The standard streams of a command, read and written on demand.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Socket } from "node:net"
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

/** The next piece of output, valid until the next one is asked for; undefined at the end. One reader at a time. */
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

/** Size in bytes of the buffer of a pipe, which is that of Linux. */
const BufferSize = 64 * 1024

/**
 * Reads a pipe into one buffer: a piece is valid until the next one is asked for. Nothing is allocated for each piece, so the
 * memory does not grow with the output. The pipe is not read further while nobody asks.
 */
export const pipeReader = (descriptor: number): { readonly read: Read; readonly close: () => void } => {
  let piece: Uint8Array | undefined
  let deliver: (() => void) | undefined
  let ended = false
  const socket = new Socket({
    fd: descriptor,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafe(BufferSize),
      callback: (size, buffer) => {
        piece = buffer.subarray(0, size)
        deliver?.()
        // Goes on if the piece was consumed in this step and another one is asked for, else with the next request for one.
        return deliver !== undefined
      }
    }
  })
  const end = (): void => {
    ended = true
    deliver?.()
  }
  // A failed read is the end of the output.
  socket.on("end", end).on("close", end).on("error", end)
  const read: Read = Effect.callback((resume) => {
    deliver = () => {
      if (piece === undefined && !ended) return
      const next = piece
      piece = undefined
      deliver = undefined
      resume(Effect.succeed(next))
    }
    deliver()
    if (deliver !== undefined) socket.resume()
    return Effect.sync(() => {
      deliver = undefined
    })
  })
  return { read, close: () => void socket.destroy() }
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
