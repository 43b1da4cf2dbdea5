/**
 * The port to small files: configuration, credentials, instructions, rules, images. Everything that the server reads whole
 * is read through it.
 *
 * Owns the rule of such a read: a regular file after links are followed, in the folder that the caller demands, no more bytes
 * than the caller allows, no file of the kernel where a client named the path, and no wait for a device, a pipe or a file
 * system that does not answer. Does not own what a file means, nor writing.
 *
 * @module
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Equal stamps, equal file: an edit in place, of the same length and within one tick of the clock, goes unnoticed. */
export interface FileStamp {
  /** Unix time in milliseconds, as exact as the platform has it; NaN where it has none. */
  readonly modified: number
  /** Bytes. */
  readonly size: number
  readonly inode: number
}

/**
 * Who chose the path. `server`: a file of the server's own home or machine, or of its command line. `client`: a file in a
 * folder that a request names. Nothing that a client names is waited for on the event loop, not even a stamp.
 */
export type NamedBy = "server" | "client"

/**
 * A file is there and is not read. `notRegular`: a folder, device, pipe or socket. `tooLarge`: more bytes than `maxBytes`.
 * `notText`: not UTF-8. `outside`: not below the folder that it has to be in. `kernel`: named by a client, and a file of
 * `/proc`, `/sys` or the like. `slow`: the file system did not answer in time. `denied`: the permissions forbid it.
 * `unreadable`: anything else.
 */
export class SmallFileError extends Schema.TaggedError<SmallFileError>()("SmallFileError", {
  reason: Schema.Literals(["notRegular", "tooLarge", "notText", "outside", "kernel", "slow", "denied", "unreadable"]),
  path: Schema.String,
  /** Of `tooLarge`. */
  maxBytes: Schema.optionalKey(Schema.Int),
  /** The system's name for the error, such as `ELOOP`. */
  code: Schema.optionalKey(Schema.String)
}) {
  /** What is wrong, without the path. */
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

export interface ReadOptions {
  /** A longer file fails as `tooLarge`, also one that grows while it is read. */
  readonly maxBytes: number
  readonly namedBy: NamedBy
  /**
   * The folder that the file has to be in, or below, after links are followed; the folder itself may be a link. Other files
   * fail as `outside`. A hard link cannot be told from the file. Default: the file may be anywhere.
   */
  readonly within?: string
}

/** The beginning of a file. */
export interface Head {
  /** At most `maxBytes`. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** False where the file goes on. */
  readonly whole: boolean
  /** Bytes of the whole file as far as is known: no less than what was read. */
  readonly size: number
}

export class SmallFiles extends Context.Service<
  SmallFiles,
  {
    /** How the file looks now, whatever kind of file it is; undefined where there is none. Follows links. */
    readonly stamp: (path: string, namedBy: NamedBy) => Effect.Effect<FileStamp | undefined, SmallFileError>
    /** Which of these paths, named by a client, exist. What cannot be looked at does not. */
    readonly exist: (paths: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<boolean>>
    /** The first bytes; undefined where there is no such file. Never `tooLarge`. */
    readonly head: (path: string, options: ReadOptions) => Effect.Effect<Head | undefined, SmallFileError>
  }
>()("spindle/SmallFiles") {}

/** The whole file; undefined where there is no such file. */
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

/** The whole text, without a byte order mark; undefined where there is no such file. */
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
