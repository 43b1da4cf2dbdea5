/**
 * The right to write to a thread, across processes: `flock(2)` on `thread-writer-locks/<thread id>.lock`, as the release does.
 *
 * The lock of a process that ends is released immediately. `.coordination.lock` is held while a lock file is made or removed, so that
 * no process locks a file that is being removed. Node has no `flock`; the optional dependency `koffi` calls it. It is loaded with
 * the first lock.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import { makeFolder } from "./Folder.ts"
import { asError } from "./Slices.ts"

/** Another process, or another server in this one, has the thread. */
export class Locked extends Error {
  readonly threadId: string

  constructor(threadId: string) {
    super(`thread ${threadId} already has an active writer`)
    this.threadId = threadId
  }
}

/** Files cannot be locked on this machine or with this installation. */
export class CannotLock extends Error {
  constructor(cause: unknown) {
    super(
      "files cannot be locked here, so threads of other programs are read-only: install the optional dependency koffi",
      { cause }
    )
  }
}

/** Locks an open file. False when someone else has it. */
export type Flock = (descriptor: number, operation: number) => boolean

const Shared = 1
const Exclusive = 2
const NonBlocking = 4

/** How long a lock waits for `.coordination.lock`, which others hold for less than a millisecond. */
const CoordinationPatience = "2 seconds"
const CoordinationPause = "2 millis"

const loadFlock = Effect.tryPromise({
  try: async (): Promise<Flock> => {
    if (process.platform === "win32") throw new Error("Windows has no flock")
    const { default: koffi } = await import("koffi")
    const flock = koffi.load(process.platform === "darwin" ? "libSystem.dylib" : null).func("int flock(int, int)")
    const taken = koffi.os.errno["EWOULDBLOCK"]
    return (descriptor, operation) => {
      if (Number(flock(descriptor, operation)) === 0) return true
      const code = koffi.errno()
      if (code === taken) return false
      throw new Error(`flock failed with error ${code}`)
    }
  },
  catch: (cause) => new CannotLock(cause)
})

const flags =
  Fs.constants.O_RDWR | Fs.constants.O_CREAT | (Fs.constants.O_NOFOLLOW ?? 0) | (Fs.constants.O_NONBLOCK ?? 0)

const opened = (path: string): number => {
  const descriptor = Fs.openSync(path, flags, 0o600)
  if (Fs.fstatSync(descriptor).isFile()) return descriptor
  Fs.closeSync(descriptor)
  throw new Error(`${path} is not a regular file`)
}

const attempt = <A>(run: () => A): Effect.Effect<A, Error> => Effect.try({ try: run, catch: asError })

/** Runs a step while holding `.coordination.lock`. */
const coordinated = <A>(folder: string, flock: Flock, mode: number, step: () => A): Effect.Effect<A, Error> => {
  const once = attempt((): { readonly value: A } | undefined => {
    const descriptor = opened(Path.join(folder, ".coordination.lock"))
    try {
      return flock(descriptor, mode | NonBlocking) ? { value: step() } : undefined
    } finally {
      Fs.closeSync(descriptor)
    }
  })
  const patient: Effect.Effect<A, Error> = Effect.flatMap(once, (done) =>
    done === undefined ? Effect.andThen(Effect.sleep(CoordinationPause), patient) : Effect.succeed(done.value)
  )
  return Effect.timeoutOrElse(patient, {
    duration: CoordinationPatience,
    orElse: () => Effect.fail(new Error(`another program keeps ${Path.join(folder, ".coordination.lock")} locked`))
  })
}

export interface Locks {
  /** Takes the lock of a thread; the result frees it. Fails with `Locked` or `CannotLock`. */
  readonly acquire: (threadId: string) => Effect.Effect<Effect.Effect<void>, Error>
}

/** The locks of a home. `loading` is for tests. */
export const make = Effect.fnUntraced(function* (
  home: string,
  loading: Effect.Effect<Flock, CannotLock> = loadFlock
): Effect.fn.Return<Locks> {
  const loaded = yield* Effect.cached(loading)

  const free = (folder: string, flock: Flock, threadId: string, descriptor: number) =>
    coordinated(folder, flock, Exclusive, () => Fs.rmSync(Path.join(folder, `${threadId}.lock`), { force: true })).pipe(
      Effect.ignore,
      Effect.ensuring(Effect.sync(() => Fs.closeSync(descriptor))),
      Effect.uninterruptible
    )

  const acquire = Effect.fnUntraced(function* (threadId: string) {
    const flock = yield* loaded
    const folder = yield* attempt(() => makeFolder(home, "thread-writer-locks"))
    const descriptor = yield* coordinated(folder, flock, Shared, () => {
      const descriptor = opened(Path.join(folder, `${threadId}.lock`))
      if (flock(descriptor, Exclusive | NonBlocking)) return descriptor
      Fs.closeSync(descriptor)
      throw new Locked(threadId)
    })
    return free(folder, flock, threadId, descriptor)
  })

  return { acquire: (threadId) => Effect.uninterruptible(acquire(threadId)) }
})
