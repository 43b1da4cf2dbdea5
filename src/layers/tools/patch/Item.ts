/**
 * The item of a patch.
 *
 * @module
 */
import type { FileChangeItem, FileUpdateChange } from "../../../protocol/v2/item/WorkItem.ts"
import { cut } from "./Cut.ts"
import { hunks } from "./UnifiedDiff.ts"
import { isMove, type VerifiedChange } from "./Verification.ts"

/** Maximum length of the diff of one file in an item, and of all of them, in UTF-16 units. The rest is left out, with a note. */
export const MaxFileDiff = 1024 * 1024
export const MaxItemDiff = 4 * 1024 * 1024

/** Lines around a change. */
const Context = 1

const changeOf = (change: VerifiedChange): FileUpdateChange => {
  const { after, before, kind, source, target } = change
  if (kind === "add") return { path: source.path, kind: { type: kind }, diff: cut(after ?? "", MaxFileDiff) }
  if (kind === "delete") return { path: source.path, kind: { type: kind }, diff: cut(before?.text ?? "", MaxFileDiff) }
  const diff = cut(hunks(before?.text ?? "", after ?? "", Context), MaxFileDiff)
  return isMove(change)
    ? { path: source.path, kind: { type: kind, move_path: target.path }, diff: `${diff}\n\nMoved to: ${target.path}` }
    : { path: source.path, kind: { type: kind, move_path: null }, diff }
}

const changesOf = (changes: ReadonlyArray<VerifiedChange>): ReadonlyArray<FileUpdateChange> => {
  let room = MaxItemDiff
  const sorted = changes.toSorted((a, b) => (a.source.path < b.source.path ? -1 : 1))
  return sorted.map((change) => {
    const shown = changeOf(change)
    const diff = cut(shown.diff, room)
    room = Math.max(0, room - diff.length)
    return { ...shown, diff }
  })
}

/** The item before the patch is applied. */
export const itemOf = (id: string, changes: ReadonlyArray<VerifiedChange>): FileChangeItem => ({
  type: "fileChange",
  id,
  changes: changesOf(changes),
  status: "inProgress",
  startedAtMs: null,
  completedAtMs: null
})

const marks = { add: "A", update: "M", delete: "D" } as const

/** The report of an applied patch for the model: added files first, then updated and deleted ones. */
export const summaryOf = (changes: ReadonlyArray<VerifiedChange>): string => {
  const kinds = ["add", "update", "delete"] as const
  const lines = kinds.flatMap((kind) =>
    changes.filter((change) => change.kind === kind).map(({ named }) => `${marks[kind]} ${named}\n`)
  )
  return `Success. Updated the following files:\n${lines.join("")}`
}
