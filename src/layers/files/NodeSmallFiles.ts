/**
 * Small files on Node: the one place that opens a file to read it whole.
 *
 * A path is looked at before it is opened, since to open a device can have effects of its own. What is opened is looked at
 * once more by its descriptor: whatever was put in its place meanwhile is closed unread. `O_NONBLOCK` keeps a pipe without a
 * writer, and `O_NOCTTY` a terminal, from holding up the open. Where an opened file may not be is up to `FileOrigin`.
 *
 * A look at a file takes a microsecond when it is synchronous and fifty by way of the thread pool. It is synchronous for the
 * server's own files: a home on a file system that hangs stops the server, which could do nothing without its home. It is
 * for what a client names only in folders on a local disk, of which the system is asked by way of the pool (`LocalTypes`),
 * and only for what is no link there. All else is asynchronous, may use some of the threads only (`MaxClientCalls`) and has
 * a deadline, so that a file system that hangs takes neither the event loop nor the last thread.
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

/** The calls to the file system, as `node:fs` has them. */
export interface Calls extends OriginCalls {
  readonly statSync: (path: string, options: { readonly throwIfNoEntry: false }) => Fs.Stats | undefined
  readonly lstatSync: (path: string, options: { readonly throwIfNoEntry: false }) => Fs.Stats | undefined
  readonly open: (path: string, flags: number, done: Done<number>) => void
  readonly fstat: (descriptor: number, done: Done<Fs.Stats>) => void
  readonly read: (
    descriptor: number,
    into: Uint8Array<ArrayBuffer>,
    offset: number,
    length: number,
    position: null,
    done: Done<number>
  ) => void
  readonly close: (descriptor: number, done: (error?: Error | null) => void) => void
}

/** Calls at a time for what clients name. Node's pool has four threads; name lookups and the server's own files need one. */
export const MaxClientCalls = 2

/** How long a look or a read may take, the wait for a thread included. */
export const Deadline = "10 seconds"

/** Linux's numbers of file systems that answer without a network or another process: ext, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS. */
const LocalTypes: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010
])

/** How long a folder counts as local, in milliseconds. Something may be mounted there meanwhile. */
const LocalFor = 10_000

/** Folders beyond this many are forgotten, all at once. */
const MaxLocal = 512

const absent: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"])
const denied: ReadonlySet<string> = new Set(["EACCES", "EPERM"])

const openFlags = Fs.constants.O_RDONLY | (Fs.constants.O_NONBLOCK ?? 0) | (Fs.constants.O_NOCTTY ?? 0)

/** Bytes of the first read of a file that does not know its size, as in `/proc`. */
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

/** Runs some calls at a time; the others wait in order. A call that was given up before its turn is not made. */
class KeyedScheduler {
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(size: number) {
    this.#free = size
  }

  /** Calls `start` when there is room; it is over when the function that it is given has been called. */
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

/** Says whether nobody waits for the result any more. */
type GivenUp = () => boolean

/**
 * The beginning of a file. Closes what it opened in every case, also when it was given up: a call that was made cannot be
 * taken back.
 */
const readHead = async (
  calls: Calls,
  path: string,
  { maxBytes, namedBy, within }: ReadOptions,
  isOrdinary: (opened: Opened) => Promise<void>,
  givenUp: GivenUp
): Promise<Head | undefined> => {
  const onlyRegular = (stat: Fs.Stats) => {
    if (!stat.isFile()) throw new SmallFileError({ reason: "notRegular", path })
    return stat
  }
  const seen = within === undefined ? undefined : await call<Fs.Stats>((done) => calls.lstat(path, done))
  onlyRegular(seen?.isSymbolicLink() === false ? seen : await call<Fs.Stats>((done) => calls.stat(path, done)))
  if (givenUp()) return undefined
  const descriptor = await call<number>((done) => calls.open(path, openFlags, done))
  try {
    const stat = onlyRegular(await call<Fs.Stats>((done) => calls.fstat(descriptor, done)))
    const opened: Opened = { path, descriptor, stat }
    if (namedBy === "client") await isOrdinary(opened)
    if (within !== undefined) await refuseOutside(calls, opened, within, seen)
    const { size } = stat
    // One byte more than there should be tells a file that goes on.
    const most = maxBytes + 1
    let buffer = new Uint8Array(Math.min(size > 0 ? size + 1 : FirstChunk, most))
    let length = 0
    while (length < most && !givenUp()) {
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

/** Files through `calls`. */
export const make = (calls: Calls): SmallFiles["Service"] => {
  const scheduler = new KeyedScheduler(MaxClientCalls)

  /** Fails at the deadline, though the system goes on with what it was asked. */
  const inTime = <A>(path: string, effect: Effect.Effect<A, SmallFileError>): Effect.Effect<A, SmallFileError> =>
    Effect.timeoutOrElse(effect, {
      duration: Deadline,
      orElse: () => Effect.fail(new SmallFileError({ reason: "slow", path }))
    })

  /** Does `work` in a lane where a client named the path. */
  const enter = (namedBy: NamedBy, work: (leave: () => void) => void): (() => void) => {
    if (namedBy === "client") return scheduler.enter(work)
    work(() => undefined)
    return () => undefined
  }

  const looked = (path: string): Effect.Effect<FileStamp | undefined, SmallFileError> =>
    // Node throws for such a path instead of calling back.
    path.includes("\0")
      ? Effect.fail(new SmallFileError({ reason: "unreadable", path }))
      : Effect.callback((resume) => {
          const forget = scheduler.enter((leave) => {
            calls.stat(path, (error, stat) => {
              leave()
              if (error === null) resume(Effect.succeed(stampOf(stat)))
              else resume(absent.has(codeOf(error)) ? Effect.undefined : Effect.fail(problem(path, error)))
            })
          })
          return Effect.sync(forget)
        })

  /** Folders on a local disk, with the time up to which that holds. */
  const local = new Map<string, number>()

  /** Finds out which of the folders are local. */
  const survey = (folders: ReadonlyArray<string>, now: number): Effect.Effect<void> =>
    Effect.forEach(
      folders.filter((folder) => (local.get(folder) ?? 0) <= now && !folder.includes("\0")),
      (folder) =>
        Effect.callback<void>((resume) => {
          const forget = scheduler.enter((leave) => {
            calls.statfs(folder, (error, { type } = { type: 0 }) => {
              leave()
              if (local.size >= MaxLocal) local.clear()
              if (error === null && LocalTypes.has(type)) local.set(folder, now + LocalFor)
              else local.delete(folder)
              resume(Effect.void)
            })
          })
          return Effect.sync(forget)
        }),
      { concurrency: MaxClientCalls, discard: true }
    )

  /** What is there, where that can be told at once: neither on another machine nor behind a link. */
  const glimpse = (path: string, now: number): { readonly stat: Fs.Stats | undefined } | undefined => {
    const folder = Path.dirname(path)
    const isLocal = (at: string) => (local.get(at) ?? 0) > now
    try {
      if (!isLocal(folder)) {
        if (!isLocal(Path.dirname(folder))) return undefined
        const above = calls.lstatSync(folder, { throwIfNoEntry: false })
        if (above?.isDirectory() !== true) return above === undefined ? { stat: undefined } : undefined
      }
      const stat = calls.lstatSync(path, { throwIfNoEntry: false })
      return stat?.isSymbolicLink() === true ? undefined : { stat }
    } catch {
      return undefined
    }
  }

  /** Looks at what a client names, at once where that cannot hang. */
  const lookedFrom = (path: string, now: number): Effect.Effect<FileStamp | undefined, SmallFileError> => {
    const seen = glimpse(path, now)
    if (seen === undefined) return inTime(path, looked(path))
    return Effect.succeed(seen.stat === undefined ? undefined : stampOf(seen.stat))
  }

  /** Devices that hold no files of the kernel, with the time up to which that counts. */
  const ordinary = new Map<number, number>()

  /** Fails for files of the kernel. */
  const isOrdinaryAt =
    (now: number) =>
    async (opened: Opened): Promise<void> => {
      const { dev } = opened.stat
      if ((ordinary.get(dev) ?? 0) > now) return
      await refuseKernelFile(calls, opened)
      if (ordinary.size >= MaxLocal) ordinary.clear()
      ordinary.set(dev, now + LocalFor)
    }

  const lookedAtOnce = (path: string): Effect.Effect<FileStamp | undefined, SmallFileError> =>
    Effect.suspend(() => {
      try {
        // Most files that are asked for are not there, and an exception costs ten times as much as this look.
        const stat = calls.statSync(path, { throwIfNoEntry: false })
        return Effect.succeed(stat === undefined ? undefined : stampOf(stat))
      } catch (error) {
        return absent.has(codeOf(error)) ? Effect.undefined : Effect.fail(problem(path, error))
      }
    })

  return {
    stamp: (path, namedBy) =>
      namedBy === "server"
        ? lookedAtOnce(path)
        : Effect.flatMap(Clock.currentTimeMillis, (now) => lookedFrom(path, now)),
    exist: Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
      const now = yield* Clock.currentTimeMillis
      const isThere = (path: string) =>
        Effect.match(lookedFrom(path, now), { onSuccess: (stamp) => stamp !== undefined, onFailure: () => false })
      return yield* survey([...new Set(paths.map((path) => Path.dirname(path)))], now).pipe(
        Effect.andThen(Effect.forEach(paths, isThere, { concurrency: MaxClientCalls })),
        Effect.timeoutOrElse({ duration: Deadline, orElse: () => Effect.succeed(paths.map(() => false)) })
      )
    }),
    head: (path, options) => {
      const reading = (now: number) =>
        Effect.callback<Head | undefined, SmallFileError>((resume) => {
          let givenUp = false
          const forget = enter(options.namedBy, (leave) => {
            readHead(calls, path, options, isOrdinaryAt(now), () => givenUp)
              .finally(leave)
              .then(
                (head) => resume(Effect.succeed(head)),
                (error: unknown) =>
                  resume(absent.has(codeOf(error)) ? Effect.undefined : Effect.fail(problem(path, error)))
              )
          })
          return Effect.sync(() => {
            givenUp = true
            forget()
          })
        })
      return inTime(path, Effect.flatMap(Clock.currentTimeMillis, reading))
    }
  }
}

/** One for the process, as its thread pool is. */
export const layer: Layer.Layer<SmallFiles> = Layer.succeed(SmallFiles, make(Fs))
