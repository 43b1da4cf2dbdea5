/**
 * Which shell runs a command.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

/** Shells that take `-c`; a user with another one gets bash. */
const Known = new Set(["bash", "zsh", "sh", "dash", "ksh"])
const Directories = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]

/** The user's login shell, as an absolute path. */
export const userShell = (): string => {
  const own = ownShell()
  return own !== undefined && Known.has(Path.basename(own)) && isExecutable(own) ? own : (located("bash") ?? "/bin/sh")
}

/** The shell of this name or path, as an absolute path; `/bin/sh` when there is none, as in the release. */
export const namedShell = (shell: string): string => {
  if (Path.isAbsolute(shell) && isExecutable(shell)) return shell
  const name = Path.basename(shell)
  return (Known.has(name) ? located(name) : undefined) ?? "/bin/sh"
}

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
