/**
 * The instructions of a thread: reads the AGENTS.md files of the user and of the project.
 *
 * Does not own how the model is told (`ContextParts`), nor the base instructions (`BaseInstructions`).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Project from "../config/Project.ts"
import type { EnvironmentFacts } from "./ContextParts.ts"
import { type FileStamp, type Head, type NamedBy, type SmallFileError, SmallFiles } from "../config/SmallFiles.ts"

/** Where the documents of a thread are. */
export interface DocumentOptions {
  readonly home: string
  /** The thread's folder; null for a thread without an environment, which has the user's own file only. */
  readonly cwd: string | null
  /** Maximum size of the AGENTS.md text over all files, in bytes. */
  readonly projectDocMaxBytes: number
}

/** The AGENTS.md files of a folder. */
export interface Documents {
  /** The folder that they are of; null for a thread without an environment. */
  readonly folder: string | null
  /** The text for the model; null when there is none. */
  readonly text: string | null
  /** The files: the user's own first, then from the project's root down. */
  readonly sources: ReadonlyArray<string>
  /** Warnings about files that were truncated or not read. */
  readonly warnings: ReadonlyArray<string>
}

/** The instructions of a thread. */
export interface Instructions {
  /** The first message to the model. */
  readonly base: string
  /** Those of the client or the configuration; null when there are none. */
  readonly developer: string | null
  /** Whether the model is told its permissions. */
  readonly permissions: boolean
  /** The documents of the folder that the thread was loaded with. */
  readonly documents: Documents
  /** The documents of another folder. */
  readonly documentsIn: (cwd: string | null) => Effect.Effect<Documents>
  /** The environment at a time in Unix milliseconds; null when the model is not told about it. */
  readonly environmentAt: (millis: number) => EnvironmentFacts | null
}

interface Document {
  readonly path: string
  /** The user's own, not the project's. */
  readonly isOwn: boolean
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
const readDocuments = Effect.fnUntraced(function* (home: string, cwd: string | null, maxBytes: number) {
  const path = yield* Path.Path
  const files = yield* SmallFiles
  const documents: Array<Document> = []
  const warnings: Array<string> = []
  const folders = cwd === null ? [] : yield* projectFolders(cwd)
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
    const text = new TextDecoder().decode(bytes, { stream: !whole })
    if (text.trim() === "") continue
    documents.push({ path: candidate.path, isOwn: candidate.namedBy === "server", text })
    left -= bytes.length
    if (!whole) {
      warnings.push(
        `Loaded only ${bytes.length} of ${size} bytes from \`${candidate.path}\` in environment \`local\` under the ${maxBytes}-byte project instruction budget. Trim your project instructions to fit the budget. If you need to keep them all, increase \`project_doc_max_bytes\`.`
      )
    }
  }
  return { documents, warnings }
})

/** What separates the project's documents from the user's own. */
const ProjectTitle = "--- project-doc ---"

const joined = (documents: ReadonlyArray<Document>): string | null => {
  const own = documents.flatMap(({ isOwn, text }) => (isOwn ? [text.trim()] : []))
  const project = documents.flatMap(({ isOwn, text }) => (isOwn ? [] : [text]))
  const parts = [...own, ...(own.length > 0 && project.length > 0 ? [ProjectTitle] : []), ...project]
  return parts.length === 0 ? null : parts.join("\n\n")
}

/** Reads the existing files. An unreadable file is skipped with a warning. */
export const load = Effect.fnUntraced(function* ({
  cwd,
  home,
  projectDocMaxBytes
}: DocumentOptions): Effect.fn.Return<Documents, never, Path.Path | SmallFiles> {
  const { documents, warnings } = yield* readDocuments(home, cwd, projectDocMaxBytes)
  return { folder: cwd, text: joined(documents), sources: documents.map(({ path }) => path), warnings }
})
