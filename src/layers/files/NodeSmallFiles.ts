/**
 * Small files on Node: the only module that opens a file to read it completely.
 *
 * A path is checked before it is opened, because opening a device can have side effects. The descriptor is checked again
 * after the open: a file that was put in its place is closed unread. `O_NONBLOCK` prevents a pipe without a writer from
 * blocking the open, and `O_NOCTTY` a terminal. `FileOrigin` decides where an opened file may be.
 *
 * A stat takes a microsecond when it is synchronous and fifty through the thread pool. It is synchronous for the server's
 * own files: a home on a hanging file system stops the server, which cannot work without its home. For paths from clients it
 * is synchronous only in folders on a local disk, which the pool determines (`LocalTypes`), and only for files that are not
 * links. All other calls are asynchronous, use a limited number of threads (`MaxClientCalls`) and have a deadline, so that a
 * hanging file system blocks neither the event loop nor the last thread.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type FileStamp,
  type Head,
  type NamedBy,
  type ReadOptions,
  SmallFileError,
  SmallFiles
} from "../../services/config/SmallFiles.ts"
import { call, type Opened, type OriginCalls, refuseKernelFile, refuseOutside } from "./FileOrigin.ts"

type Done<A> = (error: NodeJS.ErrnoException | null, value: A) => void

/**
 * The file system calls, with the signatures of `node:fs`.
 *
 * @internal
 */
export interface Calls extends OriginCalls {
  /** For files that the server chose. It blocks. */
  readonly statSync: (path: string, options: { readonly throwIfNoEntry: false }) => Fs.Stats | undefined
  /** As `statSync`, without following links. */
  readonly lstatSync: (path: string, options: { readonly throwIfNoEntry: false }) => Fs.Stats | undefined
  /** Opens a file in the pool of threads. */
  readonly open: (path: string, flags: number, done: Done<number>) => void
  /** The stamp of an open file. */
  readonly fstat: (descriptor: number, done: Done<Fs.Stats>) => void
  /** Reads from the position of the descriptor. */
  readonly read: (
    descriptor: number,
    into: Uint8Array<ArrayBuffer>,
    offset: number,
    length: number,
    position: null,
    done: Done<number>
  ) => void
  /** Closes a descriptor. */
  readonly close: (descriptor: number, done: (error?: Error | null) => void) => void
}

/** Concurrent calls for clients. Node's pool has four threads; DNS lookups and the server's own files need one. */
export const MaxClientCalls = 2

/** Time limit of a stat or a read, including the wait for a thread. */
export const Deadline = "10 seconds"

/** Linux's type numbers of local file systems: ext, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS. */
const LocalTypes: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010
])

/** How long a folder counts as local, in milliseconds. Another file system may be mounted there later. */
const LocalFor = 10_000

/** Limit on the folders that are cached. When it is exceeded, the cache is cleared. */
const MaxLocal = 512

const absent: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"])
const denied: ReadonlySet<string> = new Set(["EACCES", "EPERM"])

const openFlags = Fs.constants.O_RDONLY | (Fs.constants.O_NONBLOCK ?? 0) | (Fs.constants.O_NOCTTY ?? 0)

/** Bytes of the first read of a file with unknown size, as in `/proc`. */
const FirstChunk = 16 * 1024

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""

const problem = (path: string, error: unknown): SmallFileError => {
  if (error instanceof SmallFileError) return error
  const code = codeOf(error)
  return new SmallFileError({
    reason: denied.has(code) ? "denied" : "unreadable",
    path,
    ...(code === "" ? {} : { code })
  })
}

/** Limits concurrent calls; the others wait in order. A call that is cancelled while it waits is not made. */
class CallLimiter {
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(size: number) {
    this.#free = size
  }

  /** Calls `start` when there is room; the call ends when the function passed to `start` is called. */
  enter(start: (leave: () => void) => void): () => void {
    const run = () => {
      this.#waiting.delete(run)
      this.#free--
      start(() => {
        this.#free++
        const [next] = this.#waiting
        next?.()
      })
    }
    if (this.#free > 0) run()
    else this.#waiting.add(run)
    return () => void this.#waiting.delete(run)
  }
}

const stampOf = (stat: Fs.Stats): FileStamp => ({ modified: stat.mtimeMs, size: stat.size, inode: stat.ino })

/** Whether the caller no longer waits for the result. */
type IsCancelled = () => boolean

/**
 * Reads the beginning of a file. Always closes the descriptor, also after a cancellation: a call that was made cannot be
 * undone.
 */
const readHead = async (
  calls: Calls,
  path: string,
  { maxBytes, namedBy, within }: ReadOptions,
  isOrdinary: (opened: Opened) => Promise<void>,
  isCancelled: IsCancelled
): Promise<Head | undefined> => {
  const onlyRegular = (stat: Fs.Stats) => {
    if (!stat.isFile()) throw new SmallFileError({ reason: "notRegular", path })
    return stat
  }
  const seen = within === undefined ? undefined : await call<Fs.Stats>((done) => calls.lstat(path, done))
  onlyRegular(seen?.isSymbolicLink() === false ? seen : await call<Fs.Stats>((done) => calls.stat(path, done)))
  if (isCancelled()) return undefined
  const descriptor = await call<number>((done) => calls.open(path, openFlags, done))
  try {
    const stat = onlyRegular(await call<Fs.Stats>((done) => calls.fstat(descriptor, done)))
    const opened: Opened = { path, descriptor, stat }
    if (namedBy === "client") await isOrdinary(opened)
    if (within !== undefined) await refuseOutside(calls, opened, within, seen)
    const { size } = stat
    // One extra byte detects a longer file.
    const most = maxBytes + 1
    let buffer = new Uint8Array(Math.min(size > 0 ? size + 1 : FirstChunk, most))
    let length = 0
    while (length < most && !isCancelled()) {
      if (length === buffer.length) {
        const larger = new Uint8Array(Math.min(buffer.length * 2, most))
        larger.set(buffer)
        buffer = larger
      }
      const [into, at] = [buffer, length]
      const count = await call<number>((done) => calls.read(descriptor, into, at, into.length - at, null, done))
      if (count === 0) break
      length += count
    }
    return {
      bytes: buffer.subarray(0, Math.min(length, maxBytes)),
      whole: length <= maxBytes,
      size: Math.max(size, length)
    }
  } finally {
    await call<undefined>((done) => calls.close(descriptor, (error) => done(error ?? null, undefined)))
  }
}

/** Fails at the deadline; the system's call continues. */
const inTime = <A>(path: string, effect: Effect.Effect<A, SmallFileError>): Effect.Effect<A, SmallFileError> =>
  Effect.timeoutOrElse(effect, {
    duration: Deadline,
    orElse: () => Effect.fail(new SmallFileError({ reason: "slow", path }))
  })

/** Missing files are undefined, everything else fails. */
const unlessAbsent = (path: string, error: unknown): Effect.Effect<undefined, SmallFileError> =>
  absent.has(codeOf(error)) ? Effect.undefined : Effect.fail(problem(path, error))

/** Folders on a local disk, where a stat does not block. */
class LocalFolders {
  readonly #calls: Calls
  readonly #limiter: CallLimiter
  /** With the time until which the entry is valid. */
  readonly #until = new Map<string, number>()

  constructor(calls: Calls, limiter: CallLimiter) {
    this.#calls = calls
    this.#limiter = limiter
  }

  #isLocal(folder: string, now: number): boolean {
    return (this.#until.get(folder) ?? 0) > now
  }

  #look(folder: string, now: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const forget = this.#limiter.enter((leave) => {
        this.#calls.statfs(folder, (error, { type } = { type: 0 }) => {
          leave()
          if (this.#until.size >= MaxLocal) this.#until.clear()
          if (error === null && LocalTypes.has(type)) this.#until.set(folder, now + LocalFor)
          else this.#until.delete(folder)
          resume(Effect.void)
        })
      })
      return Effect.sync(forget)
    })
  }

  /** Determines which of the folders are local. */
  find(folders: ReadonlyArray<string>, now: number): Effect.Effect<void> {
    const unknown = folders.filter((folder) => !this.#isLocal(folder, now) && !folder.includes("\0"))
    return Effect.forEach(unknown, (folder) => this.#look(folder, now), { concurrency: MaxClientCalls, discard: true })
  }

  /** A synchronous stat of the path; undefined when it is on a remote file system or a link. */
  stat(path: string, now: number): { readonly stat: Fs.Stats | undefined } | undefined {
    const folder = Path.dirname(path)
    try {
      if (!this.#isLocal(folder, now)) {
        if (!this.#isLocal(Path.dirname(folder), now)) return undefined
        const above = this.#calls.lstatSync(folder, { throwIfNoEntry: false })
        if (above?.isDirectory() !== true) return above === undefined ? { stat: undefined } : undefined
      }
      const stat = this.#calls.lstatSync(path, { throwIfNoEntry: false })
      return stat?.isSymbolicLink() === true ? undefined : { stat }
    } catch {
      return undefined
    }
  }
}

/** Refuses kernel files, and remembers the devices that have none. */
const ordinaryFiles = (calls: Calls) => {
  /** With the time until which the entry is valid. */
  const devices = new Map<number, number>()
  return (now: number) =>
    async (opened: Opened): Promise<void> => {
      const { dev } = opened.stat
      if ((devices.get(dev) ?? 0) > now) return
      await refuseKernelFile(calls, opened)
      if (devices.size >= MaxLocal) devices.clear()
      devices.set(dev, now + LocalFor)
    }
}

/** The stamp of a path, from a thread of the pool. */
const stampLater = (calls: Calls, limiter: CallLimiter, path: string) =>
  // Node throws for such a path instead of calling back.
  path.includes("\0")
    ? Effect.fail(new SmallFileError({ reason: "unreadable", path }))
    : Effect.callback<FileStamp | undefined, SmallFileError>((resume) => {
        const forget = limiter.enter((leave) => {
          calls.stat(path, (error, stat) => {
            leave()
            resume(error === null ? Effect.succeed(stampOf(stat)) : unlessAbsent(path, error))
          })
        })
        return Effect.sync(forget)
      })

/** The stamp of a path, synchronously. */
const stampNow = (calls: Calls, path: string): Effect.Effect<FileStamp | undefined, SmallFileError> =>
  Effect.suspend(() => {
    try {
      // Most requested files do not exist, and an exception costs ten times as much as this check.
      const stat = calls.statSync(path, { throwIfNoEntry: false })
      return Effect.succeed(stat === undefined ? undefined : stampOf(stat))
    } catch (error) {
      return unlessAbsent(path, error)
    }
  })

/**
 * Small files through `calls`.
 *
 * @internal
 */
export const make = (calls: Calls): SmallFiles["Service"] => {
  const limiter = new CallLimiter(MaxClientCalls)
  const folders = new LocalFolders(calls, limiter)
  const isOrdinaryAt = ordinaryFiles(calls)

  /** The stamp of a client's path, synchronous when it cannot block. */
  const clientStamp = (path: string, now: number): Effect.Effect<FileStamp | undefined, SmallFileError> => {
    const seen = folders.stat(path, now)
    if (seen === undefined) return inTime(path, stampLater(calls, limiter, path))
    return Effect.succeed(seen.stat === undefined ? undefined : stampOf(seen.stat))
  }

  /** Limits the concurrency of `work` when a client named the path. */
  const enter = (namedBy: NamedBy, work: (leave: () => void) => void): (() => void) => {
    if (namedBy === "client") return limiter.enter(work)
    work(() => undefined)
    return () => undefined
  }

  const head = (path: string, options: ReadOptions, now: number) =>
    Effect.callback<Head | undefined, SmallFileError>((resume) => {
      let isCancelled = false
      const forget = enter(options.namedBy, (leave) => {
        readHead(calls, path, options, isOrdinaryAt(now), () => isCancelled)
          .finally(leave)
          .then(
            (found) => resume(Effect.succeed(found)),
            (error: unknown) => resume(unlessAbsent(path, error))
          )
      })
      return Effect.sync(() => {
        isCancelled = true
        forget()
      })
    })

  return {
    stamp: (path, namedBy) =>
      namedBy === "server"
        ? stampNow(calls, path)
        : Effect.flatMap(Clock.currentTimeMillis, (now) => clientStamp(path, now)),
    exist: Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
      const now = yield* Clock.currentTimeMillis
      const isThere = (path: string) =>
        Effect.match(clientStamp(path, now), { onSuccess: (stamp) => stamp !== undefined, onFailure: () => false })
      return yield* folders
        .find([...new Set(paths.map((path) => Path.dirname(path)))], now)
        .pipe(
          Effect.andThen(Effect.forEach(paths, isThere, { concurrency: MaxClientCalls })),
          Effect.timeoutOrElse({ duration: Deadline, orElse: () => Effect.succeed(paths.map(() => false)) })
        )
    }),
    head: (path, options) =>
      inTime(
        path,
        Effect.flatMap(Clock.currentTimeMillis, (now) => head(path, options, now))
      )
  }
}

/** One instance per process, like the thread pool. */
export const layer: Layer.Layer<SmallFiles> = Layer.succeed(SmallFiles, make(Fs))
