/**
 * Clients of this machine and this user: `--listen unix://PATH`.
 *
 * Owns the socket file: its path, its permissions, the handling of an existing file, and its removal at the end. A server
 * removes only its own file, never one that another server has put in its place: the socket is bound under another name and
 * renamed, because the system's clean-up uses only the name. Access to the file is the only authentication.
 *
 * @module
 */
import * as Net from "node:net"
import process from "node:process"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as SmallFiles from "../../services/config/SmallFiles.ts"
import type { Admission } from "./HttpScreen.ts"
import * as Listener from "./SocketListener.ts"
import { Limits, type ConnectionLimits } from "./ConnectionLimits.ts"

/**
 * The socket cannot be created. `AddrInUse`: a server answers there. `AlreadyExists`: the path is not a socket. `Unusable`:
 * the path is too long, or the file system refuses it.
 */
export class UnixSocketError extends Schema.TaggedError<UnixSocketError>()("UnixSocketError", {
  kind: Schema.Literals(["AddrInUse", "AlreadyExists", "Unusable"]),
  path: Schema.String,
  detail: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    switch (this.kind) {
      case "AddrInUse":
        return `app-server control socket is already in use at ${this.path}`
      case "AlreadyExists":
        return `app-server control socket path exists and is not a socket: ${this.path}`
      case "Unusable":
        return `invalid unix socket --listen URL \`unix://${this.path}\`; ${this.detail ?? "it cannot be used"}`
    }
  }
}

/** The default path of the socket. */
export const defaultPath = (path: Path.Path, home: string): string =>
  path.join(home, "app-server-control", "app-server-control.sock")

/** Maximum length of a socket path in bytes, without the terminating byte. */
const MaxPathBytes = process.platform === "darwin" ? 103 : 107

const unusable = (path: string, error: PlatformError) =>
  new UnixSocketError({ kind: "Unusable", path, detail: `failed to prepare the socket path: ${error.reason._tag}` })

/** Whether a server listens at the path. A busy server that accepts no connection now counts. */
const isAnswered = (path: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = Net.connect(path)
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code === "EAGAIN")))
    return Effect.sync(() => socket.destroy())
  })

/** Removes a stale socket of a server that no longer runs. */
const clear = Effect.fnUntraced(function* (path: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const info = yield* Effect.option(fileSystem.stat(path))
  // A dangling link remains of a server that kept its socket elsewhere.
  const isLink = Option.isSome(yield* Effect.option(fileSystem.readLink(path)))
  if (Option.isNone(info) && !isLink) return
  if (Option.isSome(info) && info.value.type !== "Socket") {
    return yield* new UnixSocketError({ kind: "AlreadyExists", path })
  }
  if (yield* isAnswered(path)) return yield* new UnixSocketError({ kind: "AddrInUse", path })
  yield* fileSystem.remove(path)
})

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** A start takes milliseconds, so an older lock is stale. */
const LockPatience = Duration.seconds(5)

/** Maximum time that an ending server waits for a starting one. */
const EndPatience = Duration.seconds(1)

/** Maximum number of bytes read from a lock, which holds a process id. */
const MaxOwnerBytes = 32

const lockOf = (path: Path.Path, folder: string): string => path.join(folder, "app-server-startup.lock")

/**
 * Holds a lock during the start, so that the second of two concurrent servers does not take the first one's new socket for
 * stale. `orElse` runs when the lock stays held for longer than `patience`.
 */
const lock = Effect.fnUntraced(function* <A, E, R>(
  file: string,
  patience: Duration.Duration,
  orElse: (remove: Effect.Effect<void>) => Effect.Effect<A, E, R>
) {
  const fileSystem = yield* FileSystem.FileSystem
  const files = yield* SmallFiles.SmallFiles
  const take = fileSystem.writeFileString(file, String(process.pid), { flag: "wx", mode: 0o600 })
  const isLeft = Effect.map(
    Effect.orElseSucceed(SmallFiles.text(files, file, { maxBytes: MaxOwnerBytes, namedBy: "server" }), () => ""),
    (owner) => owner !== undefined && owner !== "" && !isAlive(Number(owner))
  )
  const remove = Effect.ignore(fileSystem.remove(file))
  const attempt = Effect.catchReason(take, "PlatformError", "AlreadyExists", (_, error) =>
    Effect.andThen(Effect.when(remove, isLeft), Effect.fail(error))
  )
  // A stop of the server interrupts the wait.
  yield* Effect.acquireRelease(attempt, () => remove).pipe(
    Effect.retry({
      schedule: Schedule.spaced("50 millis"),
      while: (error) => error.reason._tag === "AlreadyExists"
    }),
    Effect.asVoid,
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.asVoid(orElse(remove)) })
  )
})

/**
 * Makes the missing folders of the path with private permissions. Node's recursive `mkdir` does not terminate on a file
 * system that cannot create folders, such as `/proc`.
 */
const makeFolders = (
  fileSystem: FileSystem.FileSystem,
  paths: Path.Path,
  folder: string
): Effect.Effect<void, PlatformError> => {
  const make = Effect.catchReason(
    fileSystem.makeDirectory(folder, { mode: 0o700 }),
    "PlatformError",
    "AlreadyExists",
    () => Effect.void
  )
  const parent = paths.dirname(folder)
  if (parent === folder) return make
  return Effect.catchReason(make, "PlatformError", "NotFound", () =>
    Effect.andThen(makeFolders(fileSystem, paths, parent), make)
  )
}

/** The folder and path of the socket. */
const prepare = Effect.fnUntraced(function* (path: string, isOwnFolder: boolean) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = paths.dirname(path)
  yield* makeFolders(fileSystem, paths, folder)
  if (isOwnFolder) yield* fileSystem.chmod(folder, 0o700)
  yield* lock(lockOf(paths, folder), LockPatience, (remove) => Effect.addFinalizer(() => remove))
  yield* clear(path)
})

/** Web pages cannot open a file, and only the user can. */
const everybody: Admission = { allowedOrigins: undefined, authorize: undefined }

/** Maximum length in bytes of the temporary name under which a socket is bound. */
const NameBytes = 12

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

/** A free path in the same folder that is not longer. */
const besides = Effect.fnUntraced(function* (path: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const length = Math.min(NameBytes, Buffer.byteLength(paths.basename(path)))
  while (true) {
    let name = ""
    while (name.length < length)
      name += letters[yield* Random.nextIntBetween(0, letters.length, { halfOpen: true })] ?? ""
    const candidate = paths.join(paths.dirname(path), name)
    if (candidate !== path && !(yield* fileSystem.exists(candidate))) return candidate
  }
})

const isSame = (one: FileSystem.File.Info, other: FileSystem.File.Info): boolean =>
  one.dev === other.dev && Option.getOrUndefined(one.ino) === Option.getOrUndefined(other.ino)

/** Removes the file unless another server owns it now. If another server is starting, the file stays and is replaced by it. */
const removeOwn = Effect.fnUntraced(
  function* (path: string, own: FileSystem.File.Info) {
    const fileSystem = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    yield* lock(lockOf(paths, paths.dirname(path)), EndPatience, () => Effect.fail("busy" as const))
    if (isSame(yield* fileSystem.stat(path), own)) yield* fileSystem.remove(path)
  },
  Effect.scoped,
  (removing) => Effect.ignore(removing),
  // Interruptible although a finalizer runs it, so that the wait can end.
  Effect.interruptible
)

/** Binds a socket, makes it private and renames it to its path. */
const bind = Effect.fnUntraced(function* (path: string, limits: ConnectionLimits) {
  const fileSystem = yield* FileSystem.FileSystem
  const bound = yield* besides(path)
  const listener = yield* Listener.make({
    listen: { path: bound },
    url: `unix://${path}`,
    origin: "unixSocket",
    admission: everybody,
    limits
  })
  yield* fileSystem.chmod(bound, 0o600)
  const own = yield* fileSystem.stat(bound)
  yield* fileSystem.rename(bound, path)
  const remove = yield* Effect.cached(
    Effect.provideContext(
      removeOwn(path, own),
      yield* Effect.context<FileSystem.FileSystem | Path.Path | SmallFiles.SmallFiles>()
    )
  )
  yield* Effect.addFinalizer(() => remove)
  return {
    ...listener,
    address: path,
    refuse: Effect.andThen(remove, listener.refuse)
  } satisfies Listener.SocketListener
})

export interface UnixSocketOptions {
  /** Default: under `home`. A relative path is relative to the working directory. */
  readonly path: string | undefined
  /** The server's home folder. */
  readonly home: string
  readonly limits?: ConnectionLimits
}

/** Listens until the scope closes. */
export const serve = Effect.fnUntraced(function* (options: UnixSocketOptions) {
  const paths = yield* Path.Path
  const path = paths.resolve(options.path ?? defaultPath(paths, options.home))
  const bytes = Buffer.byteLength(path)
  if (bytes > MaxPathBytes) {
    const detail = `the path is ${bytes} bytes long, the limit is ${MaxPathBytes}`
    return yield* new UnixSocketError({ kind: "Unusable", path, detail })
  }
  const starting = Effect.gen(function* () {
    const scope = yield* Effect.scope
    // The lock is held during the start only; the listener lives in the outer scope.
    return yield* Effect.scoped(
      Effect.gen(function* () {
        yield* prepare(path, options.path === undefined)
        const { limits = yield* Limits } = options
        return yield* Scope.provide(bind(path, limits), scope)
      })
    )
  })
  const listener = yield* Effect.catchTag(starting, "PlatformError", (error) => Effect.fail(unusable(path, error)))
  return { ...listener, path }
})
