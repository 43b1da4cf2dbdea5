/**
 * Selects the shell of a command.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

/** Shells that take `-c`; a user with another one gets bash. */
const Known = new Set(["bash", "zsh", "sh", "dash", "ksh"])
/** Shells that the model may request, as in the release. */
const Kinds = new Set(["bash", "zsh", "sh"])
const Directories = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]

/** The user's login shell, as an absolute path. */
export const userShell = (): string => {
  const own = ownShell()
  return own !== undefined && Known.has(Path.basename(own)) && isExecutable(own) ? own : (located("bash") ?? "/bin/sh")
}

/**
 * The shell that a model requested. The name or path only selects its kind: the program is `own`, the thread's default
 * shell, if that has this kind, or else the one in a fixed folder. `/bin/sh` when there is none, as in the release.
 */
export const namedShell = (shell: string, own: string): string => {
  const kind = kindOf(shell)
  if (!Kinds.has(kind)) return "/bin/sh"
  return kindOf(own) === kind ? own : (located(kind) ?? "/bin/sh")
}

const kindOf = (shell: string): string => {
  const name = Path.basename(shell)
  return name.slice(0, name.length - Path.extname(name).length)
}

/**
 * True when no entry of a search path depends on the working folder of a command: otherwise a bare name could mean a file of
 * the project.
 */
export const isFixedSearchPath = (path: string | undefined): boolean =>
  path !== undefined && path.split(Path.delimiter).every((entry) => Path.isAbsolute(entry))

const ownShell = (): string | undefined => {
  try {
    return Os.userInfo().shell ?? undefined
  } catch {
    // A user id without an entry in the user database, as in many containers.
    return undefined
  }
}

const located = (name: string): string | undefined =>
  Directories.map((directory) => `${directory}/${name}`).find(isExecutable)

const isExecutable = (path: string): boolean => {
  try {
    Fs.accessSync(path, Fs.constants.X_OK)
    return true
  } catch {
    return false
  }
}
