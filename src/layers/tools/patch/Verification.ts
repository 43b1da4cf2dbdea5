/**
 * Turns a parsed patch into the changes of files, before anything is written.
 *
 * Every file is read and every chunk applied in memory. The patch is refused as a whole when one of them fails; the reasons are
 * those of the released server, without its prefix.
 *
 * @module
 */
import * as Path from "node:path"
import process from "node:process"
import * as Result from "effect/Result"
import { find, type Found, type Located, MaxFileBytes, type Stored } from "./FileReading.ts"
import type { Operation } from "./Patch.ts"
import { update } from "./Update.ts"

/** Limit on the size of all files of a patch together, in bytes. */
export const MaxPatchBytes = 64 * 1024 * 1024

/** The verified change of one file. */
export interface VerifiedChange {
  readonly kind: Operation["type"]
  /** The path of the result, as the model wrote it. */
  readonly named: string
  /** The file that is changed. */
  readonly source: Located
  /** Its content; null for a new file. */
  readonly before: Stored | null
  /** Where the file is afterwards: elsewhere when it is moved. */
  readonly target: Located
  /** What a moved file replaces; null when there is nothing. */
  readonly replaced: Stored | null
  /** The new content; null when the file is deleted. */
  readonly after: string | null
  /** The mode of the new file; absent for the default, or that of the file that is moved. */
  readonly newMode?: number
  /** True when nothing can be written at the target. */
  readonly blocked: boolean
}

/** Whether the change moves the file. */
export const isMove = ({ source, target }: VerifiedChange): boolean => source.path !== target.path

type Verified = Result.Result<VerifiedChange, string>

/** The text of a file, or why it cannot be read. */
const contentOf = (found: Found, prefix: string): Result.Result<Stored, string> =>
  found.type === "file" ? Result.succeed(found.stored) : Result.fail(`${prefix} ${found.at.path}: ${found.reason}`)

/** What a new file replaces; a file that cannot be read is not replaced. */
const replacedBy = (found: Found): Result.Result<Stored | null, string> =>
  found.type === "refused"
    ? Result.fail(`Failed to write file ${found.at.path}: ${found.reason}`)
    : Result.succeed(found.type === "file" ? found.stored : null)

class Verifier {
  readonly #cwd: string
  readonly #taken = new Set<string>()
  #bytes = 0

  constructor(cwd: string) {
    this.#cwd = cwd
  }

  async verify(operation: Operation): Promise<Verified> {
    const source = await this.#find(operation.path)
    if (Result.isFailure(source)) return Result.fail(source.failure)
    switch (operation.type) {
      case "add":
        return this.#add(operation, source.success)
      case "delete":
        return this.#delete(operation, source.success)
      case "update":
        return this.#update(operation, source.success)
    }
  }

  #add({ content, path }: Extract<Operation, { type: "add" }>, found: Found): Verified {
    return Result.flatMap(replacedBy(found), (before) =>
      this.#sized({
        ...this.#unmoved("add", path, found.at),
        before,
        after: content,
        blocked: found.type === "blocked"
      })
    )
  }

  #delete({ path }: Extract<Operation, { type: "delete" }>, found: Found): Verified {
    return Result.flatMap(contentOf(found, "Failed to read"), (before) =>
      this.#sized({ ...this.#unmoved("delete", path, found.at), before, after: null })
    )
  }

  async #update({ chunks, movePath, path }: Extract<Operation, { type: "update" }>, found: Found): Promise<Verified> {
    const before = contentOf(found, "Failed to read file to update")
    if (Result.isFailure(before)) return Result.fail(before.failure)
    const after = update(before.success.text, chunks, found.at.path)
    if (Result.isFailure(after)) return Result.fail(after.failure)
    const change = { ...this.#unmoved("update", path, found.at), before: before.success, after: after.success }
    // A move to the file itself stays where it is.
    if (movePath === null || Path.resolve(this.#cwd, movePath) === found.at.path) return this.#sized(change)
    const target = await this.#find(movePath)
    if (Result.isFailure(target)) return Result.fail(target.failure)
    const { at, type } = target.success
    return Result.flatMap(replacedBy(target.success), (replaced) =>
      this.#sized({ ...change, named: movePath, target: at, replaced, blocked: type === "blocked" })
    )
  }

  #unmoved(kind: Operation["type"], named: string, at: Located) {
    return { kind, named, source: at, target: at, replaced: null, blocked: false }
  }

  /** The file at a path of the patch. Each file occurs once in a patch, also under another name. */
  async #find(named: string): Promise<Result.Result<Found, string>> {
    if (named.includes("\0")) return Result.fail(`'${named}' is invalid on '${process.platform}'`)
    const path = Path.resolve(this.#cwd, named)
    const found = await find(path)
    if (this.#taken.has(found.at.canonical)) {
      return Result.fail(`invalid patch: multiple operations target ${path}`)
    }
    this.#taken.add(found.at.canonical)
    return Result.succeed(found)
  }

  #sized(change: VerifiedChange): Verified {
    const { after, before, replaced, target } = change
    const size = after === null ? 0 : Buffer.byteLength(after)
    if (size > MaxFileBytes)
      return Result.fail(`invalid patch: ${target.path} would be larger than ${MaxFileBytes} bytes`)
    for (const stored of [before, replaced]) this.#bytes += stored === null ? 0 : stored.text.length
    this.#bytes += size
    return this.#bytes > MaxPatchBytes
      ? Result.fail(`invalid patch: its files are larger than ${MaxPatchBytes} bytes; split it`)
      : Result.succeed(change)
  }
}

/** The changes of a patch, in its order, or the reason why it cannot be applied. Relative paths are below `cwd`. */
export const verify = async (
  operations: ReadonlyArray<Operation>,
  cwd: string
): Promise<Result.Result<ReadonlyArray<VerifiedChange>, string>> => {
  const verifier = new Verifier(cwd)
  const changes: Array<VerifiedChange> = []
  for (const operation of operations) {
    const change = await verifier.verify(operation)
    if (Result.isFailure(change)) return Result.fail(change.failure)
    changes.push(change.success)
  }
  return Result.succeed(changes)
}
