/**
 * Writes the changes of a patch: all of them, or none.
 *
 * ```
 *  open every folder ─► stage new contents ─► compare files with what was verified ─► replace, create, remove ─► clean up
 *                                   └──────────── a failure restores what was done ◄────────────┘
 * ```
 *
 * A folder stays open from its check on (`FileAccess.hold`), so a command that replaces it by a link meanwhile has no effect.
 * A new content is written to a temporary file in the folder and takes the name of the old one in one step; its mode and owner
 * are kept. A file with several names, or of an owner that cannot be given to another file, is written in place instead.
 *
 * All files appear one after the other. When the process is killed between them, the rest is missing.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { FileAccess } from "../../../services/sandbox/FileAccess.ts"
import { holds, type Located, type Stored } from "./FileReading.ts"
import { isMove, type VerifiedChange } from "./Verification.ts"

/** A patch was not applied. Every file is as it was before, unless the message says otherwise. */
export class WriteFailed extends Schema.TaggedError<WriteFailed>()("WriteFailed", {
  /** For the model. */
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** One file to write or to remove. */
export interface Step {
  readonly at: Located
  /** What is there; null when there is nothing. */
  readonly before: Stored | null
  /** The new content; null to remove the file. */
  readonly after: string | null
  /** The mode of a new file; null for the default. */
  readonly mode: number | null
}

const stepsOf = (change: VerifiedChange): ReadonlyArray<Step> => {
  const { after, before, newMode = null, replaced, source, target } = change
  if (!isMove(change)) return [{ at: source, before, after, mode: newMode }]
  return [
    { at: target, before: replaced, after, mode: before?.mode ?? null },
    { at: source, before, after: null, mode: null }
  ]
}

/** A step whose folder is open. */
export interface Ready {
  readonly step: Step
  /** A path of the file through its open folder. */
  readonly path: string
  /** The file with the new content; null to write in place or to remove. */
  readonly staged: string | null
  /** The name that keeps the old file until the end. */
  readonly backup: string
  /** True when the old file could not be restored: then it keeps that name. */
  isLost: boolean
}

const couldNot = ({ after, at }: Step): WriteFailed =>
  new WriteFailed({ detail: `Failed to ${after === null ? "delete" : "write"} file ${at.path}` })

const run = <A>(step: Step, action: () => Promise<A>): Effect.Effect<A, WriteFailed> =>
  Effect.tryPromise({ try: action, catch: () => couldNot(step) })

const removeQuietly = (path: string) =>
  Effect.promise(() =>
    Fs.promises.unlink(path).then(
      () => undefined,
      () => undefined
    )
  )

/** Creates the folders of a file that do not exist, one by one. They are removed again when the scope fails. */
const makeFolders = (step: Step, access: FileAccess): Effect.Effect<void, WriteFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const missing: Array<string> = []
    for (let folder = Path.dirname(step.at.canonical); !Fs.existsSync(folder); folder = Path.dirname(folder)) {
      missing.unshift(folder)
    }
    for (const folder of missing) {
      const held = yield* Effect.mapError(access.hold(folder), () => couldNot(step))
      yield* Effect.acquireRelease(
        run(step, () => Fs.promises.mkdir(held)),
        (_, exit) =>
          Exit.isFailure(exit) ? Effect.promise(() => Fs.promises.rmdir(held).catch(() => undefined)) : Effect.void
      )
    }
  })

const createFlags = Fs.constants.O_WRONLY | Fs.constants.O_CREAT | Fs.constants.O_EXCL | (Fs.constants.O_NOFOLLOW ?? 0)

/** Writes the new content to a file of its own. False when the owner of the old file cannot be kept. */
const stage = async (path: string, { after, before, mode }: Step): Promise<boolean> => {
  const handle = await Fs.promises.open(path, createFlags, before?.mode ?? mode ?? 0o666)
  try {
    await handle.writeFile(after ?? "", "utf8")
    const made = await handle.stat()
    if (before !== null && (made.uid !== before.owner || made.gid !== before.group)) {
      const isChanged = await handle.chown(before.owner, before.group).then(
        () => true,
        () => false
      )
      if (!isChanged) return false
    }
    const wanted = before?.mode ?? mode
    // The mode that a file is created with is subject to the umask.
    if (wanted !== null) await handle.chmod(wanted)
    return true
  } finally {
    await handle.close()
  }
}

/** Opens the folder of the step and stages its content. */
const prepare = (step: Step, access: FileAccess): Effect.Effect<Ready, WriteFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const { after, at, before } = step
    if (after !== null) yield* makeFolders(step, access)
    const path = yield* Effect.mapError(access.hold(at.canonical), () => couldNot(step))
    if (before !== null && after !== null) yield* run(step, () => Fs.promises.access(path, Fs.constants.W_OK))
    const id = (yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)
    const beside = (kind: string) => Path.join(Path.dirname(path), `.spindle-${id}.${kind}`)
    const staged = beside("new")
    yield* Effect.addFinalizer(() => removeQuietly(staged))
    const isStaged = after !== null && before?.hasLinks !== true && (yield* run(step, () => stage(staged, step)))
    const ready: Ready = { step, path, staged: isStaged ? staged : null, backup: beside("old"), isLost: false }
    yield* Effect.addFinalizer(() => (ready.isLost ? Effect.void : removeQuietly(ready.backup)))
    return ready
  })

/** Fails when the file is not as it was verified. */
const compare = ({ path, step: { at, before } }: Ready): Effect.Effect<void, WriteFailed> =>
  Effect.gen(function* () {
    const isSame = yield* Effect.promise(() =>
      before === null
        ? Fs.promises.lstat(path).then(
            () => false,
            () => true
          )
        : holds(path, before.text).catch(() => false)
    )
    if (!isSame) {
      return yield* new WriteFailed({
        detail: `Failed to apply the patch: ${at.path} has changed since the patch was read. Read the file again.`
      })
    }
  })

/** Keeps the old file under a second name: the same file where the file system permits it, else a copy. */
const keep = ({ backup, path }: Ready): Promise<void> =>
  Fs.promises.link(path, backup).catch(() => Fs.promises.copyFile(path, backup, Fs.constants.COPYFILE_EXCL))

const overwriteFlags = Fs.constants.O_WRONLY | (Fs.constants.O_NOFOLLOW ?? 0)

const overwrite = async (path: string, text: string): Promise<void> => {
  const handle = await Fs.promises.open(path, overwriteFlags)
  try {
    await handle.truncate(0)
    await handle.writeFile(text, "utf8")
  } finally {
    await handle.close()
  }
}

/** Applies a step. Returns what undoes it. @internal */
export const apply = async (ready: Ready): Promise<() => Promise<void>> => {
  const { backup, path, staged, step } = ready
  const { after, before } = step
  if (after === null) {
    await Fs.promises.rename(path, backup)
    return () => Fs.promises.rename(backup, path)
  }
  if (before === null && staged !== null) {
    // A link, unlike a renaming, does not replace a file that somebody else has created meanwhile.
    await Fs.promises.link(staged, path).catch(() => Fs.promises.copyFile(staged, path, Fs.constants.COPYFILE_EXCL))
    return () => Fs.promises.unlink(path)
  }
  if (staged !== null) {
    await keep(ready)
    await Fs.promises.rename(staged, path)
    return () => Fs.promises.rename(backup, path)
  }
  await Fs.promises.copyFile(path, backup, Fs.constants.COPYFILE_EXCL)
  const restore = () => overwrite(path, before?.text ?? "")
  await overwrite(path, after).catch((error: unknown) => restore().then(() => Promise.reject(error)))
  return restore
}

/** How a step is applied. */
export type Apply = (ready: Ready) => Promise<() => Promise<void>>

/** Undoes the steps, the last one first. Returns the files that could not be restored. */
const undoAll = (undo: ReadonlyArray<readonly [Ready, () => Promise<void>]>): Effect.Effect<ReadonlyArray<Ready>> =>
  Effect.gen(function* () {
    const lost: Array<Ready> = []
    for (const [ready, run] of undo.toReversed()) {
      yield* Effect.promise(() =>
        run().catch(() => {
          ready.isLost = true
          lost.push(ready)
        })
      )
    }
    return lost
  })

const lostText = ({ backup, step: { at } }: Ready): string =>
  `${at.path} could not be restored; its old content is in ${Path.join(Path.dirname(at.canonical), Path.basename(backup))}`

const applyAll = (all: ReadonlyArray<Ready>, apply: Apply): Effect.Effect<void, WriteFailed> =>
  Effect.gen(function* () {
    const undo: Array<readonly [Ready, () => Promise<void>]> = []
    for (const ready of all) {
      const done = yield* Effect.result(run(ready.step, () => apply(ready)))
      if (Result.isSuccess(done)) {
        undo.push([ready, done.success])
        continue
      }
      const lost = yield* undoAll(undo)
      return yield* new WriteFailed({ detail: [done.failure.detail, ...lost.map(lostText)].join("\n") })
    }
  })

/** Writes the changes. `accessOf` is the access under which a file is written. Cannot be interrupted. */
export const write = (
  changes: ReadonlyArray<VerifiedChange>,
  accessOf: (at: Located) => FileAccess,
  applyStep: Apply = apply
): Effect.Effect<void, WriteFailed> =>
  Effect.gen(function* () {
    const blocked = changes.find((change) => change.blocked)
    if (blocked !== undefined) return yield* new WriteFailed({ detail: `Failed to write file ${blocked.target.path}` })
    const steps = changes.flatMap(stepsOf)
    const ready = yield* Effect.forEach(steps, (step) => prepare(step, accessOf(step.at)))
    yield* Effect.forEach(ready, compare, { discard: true })
    // Removals come last: a file that is moved exists in one place or the other at any time.
    const order = [
      ...ready.filter(({ step }) => step.after !== null),
      ...ready.filter(({ step }) => step.after === null)
    ]
    yield* applyAll(order, applyStep)
  }).pipe(Effect.scoped, Effect.uninterruptible)
