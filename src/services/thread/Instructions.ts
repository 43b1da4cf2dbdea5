/**
 * The instructions that precede the conversation: the base instructions, the project's AGENTS.md files, and the environment.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { ResponseItem } from "../../protocol/v2/item/ResponseItem.ts"
import * as Project from "../config/Project.ts"
import { type FileStamp, type Head, type NamedBy, type SmallFileError, SmallFiles } from "../config/SmallFiles.ts"

const baseInstructions = `You are a coding agent working in a user's project through Spindle. You read, run and change things with the tools you are given.

How to work
- Find out before you decide: look at the files and commands that bear on the task instead of guessing at them.
- Do what was asked, whole, and nothing beside it. When the request leaves something open, take the reading a careful colleague would.
- Keep changes small and in the style of the code around them. Do not undo work you did not do.
- After a change, run what shows that it works: the project's own tests or build first.
- A command that fails is information. Read its output, then decide.

How to speak
- Say in a sentence what you are about to do when it is not obvious. Report results plainly, failures included.
- Be brief. Name files by their paths and commands as they are typed.
- Never claim to have run or seen what you have not.

Permissions
- Commands may need the user's approval or be confined. When one is refused, say what you wanted it for and go on without it, or ask.
- Do not look for ways around a refusal.`

/** The inputs of a thread's instructions. */
export interface InstructionOptions {
  readonly home: string
  readonly cwd: string
  /** The user's time zone, as in `Europe/Berlin`. */
  readonly timeZone: string
  /** The date in that zone at a time in Unix milliseconds. */
  readonly localDate: (millis: number) => string
  /** Replaces the built-in instructions. */
  readonly baseInstructions: string | null
  /** Appended to the base instructions. */
  readonly developerInstructions: string | null
  /** Maximum size of the AGENTS.md text over all files, in bytes. */
  readonly projectDocMaxBytes: number
  /** Whether the environment is included. Default: true. */
  readonly environmentContext?: boolean
  /** Whether the environment includes the date and the time zone. Default: true. */
  readonly environmentTime?: boolean
}

export interface Instructions {
  readonly preamble: ReadonlyArray<ResponseItem>
  /** The AGENTS.md files: the user's own first, then from the project's root down. */
  readonly sources: ReadonlyArray<string>
  /** Warnings about files that were truncated or not read. */
  readonly warnings: ReadonlyArray<string>
}

interface Document {
  readonly path: string
  readonly text: string
}

/** A possible location of a document. */
interface Candidate {
  readonly path: string
  readonly namedBy: NamedBy
  /** The folder that a link must not leave. */
  readonly within?: string
}

/** Maximum number of bytes read from one document, for any budget. */
const MaxDocumentBytes = 1024 * 1024

const text = (role: "developer" | "user", ...parts: ReadonlyArray<string>): ResponseItem => ({
  type: "message",
  role,
  content: parts.map((part) => ({ type: "input_text", text: part }))
})

/** The folder and its parents, outermost first, up to the nearest one with a `.git`. */
const projectFolders = Effect.fnUntraced(function* (cwd: string) {
  const path = yield* Path.Path
  const files = yield* SmallFiles
  const folders = Project.ancestors(path, cwd)
  const root = (yield* files.exist(folders.map((folder) => path.join(folder, ".git")))).indexOf(true)
  return folders.slice(0, Math.max(root, 0) + 1).toReversed()
})

const failedToRead = ({ namedBy, path }: Candidate, error: SmallFileError): string =>
  `Failed to read ${namedBy === "server" ? "global" : "project"} AGENTS.md instructions from \`${path}\`: ${error.detail}`

/** The existing documents in order, until the budget is spent. The first one that exceeds it is truncated. */
const readDocuments = Effect.fnUntraced(function* (home: string, cwd: string, maxBytes: number) {
  const path = yield* Path.Path
  const files = yield* SmallFiles
  const documents: Array<Document> = []
  const warnings: Array<string> = []
  const folders = yield* projectFolders(cwd)
  const candidates: ReadonlyArray<Candidate> = [
    { path: path.join(home, "AGENTS.md"), namedBy: "server" },
    ...folders.map((folder) => ({
      path: path.join(folder, "AGENTS.md"),
      namedBy: "client" as const,
      within: folders[0] ?? folder
    }))
  ]
  const stamps: ReadonlyArray<Result.Result<FileStamp | undefined, SmallFileError>> = yield* Effect.forEach(
    candidates,
    (candidate) => Effect.result(files.stamp(candidate.path, candidate.namedBy)),
    { concurrency: "unbounded" }
  )
  let left = maxBytes
  for (const [index, candidate] of candidates.entries()) {
    const stamp = stamps[index]
    if (left <= 0) break
    if (stamp === undefined || (Result.isSuccess(stamp) && stamp.success === undefined)) continue
    const budget = Math.min(left, MaxDocumentBytes)
    const read: Result.Result<Head | undefined, SmallFileError> = Result.isFailure(stamp)
      ? Result.fail(stamp.failure)
      : yield* Effect.result(files.head(candidate.path, { ...candidate, maxBytes: budget }))
    if (Result.isFailure(read)) {
      warnings.push(failedToRead(candidate, read.failure))
      continue
    }
    if (read.success === undefined) continue
    const { bytes, size, whole } = read.success
    // A character split by the cut is omitted.
    const text = new TextDecoder().decode(bytes, { stream: !whole }).trim()
    if (text === "") continue
    documents.push({ path: candidate.path, text })
    left -= bytes.length
    if (!whole) {
      warnings.push(
        `Loaded only ${bytes.length} of ${size} bytes from \`${candidate.path}\` in environment \`local\` under the ${maxBytes}-byte project instruction budget. Trim your project instructions to fit the budget. If you need to keep them all, increase \`project_doc_max_bytes\`.`
      )
    }
  }
  return { documents, warnings }
})

const environment = (
  { cwd, environmentTime = true, localDate, timeZone }: InstructionOptions,
  millis: number
): string =>
  [
    "<environment_context>",
    `  <cwd>${cwd}</cwd>`,
    "  <shell>bash</shell>",
    ...(environmentTime
      ? [`  <current_date>${localDate(millis)}</current_date>`, `  <timezone>${timeZone}</timezone>`]
      : []),
    "</environment_context>"
  ].join("\n")

/** Reads the existing files. An unreadable file is skipped with a warning. */
export const load = Effect.fnUntraced(function* (
  options: InstructionOptions
): Effect.fn.Return<Instructions, never, Path.Path | SmallFiles> {
  const { documents, warnings } = yield* readDocuments(options.home, options.cwd, options.projectDocMaxBytes)
  const sections = documents.map((document) => `# AGENTS.md instructions from ${document.path}\n\n${document.text}`)
  const developer = [options.baseInstructions ?? baseInstructions]
  if (options.developerInstructions !== null) developer.push(options.developerInstructions)
  const user = [...sections]
  if (options.environmentContext !== false) user.push(environment(options, yield* Clock.currentTimeMillis))
  return {
    preamble: [text("developer", ...developer), ...(user.length === 0 ? [] : [text("user", ...user)])],
    sources: documents.map((document) => document.path),
    warnings
  }
})
