/**
 * Clients of this machine and this user: `--listen unix://PATH`.
 *
 * Owns the socket's file: where it is, that it is private, what is done about one that is there already, and that it is gone
 * when the server is. A server removes only the file that it made, never one that another server has put in its place: the
 * socket is bound under another name and renamed, because the system's own clean-up goes by the name alone. Whoever can open
 * the file may connect; nothing else is asked.
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
 * The socket cannot be where it should. `AddrInUse`: a server answers there. `AlreadyExists`: something is there that is no
 * socket. `Unusable`: the path is too long, or the file system does not let it be.
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

/** Where the socket is unless a path is given. */
export const defaultPath = (path: Path.Path, home: string): string =>
  path.join(home, "app-server-control", "app-server-control.sock")

/** Bytes of a path that the system takes, without the byte that ends it. */
const MaxPathBytes = process.platform === "darwin" ? 103 : 107

const unusable = (path: string, error: PlatformError) =>
  new UnixSocketError({ kind: "Unusable", path, detail: `failed to prepare the socket path: ${error.reason._tag}` })

/** Whether somebody listens there. A server that is busy and takes no connection for the moment counts. */
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

/** Makes the path free, if a server that is no more has left its socket there. */
const clear = Effect.fnUntraced(function* (path: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const info = yield* Effect.option(fileSystem.stat(path))
  // A link that leads nowhere is what is left of a server that keeps its socket elsewhere.
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

/** A start takes milliseconds: a lock that is kept for longer is one that somebody has left. */
const LockPatience = Duration.seconds(5)

/** A server that ends waits no longer for one that starts. */
const EndPatience = Duration.seconds(1)

/** Bytes of a lock that are read: it holds the id of a process. */
const MaxOwnerBytes = 32

const lockOf = (path: Path.Path, folder: string): string => path.join(folder, "app-server-startup.lock")

/**
 * Of two servers that start at the same time the second looks only when the first is there: it must not take it for gone.
 * `orElse` is run when somebody else keeps the lock for longer than `patience`.
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
  // Who stops the server meanwhile does not wait for it.
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
 * Makes the folder private, and those above it, where they are missing. Node's own way to make all of them never ends in a
 * file system that knows of no folder to make them in, such as `/proc`.
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

/** Folder and path as the socket needs them. */
const prepare = Effect.fnUntraced(function* (path: string, isOwnFolder: boolean) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = paths.dirname(path)
  yield* makeFolders(fileSystem, paths, folder)
  if (isOwnFolder) yield* fileSystem.chmod(folder, 0o700)
  yield* lock(lockOf(paths, folder), LockPatience, (remove) => Effect.addFinalizer(() => remove))
  yield* clear(path)
})

/** Web pages do not get to a file, and whoever does is the user. */
const everybody: Admission = { allowedOrigins: undefined, authorize: undefined }

/** Bytes of the name under which a socket is bound, where the path leaves room for them. */
const NameBytes = 12

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

/** A free path beside the other, and no longer. */
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

/** Removes the file unless it is another server's by now. While another one starts the file stays: that server replaces it. */
const removeOwn = Effect.fnUntraced(
  function* (path: string, own: FileSystem.File.Info) {
    const fileSystem = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    yield* lock(lockOf(paths, paths.dirname(path)), EndPatience, () => Effect.fail("busy" as const))
    if (isSame(yield* fileSystem.stat(path), own)) yield* fileSystem.remove(path)
  },
  Effect.scoped,
  (removing) => Effect.ignore(removing),
  // A finalizer runs it, and yet the wait has to end.
  Effect.interruptible
)

/** Binds a socket, makes it private and gives it its name. */
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
  /** Undefined is the default under `home`; a relative path counts from the working directory. */
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
    const detail = `the path is ${bytes} bytes long, the system takes ${MaxPathBytes}`
    return yield* new UnixSocketError({ kind: "Unusable", path, detail })
  }
  const starting = Effect.gen(function* () {
    const scope = yield* Effect.scope
    // The lock is for the start only; what is started is for the scope around it.
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
