/**
 * Why a file that the user named cannot be written, for users.
 *
 * @module
 */

const causes: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "its folder does not exist",
  ENOSPC: "no space is left on the device",
  ENOTDIR: "a part of its path is not a folder",
  ENXIO: "this pipe has no reader",
  EPERM: "permission denied",
  EPIPE: "this pipe has no reader any more",
  EROFS: "the file system is read-only"
}

/** The problem in the words of users. An error without a known code is its code, never a message with a path. */
export const problemOf = (error: unknown): string => {
  const code = error instanceof Error ? Reflect.get(error, "code") : undefined
  return typeof code === "string" ? (causes[code] ?? code) : "unknown error"
}
