/**
 * Restores files as they were before the patches of some turns.
 *
 * Owns which file may be overwritten: one with a content that the thread's tools have written or replaced. Anything else was
 * written by somebody else, and stays. Between two patches of a file nobody else may have changed it either, because that change
 * would be lost.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { Sandbox } from "../../../services/sandbox/Sandbox.ts"
import {
  type RestoreConflict,
  RestoreFailed,
  type RestorePlan,
  type RestoredFile
} from "../../../services/tool/FileHistory.ts"
import { find, type Stored } from "./FileReading.ts"
import { hashOf, type HistoryFolder, type LoggedChange, type LoggedVersion } from "./HistoryFolder.ts"
import type { VerifiedChange } from "./Verification.ts"
import { write } from "./Writing.ts"

/** The plan, with the changes that carry it out. */
interface Prepared extends RestorePlan {
  readonly changes: ReadonlyArray<VerifiedChange>
}

const hashIn = (version: LoggedVersion | null): string => version?.hash ?? ""

/** The changes by path, in order. */
const byPath = (changes: ReadonlyArray<LoggedChange>): ReadonlyMap<string, ReadonlyArray<LoggedChange>> => {
  const paths = new Map<string, Array<LoggedChange>>()
  for (const change of changes) {
    const known = paths.get(change.path)
    if (known === undefined) paths.set(change.path, [change])
    else known.push(change)
  }
  return paths
}

/** Whether each change began with what the one before it left, or found: a patch that failed left what it found. */
const isUnbroken = (changes: ReadonlyArray<LoggedChange>): boolean =>
  changes.every(({ before }, index) => {
    const last = changes[index - 1]
    return last === undefined || [hashIn(last.after), hashIn(last.before)].includes(hashIn(before))
  })

type Judged =
  | { readonly type: "same" }
  | { readonly type: "conflict"; readonly reason: RestoreConflict["reason"] }
  | { readonly type: "restore"; readonly now: Stored | null; readonly to: string | null; readonly mode: number }

const conflict = (reason: RestoreConflict["reason"]): Judged => ({ type: "conflict", reason })

/** What to do with a file. */
const judge = async (path: string, changes: ReadonlyArray<LoggedChange>, folder: HistoryFolder): Promise<Judged> => {
  const found = await find(path)
  if (found.at.canonical !== path || (found.type !== "file" && found.type !== "missing")) return conflict("notAFile")
  const now = found.type === "file" ? found.stored : null
  const current = now === null ? "" : hashOf(now.text)
  const target = changes[0]?.before ?? null
  if (current === hashIn(target)) return { type: "same" }
  const written = changes.flatMap(({ after, before }) => [hashIn(before), hashIn(after)])
  if (!written.includes(current) || !isUnbroken(changes)) return conflict("changed")
  if (target === null) return { type: "restore", now, to: null, mode: 0 }
  const to = await folder.content(target)
  return to === undefined ? conflict("notKept") : { type: "restore", now, to, mode: target.mode }
}

const kindOf = (now: Stored | null, to: string | null): RestoredFile["kind"] =>
  to === null ? "delete" : now === null ? "add" : "update"

const prepare = async (folder: HistoryFolder, turnIds: ReadonlyArray<string>): Promise<Prepared> => {
  const files: Array<RestoredFile> = []
  const conflicts: Array<RestoreConflict> = []
  const changes: Array<VerifiedChange> = []
  for (const [path, logged] of byPath(await folder.changes(new Set(turnIds)))) {
    const judged = await judge(path, logged, folder)
    if (judged.type === "same") continue
    if (judged.type === "conflict") {
      conflicts.push({ path, reason: judged.reason })
      continue
    }
    const { mode, now, to } = judged
    const at = { path, canonical: path }
    const kind = kindOf(now, to)
    files.push({ path, kind })
    const before = now === null ? null : { ...now, mode: to === null ? now.mode : mode }
    changes.push({
      kind,
      named: path,
      source: at,
      target: at,
      before,
      replaced: null,
      after: to,
      newMode: mode,
      blocked: false
    })
  }
  return { files, conflicts, changes }
}

const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, RestoreFailed> =>
  Effect.tryPromise({
    try: run,
    catch: (error) => new RestoreFailed({ detail: error instanceof Error ? error.message : "unknown error" })
  })

/** What a restoration would do now. */
export const plan = (
  folder: HistoryFolder,
  turnIds: ReadonlyArray<string>
): Effect.Effect<RestorePlan, RestoreFailed> =>
  Effect.map(
    attempt(() => prepare(folder, turnIds)),
    ({ conflicts, files }) => ({ conflicts, files })
  )

/** Restores the files, all that have no conflict or none. The user asked for it, so no sandbox policy applies. */
export const restore = (
  folder: HistoryFolder,
  turnIds: ReadonlyArray<string>,
  sandbox: Sandbox["Service"]
): Effect.Effect<RestorePlan, RestoreFailed> =>
  Effect.gen(function* () {
    const { changes, conflicts, files } = yield* attempt(() => prepare(folder, turnIds))
    const access = yield* sandbox.files({ type: "dangerFullAccess" }, "/")
    yield* Effect.mapError(
      write(changes, () => access),
      ({ detail }) => new RestoreFailed({ detail })
    )
    return { conflicts, files }
  })
