/**
 * Errors of the operating system with the texts of the released server, which are those of musl's `strerror`.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Os from "node:os"
import { FileRequestError } from "../../../services/file/MachineFiles.ts"

const texts: Readonly<Record<string, string>> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  EIO: "I/O error",
  ENXIO: "No such device or address",
  EBADF: "Bad file descriptor",
  ENOMEM: "Out of memory",
  EACCES: "Permission denied",
  EBUSY: "Resource busy",
  EEXIST: "File exists",
  EXDEV: "Cross-device link",
  ENODEV: "No such device",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  EINVAL: "Invalid argument",
  ENFILE: "Too many open files in system",
  EMFILE: "No file descriptors available",
  ETXTBSY: "Text file busy",
  EFBIG: "File too large",
  ENOSPC: "No space left on device",
  EROFS: "Read-only file system",
  EMLINK: "Too many links",
  ENAMETOOLONG: "Filename too long",
  ENOTEMPTY: "Directory not empty",
  ELOOP: "Symbolic link loop",
  EDQUOT: "Quota exceeded",
  ESTALE: "Stale file handle"
}

const numbers: Readonly<Record<string, number | undefined>> = Os.constants.errno

/** The error for a client. A defect of the code is not one: it is thrown again. */
export const fromNode = (error: unknown): FileRequestError => {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  if (code === "ERR_INVALID_ARG_VALUE") return refused("file name contained an unexpected NUL byte")
  if (typeof code !== "string" || numbers[code] === undefined) throw error
  return new FileRequestError({ reason: "failed", detail: `${texts[code] ?? code} (os error ${numbers[code]})` })
}

/** The request asks for what is not supported. */
export const refused = (detail: string): FileRequestError => new FileRequestError({ reason: "refused", detail })

/** Runs a call of `node:fs/promises`. */
export const call = <A>(run: () => Promise<A>): Effect.Effect<A, FileRequestError> =>
  Effect.suspend(() =>
    Effect.tryPromise({ try: run, catch: (error) => error }).pipe(
      Effect.mapError((error) => fromNode(error)),
      Effect.uninterruptible
    )
  )
