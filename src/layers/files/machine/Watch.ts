/**
 * Watches one path of the machine.
 *
 * Owns the system's watches behind it. A folder is watched for its direct children. Everything else is watched through its
 * parent, so that a file that is replaced, removed or created stays watched. When the parent is missing, the nearest folder
 * above that exists is watched until the next part of the path appears.
 *
 * ```
 *  place(): the nearest existing folder on the way to the path, and the path itself when it is a folder
 *     ▲   │ events ─► changed paths ─ 200 ms ─► a batch
 *     └───┘ an event about the way to the path: place() again
 * ```
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as NodeFs from "node:fs"
import * as Path from "node:path"
import type { FileRequestError, FileWatch } from "../../../services/file/MachineFiles.ts"
import { fromNode } from "./OsErrors.ts"

/** Age of the first change of a batch when the batch is delivered. */
const Window = "200 millis"

/** Paths of one batch. A batch with more changes names the watched path instead. */
export const MaxPaths = 4096

type Kind = "folder" | "other" | "missing"

/** It acts at once. Asynchronous calls could miss a change between the look and the watch. */
const kindNow = (path: string): Kind => {
  try {
    return NodeFs.statSync(path).isDirectory() ? "folder" : "other"
  } catch {
    return "missing"
  }
}

/** A folder in which an event with this name may be about the path. */
interface Way {
  readonly folder: string
  readonly name: string
  /** The name is the path itself, or the target of a link at the path. */
  readonly direct: boolean
}

/** Links that are followed from the path. */
const MaxLinks = 8

const wayTo = (path: string): Way => {
  let folder = Path.dirname(path)
  while (kindNow(folder) !== "folder" && folder !== Path.dirname(folder)) folder = Path.dirname(folder)
  const name = Path.relative(folder, path).split(Path.sep)[0] ?? ""
  return { folder, name, direct: Path.dirname(path) === folder }
}

/** The ways to the path, and to the targets of the links at it. */
const waysTo = (path: string): ReadonlyArray<Way> => {
  const ways = [wayTo(path)]
  try {
    for (let link = path; ways.length <= MaxLinks;) {
      link = Path.resolve(Path.dirname(link), NodeFs.readlinkSync(link))
      ways.push(wayTo(link))
    }
  } catch {
    // Not a link: the chain ends here.
  }
  return ways
}

class PathWatch {
  readonly path: string
  readonly #changed = new Set<string>()
  readonly #signal: Queue.Queue<void>
  /** The system's watches, by folder. */
  readonly #watchers = new Map<string, NodeFs.FSWatcher>()
  #kind: Kind = "missing"
  #ways: ReadonlyArray<Way> = []
  #closed = false

  constructor(path: string, signal: Queue.Queue<void>) {
    this.path = path
    this.#signal = signal
  }

  /** Moves the system's watches to where the path is now. Throws when the system has no more of them. */
  place(): void {
    this.#kind = kindNow(this.path)
    this.#ways = waysTo(this.path)
    const wanted = new Set(this.#ways.map(({ folder }) => folder))
    if (this.#kind === "folder") wanted.add(this.path)
    for (const folder of Array.from(this.#watchers.keys())) if (!wanted.has(folder)) this.#stop(folder)
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#start(folder)
  }

  #start(folder: string): void {
    const watcher = NodeFs.watch(folder, { persistent: false })
    watcher.on("change", (_, name) => this.#onEvent(folder, String(name)))
    // The folder was removed, or its file system was unmounted.
    watcher.on("error", () => {
      this.#stop(folder)
      if (!this.#closed) this.#replace()
    })
    this.#watchers.set(folder, watcher)
  }

  #stop(folder: string): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
  }

  #onEvent(folder: string, name: string): void {
    if (this.#closed) return
    if (folder === this.path) return this.#onChild(name)
    const way = this.#ways.find((way) => way.folder === folder && way.name === name)
    // The name of the folder itself: it was removed or renamed.
    if (way === undefined && name !== Path.basename(folder)) return
    const before = this.#kind
    if (way === undefined || way.direct) this.#stop(this.path)
    this.#replace()
    // What changes in a folder is published by its own watch.
    const changed = way?.direct === true && !(before === "folder" && this.#kind === "folder")
    if (before !== this.#kind || (changed && before !== "missing")) this.#report(this.path)
  }

  /** An event of the watched folder. The system reports the folder's own end with the name by which it knows the folder. */
  #onChild(name: string): void {
    const child = Path.join(this.path, name)
    const isGone = kindNow(this.path) !== "folder"
    const isName = name === Path.basename(this.path) || this.#ways.some((way) => way.direct && way.name === name)
    const isOwn = isName && kindNow(child) === "missing"
    if (isGone || isOwn) {
      // A folder that was removed and made again has the same path and another inode.
      this.#stop(this.path)
      this.#replace()
      this.#report(this.path)
    }
    if (!isOwn) this.#report(child)
  }

  /** A client whose path cannot be watched any more learns of a change at it. */
  #replace(): void {
    try {
      this.place()
    } catch {
      this.#report(this.path)
    }
  }

  #report(path: string): void {
    if (this.#changed.size >= MaxPaths) {
      this.#changed.clear()
      path = this.path
    }
    this.#changed.add(path)
    Queue.offerUnsafe(this.#signal, undefined)
  }

  /** The changes since the last call, sorted. */
  take(): ReadonlyArray<string> {
    const taken = Array.from(this.#changed).sort()
    this.#changed.clear()
    return taken
  }

  close(): void {
    this.#closed = true
    for (const folder of Array.from(this.#watchers.keys())) this.#stop(folder)
  }
}

/** See `MachineFiles.watch`. */
export const watch = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<FileWatch, FileRequestError, Scope.Scope> {
  const signal = yield* Effect.acquireRelease(Queue.dropping<void>(1), Queue.shutdown)
  const watching = yield* Effect.acquireRelease(
    Effect.sync(() => new PathWatch(path, signal)),
    (made) => Effect.sync(() => made.close())
  )
  yield* Effect.try({ try: () => watching.place(), catch: (error) => fromNode(error) })
  const batch = Effect.sync(() => watching.take())
  const changes = Stream.fromQueue(signal).pipe(
    Stream.mapEffect(() => Effect.andThen(Effect.sleep(Window), batch)),
    Stream.filter((paths) => paths.length > 0)
  )
  return { changes }
})
