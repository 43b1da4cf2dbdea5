/**
 * Parses the text of a patch. Pure.
 *
 * ```
 * *** Begin Patch
 * *** Add File: path            then lines with `+`
 * *** Delete File: path
 * *** Update File: path
 * *** Move to: path             optional
 * @@ line                       optional: a line before the chunk
 *  kept, -removed, +added
 * *** End of File               optional: the chunk is at the end
 * *** End Patch
 * ```
 *
 * Accepts what the released server accepts: blanks around the whole text, around its first and last line and around the
 * headers of files, lines that end with CRLF, and a patch that is still wrapped in its here document. The error texts are those
 * of the release; the model reads them.
 *
 * @module
 */
import * as Result from "effect/Result"
import type { Chunk, ChunkLine, Operation } from "./Patch.ts"

/** Maximum number of files in a patch. */
export const MaxFiles = 1024

const Begin = "*** Begin Patch"
const End = "*** End Patch"
const EndOfFile = "*** End of File"
const MoveTo = "*** Move to: "
const EnvironmentId = "*** Environment ID:"

const noBegin = `invalid patch: The first line of the patch must be '${Begin}'`
const noEnd = `invalid patch: The last line of the patch must be '${End}'`

const headers = [
  { type: "add", prefix: "*** Add File: " },
  { type: "delete", prefix: "*** Delete File: " },
  { type: "update", prefix: "*** Update File: " }
] as const

const headerOf = (line: string) => {
  for (const { prefix, type } of headers) {
    if (line.startsWith(prefix) && line.length > prefix.length) return { type, path: line.slice(prefix.length) }
  }
  return undefined
}

const opensHereDocument = /^<<(?:EOF|'EOF'|"EOF")$/

const linesOf = (text: string): ReadonlyArray<string> =>
  text === "" ? [] : text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line))

const boundaryError = (lines: ReadonlyArray<string>): string | undefined => {
  const first = lines[0]
  if (first !== undefined && first.trim() !== Begin) return noBegin
  return lines.length < 2 || lines.at(-1)?.trim() !== End ? noEnd : undefined
}

/** The lines of the patch, also when it is wrapped in a here document. */
const patchLines = (text: string): Result.Result<ReadonlyArray<string>, string> => {
  const lines = linesOf(text.trim())
  const error = boundaryError(lines)
  if (error === undefined) return Result.succeed(lines)
  if (lines.length < 4 || !opensHereDocument.test(lines[0] ?? "") || !(lines.at(-1) ?? "").endsWith("EOF")) {
    return Result.fail(error)
  }
  const inner = linesOf(lines.slice(1, -1).join("\n").trim())
  const innerError = boundaryError(inner)
  return innerError === undefined ? Result.succeed(inner) : Result.fail(innerError)
}

/** The chunks of an updated file while they are read. */
class UpdateReader {
  readonly path: string
  /** The line of the header; lines count from 1. */
  readonly line: number
  movePath: string | null = null
  readonly chunks: Array<Chunk> = []
  #open: { readonly context: string | null; readonly lines: Array<ChunkLine> } | undefined
  #hasEnded = false

  constructor(path: string, line: number) {
    this.path = path
    this.line = line
  }

  /** True before anything but the header was read. */
  get isFresh(): boolean {
    return this.#open === undefined && this.chunks.length === 0 && this.movePath === null
  }

  /** Reads a line. False: it is the header of another file or the end of the patch. Fails with the reason. */
  read(line: string): Result.Result<boolean, string> {
    const open = this.#open
    const trimmed = line.trimEnd()
    if (this.isFresh && line.startsWith(MoveTo) && trimmed.length > MoveTo.length) {
      this.movePath = trimmed.slice(MoveTo.length)
      return Result.succeed(true)
    }
    const isEmptyChunk = open?.lines.length === 0
    if (!isEmptyChunk && (trimmed === "@@" || line.startsWith("@@ "))) {
      this.#close(false)
      this.#open = { context: trimmed === "@@" ? null : trimmed.slice(3), lines: [] }
      this.#hasEnded = false
      return Result.succeed(true)
    }
    if (trimmed === End || (!isEmptyChunk && headerOf(trimmed) !== undefined)) return Result.succeed(false)
    if (trimmed === EndOfFile && !this.#hasEnded) return this.#endOfFile()
    if (this.#hasEnded) return line.trim() === "" ? Result.succeed(true) : Result.fail(expectsMarker(line))
    return this.#content(line)
  }

  /** The file, or the reason why its header is not followed by a change. The reason names the header, or the current line. */
  finish(): Result.Result<Operation, { readonly reason: string; readonly ofHeader: boolean }> {
    if (this.#open?.lines.length === 0) return Result.fail({ reason: noLines, ofHeader: false })
    this.#close(false)
    const { chunks, movePath, path } = this
    return chunks.length === 0
      ? Result.fail({ reason: `Update file hunk for path '${path}' is empty`, ofHeader: true })
      : Result.succeed({ type: "update", path, movePath, chunks })
  }

  #endOfFile(): Result.Result<boolean, string> {
    // Without a chunk the file has no change, which is reported at its end.
    if (this.#open === undefined) return Result.succeed(false)
    if (this.#open.lines.length === 0) return Result.fail(noLines)
    this.#close(true)
    this.#hasEnded = true
    return Result.succeed(true)
  }

  #content(line: string): Result.Result<boolean, string> {
    // A blank line stands for a blank context line.
    const sign = line[0] ?? " "
    if (sign !== " " && sign !== "+" && sign !== "-") {
      return Result.fail(
        this.#open === undefined || this.#open.lines.length === 0 ? unexpected(line) : expectsMarker(line)
      )
    }
    this.#open ??= { context: null, lines: [] }
    this.#open.lines.push({ sign, text: line.slice(1) })
    return Result.succeed(true)
  }

  #close(endOfFile: boolean): void {
    if (this.#open === undefined) return
    this.chunks.push({ ...this.#open, endOfFile })
    this.#open = undefined
  }
}

const noLines = "Update hunk does not contain any lines"

const unexpected = (line: string): string =>
  `Unexpected line found in update hunk: '${line}'. Every line should start with ' ' (context line), '+' (added line), ` +
  "or '-' (removed line)"

const expectsMarker = (line: string): string => `Expected update hunk to start with a @@ context marker, got: '${line}'`

const invalidHunk = (line: number, reason: string): string => `invalid hunk at line ${line}, ${reason}`

class PatchReader {
  readonly #lines: ReadonlyArray<string>
  readonly operations: Array<Operation> = []
  /** The index of the next line. */
  #next = 1

  constructor(lines: ReadonlyArray<string>) {
    this.#lines = lines
  }

  /** The reason why the patch is not valid. */
  run(): string | undefined {
    while (this.#next < this.#lines.length) {
      const line = (this.#lines[this.#next] ?? "").trim()
      this.#next++
      if (line === End) return this.#rest()
      const header = headerOf(line)
      if (header === undefined) return invalidHunk(this.#next, notAHeader(line))
      if (this.operations.length === MaxFiles) return `invalid patch: it changes more than ${MaxFiles} files`
      const error = this.#file(header)
      if (error !== undefined) return error
    }
    return noEnd
  }

  /** Nothing but ends and blank lines may follow the end. */
  #rest(): string | undefined {
    const isEmpty = this.#lines.slice(this.#next).every((line) => line.trim() === "" || line.trim() === End)
    return isEmpty ? undefined : noEnd
  }

  #file({ path, type }: NonNullable<ReturnType<typeof headerOf>>): string | undefined {
    if (type === "delete") return void this.operations.push({ type, path })
    return type === "add" ? this.#add(path) : this.#update(path)
  }

  #add(path: string): undefined {
    const content: Array<string> = []
    for (; this.#lines[this.#next]?.startsWith("+") === true; this.#next++) {
      content.push(`${this.#lines[this.#next]?.slice(1) ?? ""}\n`)
    }
    this.operations.push({ type: "add", path, content: content.join("") })
  }

  #update(path: string): string | undefined {
    const reader = new UpdateReader(path, this.#next)
    for (; this.#next < this.#lines.length; this.#next++) {
      const read = reader.read(this.#lines[this.#next] ?? "")
      if (Result.isFailure(read)) return invalidHunk(this.#next + 1, read.failure)
      if (!read.success) break
    }
    const operation = reader.finish()
    if (Result.isFailure(operation)) {
      const { ofHeader, reason } = operation.failure
      return invalidHunk(ofHeader ? reader.line : this.#next + 1, reason)
    }
    this.operations.push(operation.success)
    return undefined
  }
}

const notAHeader = (line: string): string =>
  `'${line}' is not a valid hunk header. Valid hunk headers: ` +
  headers.map(({ prefix }) => `'${prefix}{path}'`).join(", ")

/** The part of the lines behind the ids of environments. Clients with one environment have none to choose. */
const environmentError = (lines: ReadonlyArray<string>): string | undefined => {
  const ids = lines.slice(1).findIndex((line) => !line.trim().startsWith(EnvironmentId))
  if (ids === 0) return undefined
  const chosen = lines.slice(1, ids + 1).map((line) => line.trim().slice(EnvironmentId.length).trim())
  if (chosen.includes("")) return "invalid patch: apply_patch environment_id cannot be empty"
  return chosen.length > 1
    ? "invalid patch: apply_patch environment_id cannot be specified more than once"
    : noEnvironment
}

/** This error has no prefix for the model, as in the release. */
export const noEnvironment = "apply_patch environment selection is unavailable for this turn"

/** The changes of a patch, in their order, or the reason why it is not one. A patch may have none. */
export const parse = (text: string): Result.Result<ReadonlyArray<Operation>, string> =>
  Result.flatMap(patchLines(text), (lines) => {
    const reader = new PatchReader(lines)
    const error = environmentError(lines) ?? reader.run()
    return error === undefined ? Result.succeed(reader.operations) : Result.fail(error)
  })
