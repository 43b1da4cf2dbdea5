/**
 * The history of the files that patches change, below the home folder.
 *
 * Kept for threads that are stored in files, unless the configuration has `file_history = false` in the table `spindle`. A
 * thread's history is deleted with the thread. Changes by commands are not in it.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { Config } from "../../services/config/Config.ts"
import { Sandbox } from "../../services/sandbox/Sandbox.ts"
import { ThreadStore } from "../../services/thread/ThreadStore.ts"
import { FileHistory, folderOf, RestoreFailed } from "../../services/tool/FileHistory.ts"
import type { HistoryFolder } from "./patch/HistoryFolder.ts"

const isOff = (settings: Readonly<Record<string, unknown>>): boolean => {
  const own: unknown = settings["spindle"]
  return Predicate.hasProperty(own, "file_history") && own["file_history"] === false
}

/** The histories of threads in use. */
class Folders {
  readonly #home: string
  readonly #open = new Map<string, HistoryFolder>()

  constructor(home: string) {
    this.#home = home
  }

  has(threadId: string): boolean {
    return this.#open.has(threadId)
  }

  /** The folder of a thread; undefined for an id that is no name of a folder. */
  readonly get = Effect.fnUntraced({ self: this }, function* (threadId: string) {
    const path = folderOf(this.#home, threadId)
    const known = this.#open.get(threadId)
    if (path === undefined || known !== undefined) return known
    const { HistoryFolder } = yield* Effect.promise(() => import("./patch/HistoryFolder.ts"))
    const folder = new HistoryFolder(path)
    this.#open.set(threadId, folder)
    return folder
  })

  remove(threadId: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#open.delete(threadId)
      const path = folderOf(this.#home, threadId)
      if (path === undefined) return Effect.void
      return Effect.ignore(Effect.tryPromise(async () => (await import("./patch/HistoryFolder.ts")).remove(path)))
    })
  }
}

const make = Effect.gen(function* () {
  const config = yield* Config
  const store = yield* ThreadStore
  const sandbox = yield* Sandbox
  const folders = new Folders(config.home)
  const off = yield* Effect.cached(
    Effect.gen(function* () {
      if (yield* store.volatile ?? Effect.succeed(false)) return true
      const { settings } = yield* config.effective({ cwd: null, overrides: {} })
      return isOff(settings)
    }).pipe(Effect.orElseSucceed(() => false))
  )

  /** Whether the thread is stored. Of an ephemeral one nothing is kept. */
  const isStored = (threadId: string) =>
    folders.has(threadId)
      ? Effect.succeed(true)
      : Effect.orElseSucceed(
          Effect.map(store.summary(threadId), (summary) => summary !== null),
          () => false
        )

  const restoring = Effect.fnUntraced(function* (threadId: string) {
    const folder = yield* folders.get(threadId)
    if (folder === undefined) return yield* new RestoreFailed({ detail: "the thread has no history of files" })
    const restoration = yield* Effect.promise(() => import("./patch/Restoration.ts"))
    return { folder, restoration }
  })

  return FileHistory.of({
    record: (threadId, turnId, files) =>
      Effect.gen(function* () {
        if ((yield* off) || !(yield* isStored(threadId))) return
        const folder = yield* folders.get(threadId)
        if (folder === undefined) return
        yield* Effect.tryPromise(() => folder.record(turnId, files))
      }).pipe(Effect.catchCause((cause) => Effect.logWarning("the history of files could not be stored", cause))),
    plan: (threadId, turnIds) =>
      Effect.flatMap(restoring(threadId), ({ folder, restoration }) => restoration.plan(folder, turnIds)),
    forget: (threadId) => folders.remove(threadId),
    restore: (threadId, turnIds) =>
      Effect.flatMap(restoring(threadId), ({ folder, restoration }) => restoration.restore(folder, turnIds, sandbox))
  })
})

/** The history of files of a server. */
export const layer: Layer.Layer<FileHistory, never, Config | Sandbox | ThreadStore> = Layer.effect(FileHistory, make)
