/**
 * The port to small files: configuration, credentials, instructions, rules, images. The server reads every file that it
 * reads completely through this port.
 *
 * Owns the rules of such a read: a regular file after links are followed, inside the folder that the caller requires, no
 * larger than the caller allows, no kernel file when a client named the path, and no waiting for a device, a pipe or a file
 * system that does not respond. Does not own the meaning of a file, nor writing.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Equal stamps mean an unchanged file. An edit in place, of the same length and within one clock tick, is not detected. */
export interface FileStamp {
  /** Unix time in milliseconds, with the platform's precision; NaN when there is none. */
  readonly modified: number
  /** Bytes. */
  readonly size: number
  /** Number of the file in its file system. */
  readonly inode: number
}

/**
 * Who chose the path. `server`: a file of the server's home or machine, or of its command line. `client`: a file in a folder
 * that a request names. Operations on paths from clients never block the event loop, not even to read a stamp.
 */
export type NamedBy = "server" | "client"

/**
 * A file exists and is not read. `notRegular`: a folder, device, pipe or socket. `tooLarge`: more than `maxBytes` bytes.
 * `notText`: not UTF-8. `outside`: not in the required folder. `kernel`: a file of `/proc`, `/sys` or similar, named by a
 * client. `slow`: the file system did not respond in time. `denied`: permission denied. `unreadable`: any other error.
 */
export class SmallFileError extends Schema.TaggedError<SmallFileError>()("SmallFileError", {
  reason: Schema.Literals(["notRegular", "tooLarge", "notText", "outside", "kernel", "slow", "denied", "unreadable"]),
  path: Schema.String,
  /** For `tooLarge`. */
  maxBytes: Schema.optionalKey(Schema.Int),
  /** The system's error code, such as `ELOOP`. */
  code: Schema.optionalKey(Schema.String)
}) {
  /** The problem, without the path. */
  get detail(): string {
    switch (this.reason) {
      case "notRegular":
        return "not a regular file"
      case "tooLarge":
        return `larger than ${this.maxBytes} bytes`
      case "notText":
        return "not UTF-8 text"
      case "outside":
        return "it is a link to a file outside the project"
      case "kernel":
        return "it is a file of the kernel, as in /proc or /sys"
      case "slow":
        return "the file system does not answer"
      case "denied":
        return "permission denied"
      case "unreadable":
        return this.code === undefined ? "cannot be read" : `cannot be read (${this.code})`
    }
  }

  override get message(): string {
    return `${this.path}: ${this.detail}`
  }
}

/** Limits of a read. */
export interface ReadOptions {
  /** A larger file fails as `tooLarge`, also when it grows while it is read. */
  readonly maxBytes: number
  /** Who chose the path. */
  readonly namedBy: NamedBy
  /**
   * The folder that must contain the file after links are followed; the folder itself may be a link. Other files fail as
   * `outside`. Hard links are not detected. Default: the file may be anywhere.
   */
  readonly within?: string
}

/** The beginning of a file. */
export interface Head {
  /** At most `maxBytes`. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** False when the file is longer. */
  readonly whole: boolean
  /** Size of the whole file in bytes as far as known: at least the number of bytes read. */
  readonly size: number
}

/** The port to configuration files and similar: regular files of a limited size that are read as a whole. */
export class SmallFiles extends Context.Service<
  SmallFiles,
  {
    /** The stamp of a file of any kind; undefined when it does not exist. Follows links. */
    readonly stamp: (path: string, namedBy: NamedBy) => Effect.Effect<FileStamp | undefined, SmallFileError>
    /** Which of these paths, named by a client, exist. Paths that cannot be accessed count as missing. */
    readonly exist: (paths: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<boolean>>
    /** The first bytes; undefined when the file does not exist. Never fails with `tooLarge`. */
    readonly head: (path: string, options: ReadOptions) => Effect.Effect<Head | undefined, SmallFileError>
  }
>()("spindle/SmallFiles") {}

/** The whole file; undefined when it does not exist. */
export const bytes = (
  files: SmallFiles["Service"],
  path: string,
  options: ReadOptions
): Effect.Effect<Uint8Array<ArrayBuffer> | undefined, SmallFileError> =>
  Effect.flatMap(files.head(path, options), (head) =>
    head === undefined || head.whole
      ? Effect.succeed(head?.bytes)
      : Effect.fail(new SmallFileError({ reason: "tooLarge", path, maxBytes: options.maxBytes }))
  )

/** The whole text, without a byte order mark; undefined when the file does not exist. */
export const text = (
  files: SmallFiles["Service"],
  path: string,
  options: ReadOptions
): Effect.Effect<string | undefined, SmallFileError> =>
  Effect.flatMap(bytes(files, path, options), (read) =>
    read === undefined
      ? Effect.undefined
      : Effect.try({
          try: () => new TextDecoder("utf-8", { fatal: true }).decode(read),
          catch: () => new SmallFileError({ reason: "notText", path })
        })
  )
