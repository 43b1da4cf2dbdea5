/**
 * Connects the standard streams of a command.
 *
 * Node connects children with sockets, and Linux cannot open a socket by a path: `echo x > /dev/stderr` would fail in every
 * command. So the pipes are opened here where that is possible.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { ChildProcess } from "node:child_process"
import * as Fs from "node:fs"
import { Socket } from "node:net"
import type { Readable, Writable } from "node:stream"
import type { CLibrary, Pipe } from "./CLibrary.ts"
import { type Input, noInput, pipeReader, type Read, readerOf, type Stdio, writerOf } from "./Streams.ts"
import type { Terminal } from "./Terminal.ts"

/** The server's side of the streams of a command that runs. */
export interface CommandStreams {
  readonly read: Read
  readonly readErrors: Read
  readonly input: Input
  /** Closes all of them. */
  readonly close: () => void
}

/** Streams for a command that is to be started. */
export interface PreparedStreams {
  /** For the first three descriptors of the child. */
  readonly inner: ReadonlyArray<"ignore" | "pipe" | number>
  /** The server's side, when the child was started. */
  readonly connect: (child: ChildProcess) => CommandStreams
  /** Closes the side of the child, which has its own copies. */
  readonly closeInner: () => void
  /** Closes the side of the server, when the child cannot be started. */
  readonly closeOuter: () => void
}

/** One pipe: opened here, or by Node with the child. */
interface End {
  readonly inner: "ignore" | "pipe" | number
  readonly outer: number | undefined
}

const closed: End = { inner: "ignore", outer: undefined }
const byNode: End = { inner: "pipe", outer: undefined }

const outputEnd = (pipe: Pipe | undefined): End =>
  pipe === undefined ? byNode : { inner: pipe.writing, outer: pipe.reading }

const inputEnd = (pipe: Pipe | undefined): End =>
  pipe === undefined ? byNode : { inner: pipe.reading, outer: pipe.writing }

/** A stream of output at the server's side. */
interface Reader {
  readonly read: Read
  readonly close: () => void
}

const nothing: Reader = { read: Effect.undefined, close: () => {} }

const reader = ({ outer }: End, own: Readable | null): Reader => {
  if (outer !== undefined) return pipeReader(outer)
  return own === null ? nothing : { read: readerOf(own), close: () => void own.destroy() }
}

const writable = ({ outer }: End, own: Writable | null): Writable | null =>
  outer === undefined ? own : new Socket({ fd: outer, readable: false, writable: true })

const closeAll = (descriptors: ReadonlyArray<"ignore" | "pipe" | number | undefined>): void => {
  for (const descriptor of descriptors) if (typeof descriptor === "number") Fs.closeSync(descriptor)
}

/** Opens the pipes of a command. */
export const prepare = (stdio: Stdio, library: CLibrary | undefined): PreparedStreams => {
  const ends: Array<End> = []
  const add = (end: End): End => {
    ends.push(end)
    return end
  }
  try {
    const isSeparate = stdio.type === "separate"
    const input = add(isSeparate && stdio.input ? inputEnd(library?.openPipe()) : closed)
    const output = add(outputEnd(library?.openPipe()))
    const errors = add(isSeparate ? outputEnd(library?.openPipe()) : closed)
    return {
      inner: ends.map((end) => end.inner),
      connect: (child) =>
        connected(
          reader(output, child.stdout),
          isSeparate ? reader(errors, child.stderr) : nothing,
          input === closed ? null : writable(input, child.stdin)
        ),
      closeInner: () => closeAll(ends.map((end) => end.inner)),
      closeOuter: () => closeAll(ends.map((end) => end.outer))
    }
  } catch (error) {
    closeAll(ends.flatMap((end) => [end.inner, end.outer]))
    throw error
  }
}

const connected = (output: Reader, errors: Reader, input: Writable | null): CommandStreams => ({
  read: output.read,
  readErrors: errors.read,
  input: input === null ? noInput : writerOf(input),
  close: () => {
    output.close()
    errors.close()
    input?.destroy()
  }
})

/** The streams of a command in a terminal. */
export const ofTerminal = ({ close, inner, input, read }: Terminal): PreparedStreams => ({
  inner: [inner, inner, inner],
  connect: () => ({ read, readErrors: Effect.undefined, input, close }),
  closeInner: () => Fs.closeSync(inner),
  closeOuter: close
})
