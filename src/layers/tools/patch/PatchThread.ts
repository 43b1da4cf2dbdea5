/**
 * The patches of one thread: verification, approval, application, and the diff of the turn.
 *
 * Owns the files that the user approved for the session, and that patches of a thread are applied one at a time. This module
 * loads Node's file system and the diff library, so it is loaded with the first patch.
 *
 * @module
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { FileChangeItem } from "../../../protocol/v2/item/WorkItem.ts"
import type { FileAccess } from "../../../services/sandbox/FileAccess.ts"
import type { Sandbox } from "../../../services/sandbox/Sandbox.ts"
import type { FileHistory, FileRecord } from "../../../services/tool/FileHistory.ts"
import { type ToolTurn, TurnCancelled } from "../../../services/tool/Tool.ts"
import { decide } from "./Decision.ts"
import type { Located } from "./FileReading.ts"
import { itemOf, summaryOf } from "./Item.ts"
import { noEnvironment, parse } from "./Parser.ts"
import { type Effected, TurnDiff } from "./TurnDiff.ts"
import { isMove, type VerifiedChange, verify } from "./Verification.ts"
import { write } from "./Writing.ts"

/** A patch of the model. */
export interface PatchCall {
  readonly callId: string
  /** The text of the patch. */
  readonly text: string
  /** Absolute path of the folder of relative paths. */
  readonly cwd: string
}

/** The outcome of a patch, for the model. */
export interface PatchOutcome {
  readonly text: string
  readonly success: boolean
}

const failed = (text: string): PatchOutcome => ({ text, success: false })

/** Every place that a change writes to. */
const placesOf = (change: VerifiedChange): ReadonlyArray<Located> =>
  isMove(change) ? [change.source, change.target] : [change.source]

const method = "item/fileChange/requestApproval"

/** Whether the folder has a repository: a folder of git's data, or a file that names one. A sandbox may leave an empty folder. */
const hasRepository = (folder: string): boolean => {
  const path = Path.join(folder, ".git")
  return Fs.existsSync(Path.join(path, "HEAD")) || Fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

/** The nearest folder with a repository, else `cwd`. */
const rootOf = (cwd: string): string => {
  for (let folder = cwd; ; folder = Path.dirname(folder)) {
    if (hasRepository(folder)) return folder
    if (folder === Path.dirname(folder)) return cwd
  }
}

const contentOf = (stored: VerifiedChange["before"]) =>
  stored === null ? null : { text: stored.text, mode: stored.mode }

/** What a change did to files, for the diff of the turn. */
const effectsOf = (change: VerifiedChange): ReadonlyArray<Effected> => {
  const { after, before, replaced, source, target } = change
  const mode = before?.mode ?? 0o644
  const now = after === null ? null : { text: after, mode }
  if (!isMove(change)) return [{ path: source.path, before: contentOf(before), after: now }]
  return [
    { path: target.path, before: contentOf(replaced), after: now, movedFrom: source.path },
    { path: source.path, before: contentOf(before), after: null }
  ]
}

/** What a change does to files, for their history: by their places without links. */
const recordsOf = (change: VerifiedChange): ReadonlyArray<FileRecord> =>
  placesOf(change).flatMap(({ canonical, path }) =>
    effectsOf(change)
      .filter((effect) => effect.path === path)
      .map(({ after, before }) => ({ path: canonical, before, after }))
  )

export class PatchThread {
  readonly #sandbox: Sandbox["Service"]
  readonly #history: FileHistory["Service"] | undefined
  /** Canonical paths that the user approved for the session. */
  readonly #approved = new Set<string>()
  readonly #one = Semaphore.makeUnsafe(1)
  #diff: { readonly turnId: string; readonly diff: TurnDiff } | undefined

  constructor(sandbox: Sandbox["Service"], history?: FileHistory["Service"]) {
    this.#sandbox = sandbox
    this.#history = history
  }

  /** Applies a patch. Errors of the model are outcomes. */
  apply(call: PatchCall, turn: ToolTurn): Effect.Effect<PatchOutcome, TurnCancelled> {
    return this.#one.withPermit(
      Effect.gen({ self: this }, function* () {
        const operations = parse(call.text)
        if (Result.isFailure(operations)) return failed(refusal(operations.failure))
        if (operations.success.length === 0) return failed("patch rejected: empty patch")
        const changes = yield* Effect.promise(() => verify(operations.success, call.cwd))
        if (Result.isFailure(changes)) return failed(refusal(changes.failure))
        return yield* this.#judge(call, changes.success, turn)
      })
    )
  }

  /** Applies verified changes, after an approval where one is needed. */
  #judge(
    call: PatchCall,
    changes: ReadonlyArray<VerifiedChange>,
    turn: ToolTurn
  ): Effect.Effect<PatchOutcome, TurnCancelled> {
    return Effect.gen({ self: this }, function* () {
      const access = yield* this.#sandbox.files(turn.sandboxPolicy, turn.cwd)
      const places = changes.flatMap(placesOf).map(({ canonical }) => canonical)
      const permitted = yield* Effect.filter(places, (place) => access.mayWrite(place))
      const decision = decide({
        approvalPolicy: turn.approvalPolicy,
        sandboxPolicy: turn.sandboxPolicy,
        isPermitted: permitted.length === places.length,
        approvedForSession: places.every((place) => this.#approved.has(place))
      })
      if (decision.type === "refuse") return failed(decision.text)
      const item = { ...itemOf(call.callId, changes), startedAtMs: yield* Clock.currentTimeMillis }
      yield* turn.itemStarted(item)
      if (decision.type === "ask") {
        const refused = yield* this.#ask(item, places, reasonOf(changes, permitted), turn)
        if (refused !== undefined) return refused
      }
      // An approval covers the places outside of the policy; the others are held to it.
      const free = yield* this.#sandbox.files({ type: "dangerFullAccess" }, turn.cwd)
      const inside = new Set(permitted)
      return yield* this.#write(item, changes, ({ canonical }) => (inside.has(canonical) ? access : free), turn)
    })
  }

  /** Asks the user. Returns the outcome when the patch is not applied. */
  #ask(
    item: FileChangeItem,
    places: ReadonlyArray<string>,
    reason: string | null,
    turn: ToolTurn
  ): Effect.Effect<PatchOutcome | undefined, TurnCancelled> {
    return Effect.gen({ self: this }, function* () {
      const answer = yield* Effect.result(turn.ask(method, { itemId: item.id, reason, grantRoot: null }))
      const declined = turn.itemCompleted({ ...item, status: "declined" })
      if (Result.isFailure(answer)) {
        // The turn ends with the request; its open items are not completed.
        if (answer.failure.reason !== "turnTransition") yield* declined
        return failed("approval request failed")
      }
      switch (answer.success.decision) {
        case "acceptForSession":
          for (const place of places) this.#approved.add(place)
          return undefined
        case "accept":
          return undefined
        case "decline":
          yield* declined
          return failed("patch rejected by user")
        case "cancel":
          // As in the release, the item of a cancelled turn stays open.
          return yield* new TurnCancelled()
      }
    })
  }

  #write(
    item: FileChangeItem,
    changes: ReadonlyArray<VerifiedChange>,
    accessOf: (at: Located) => FileAccess,
    turn: ToolTurn
  ): Effect.Effect<PatchOutcome> {
    return Effect.gen({ self: this }, function* () {
      const startedAt = yield* Clock.currentTimeMillis
      yield* this.#history?.record(turn.threadId, turn.turnId, changes.flatMap(recordsOf)) ?? Effect.void
      const written = yield* Effect.result(write(changes, accessOf))
      const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1000
      if (Result.isFailure(written)) {
        yield* turn.itemCompleted({ ...item, status: "failed" })
        return failed(report(1, seconds, `${written.failure.detail}\n`))
      }
      yield* turn.itemCompleted({ ...item, status: "completed" })
      yield* this.#updateDiff(changes, turn)
      return { text: report(0, seconds, summaryOf(changes)), success: true }
    }).pipe(Effect.uninterruptible)
  }

  #updateDiff(changes: ReadonlyArray<VerifiedChange>, turn: ToolTurn): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#diff?.turnId !== turn.turnId) {
        this.#diff = { turnId: turn.turnId, diff: new TurnDiff(rootOf(turn.cwd)) }
      }
      const { diff } = this.#diff
      const last = diff.text
      diff.add(changes.flatMap(effectsOf))
      return last === "" && diff.text === "" ? Effect.void : turn.diffUpdated(diff.text)
    })
  }
}

/** What the item does not show: a file outside of the policy that a link hides. */
const reasonOf = (changes: ReadonlyArray<VerifiedChange>, permitted: ReadonlyArray<string>): string | null => {
  const hidden = changes
    .flatMap(placesOf)
    .find(({ canonical, path }) => canonical !== path && !permitted.includes(canonical))
  return hidden === undefined ? null : `${hidden.path} leads to ${hidden.canonical}`
}

const refusal = (reason: string): string =>
  reason === noEnvironment ? reason : `apply_patch verification failed: ${reason}`

const report = (code: number, seconds: number, output: string): string =>
  `Exit code: ${code}\nWall time: ${Math.round(seconds * 10) / 10} seconds\nOutput:\n${output}`
