/**
 * Reads the `*.rules` files of a folder, within limits: 64 files, each a regular file (or a link to one) of at most 1 MiB of
 * UTF-8, in a folder of at most 4096 entries. How a file is read is up to `SmallFiles`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { opendir } from "node:fs/promises"
import * as Path from "node:path"
import type { RuleFolder } from "../../../services/config/Project.ts"
import { bytes, type SmallFileError, type SmallFiles } from "../../../services/config/SmallFiles.ts"

export interface RuleSource {
  /** Absolute path. */
  readonly path: string
  readonly source: string
}

/** A folder or file of rules exists and cannot be read. */
export class RulesUnreadable extends Schema.TaggedError<RulesUnreadable>()("RulesUnreadable", {
  path: Schema.String,
  what: Schema.Literals(["file", "folder"]),
  detail: Schema.String
}) {
  override get message(): string {
    const what = this.what === "file" ? "rules file" : "rules files from"
    return `failed to read ${what} ${this.path}: ${this.detail}`
  }
}

const MaxBytes = 1024 * 1024
const MaxFiles = 64
const MaxEntries = 4096

/** The files of a folder by name; none when the folder does not exist. */
export const read = (
  files: SmallFiles["Service"],
  { path: folder, within }: Pick<RuleFolder, "path" | "within">
): Effect.Effect<ReadonlyArray<RuleSource>, RulesUnreadable> =>
  Effect.tryPromise({
    try: () => names(folder),
    catch: (error) => new RulesUnreadable({ what: "folder", path: folder, detail: folderDetail(error) })
  }).pipe(
    Effect.flatMap((found) =>
      Effect.forEach(found, (name) => {
        const path = Path.join(folder, name)
        return Effect.map(text(files, path, within), (source): RuleSource => ({ path, source }))
      })
    )
  )

/** The error of a readable folder that exceeds the limits. */
class Unfit extends Error {}

const names = async (folder: string): Promise<ReadonlyArray<string>> => {
  const directory = await opendir(folder).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  const found: Array<string> = []
  let entries = 0
  // The iteration closes the folder, also when it ends early.
  for await (const { name } of directory ?? []) {
    if (++entries > MaxEntries) throw new Unfit(`more than ${MaxEntries} entries`)
    if (name.endsWith(".rules")) found.push(name)
    if (found.length > MaxFiles) throw new Unfit(`more than ${MaxFiles} files of rules`)
  }
  return found.sort()
}

const text = (
  files: SmallFiles["Service"],
  path: string,
  within: string | undefined
): Effect.Effect<string, RulesUnreadable> => {
  const unreadable = (detail: string) => new RulesUnreadable({ what: "file", path, detail })
  return bytes(files, path, {
    maxBytes: MaxBytes,
    namedBy: "client",
    ...(within === undefined ? {} : { within })
  }).pipe(
    Effect.mapError((error) => unreadable(fileDetail(error))),
    Effect.flatMap((read) =>
      read === undefined ? Effect.fail(unreadable(systemDetail("ENOENT"))) : Effect.succeed(read)
    ),
    Effect.flatMap((read) =>
      Effect.try({
        // A byte order mark is kept: the release refuses it.
        try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(read),
        catch: () => unreadable("stream did not contain valid UTF-8")
      })
    )
  )
}

/** The operating system's error texts. */
const SystemErrors: Readonly<Record<string, string>> = {
  EACCES: "Permission denied (os error 13)",
  ENOENT: "No such file or directory (os error 2)",
  ENOTDIR: "Not a directory (os error 20)",
  EISDIR: "Is a directory (os error 21)",
  ELOOP: "Symbolic link loop (os error 40)"
}

const systemDetail = (code: string): string => SystemErrors[code] ?? `cannot be read (${code})`

const fileDetail = ({ code, detail }: SmallFileError): string => (code === undefined ? detail : systemDetail(code))

const folderDetail = (error: unknown): string => {
  if (error instanceof Unfit) return error.message
  const code = codeOf(error)
  return code === undefined ? "cannot be read" : systemDetail(code)
}

const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT"

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
