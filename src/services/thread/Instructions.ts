/**
 * What the model is told before the user says anything: how to work, what the project's own AGENTS.md files ask for, and
 * where it is.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import type { ResponseItem } from "../../protocol/ResponseItem.ts"
import { SmallFiles } from "../SmallFiles.ts"

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

/** What a thread's instructions are made of. */
export interface InstructionOptions {
  readonly home: string
  readonly cwd: string
  /** Where the user is, as in `Europe/Berlin`. */
  readonly timeZone: string
  /** The day in that zone at a time in Unix milliseconds. */
  readonly localDate: (millis: number) => string
  /** Takes the place of the built-in instructions. */
  readonly baseInstructions: string | null
  /** Added to them. */
  readonly developerInstructions: string | null
  /** Bytes of AGENTS.md text that are told, over all files. */
  readonly projectDocMaxBytes: number
  /** Whether the model is told where it is. Default: true. */
  readonly environmentContext?: boolean
  /** Whether that includes the day and the time zone. Default: true. */
  readonly environmentTime?: boolean
}

export interface Instructions {
  readonly preamble: ReadonlyArray<ResponseItem>
  /** The AGENTS.md files that were found, the user's own first, then from the project's root down. */
  readonly sources: ReadonlyArray<string>
}

interface Document {
  readonly path: string
  readonly text: string
}

const text = (role: "developer" | "user", ...parts: ReadonlyArray<string>): ResponseItem => ({
  type: "message",
  role,
  content: parts.map((part) => ({ type: "input_text", text: part }))
})

/** The folder itself and those above it, outermost first, no further up than the one that holds `.git`. */
const projectFolders = Effect.fnUntraced(function* (cwd: string) {
  const path = yield* Path.Path
  const files = yield* SmallFiles
  const folders: Array<string> = []
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    folders.unshift(folder)
    if (folder === path.dirname(folder)) break
  }
  const marks = yield* Effect.forEach(folders, (folder) =>
    Effect.orElseSucceed(files.stamp(path.join(folder, ".git")), () => undefined)
  )
  const root = marks.findLastIndex((mark) => mark !== undefined)
  return root === -1 ? [cwd] : folders.slice(root)
})

const readDocuments = Effect.fnUntraced(function* (home: string, cwd: string) {
  const path = yield* Path.Path
  const files = yield* SmallFiles
  const candidates = [home, ...(yield* projectFolders(cwd))].map((folder) => path.join(folder, "AGENTS.md"))
  const contents = yield* Effect.forEach(candidates, (file) => Effect.orElseSucceed(files.text(file), () => undefined))
  return candidates
    .map((file, index): Document => ({ path: file, text: contents[index]?.trim() ?? "" }))
    .filter((document) => document.text !== "")
})

/** Documents in order until the budget is spent; the one that does not fit is cut. */
const within = (documents: ReadonlyArray<Document>, maxBytes: number): ReadonlyArray<Document> => {
  const encoder = new TextEncoder()
  const kept: Array<Document> = []
  let left = maxBytes
  for (const document of documents) {
    if (left <= 0) break
    const bytes = encoder.encode(document.text)
    kept.push(
      bytes.length <= left ? document : { ...document, text: new TextDecoder().decode(bytes.subarray(0, left)) }
    )
    left -= bytes.length
  }
  return kept
}

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

/** Reads what there is. Files that cannot be read are taken for absent. */
export const load = Effect.fnUntraced(function* (
  options: InstructionOptions
): Effect.fn.Return<Instructions, never, Path.Path | SmallFiles> {
  const documents = yield* readDocuments(options.home, options.cwd)
  const told = within(documents, options.projectDocMaxBytes).map(
    (document) => `# AGENTS.md instructions from ${document.path}\n\n${document.text}`
  )
  const developer = [options.baseInstructions ?? baseInstructions]
  if (options.developerInstructions !== null) developer.push(options.developerInstructions)
  const user = [...told]
  if (options.environmentContext !== false) user.push(environment(options, yield* Clock.currentTimeMillis))
  return {
    preamble: [text("developer", ...developer), ...(user.length === 0 ? [] : [text("user", ...user)])],
    sources: documents.map((document) => document.path)
  }
})
