/**
 * The adapter for bubblewrap: namespaces of mounts, processes, IPC and network, without capabilities.
 *
 * Owns the arguments of `bwrap`. The file system is read-only except for the writable roots of the policy, with their
 * protected paths; `/dev` and `/proc` are new. A filter of system calls (`Seccomp`) closes what namespaces leave open. Every
 * process of a command ends with the command or with the server.
 *
 * @module
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { AccessEntry } from "../../services/sandbox/FileAccess.ts"
import type { SandboxedCommand } from "../../services/sandbox/Sandbox.ts"

/** How bubblewrap is run on this machine. */
export interface Bubblewrap {
  /** Absolute path of `bwrap`. */
  readonly executable: string
  /** False when only root without a user namespace can create the other namespaces. */
  readonly userNamespace: boolean
  /** Whether commands run as the machine's root user. */
  readonly root: boolean
  /** Paths of the filters of system calls. */
  readonly filters: { readonly network: string; readonly noNetwork: string }
}

/** What a command may do. */
export interface Terms {
  readonly entries: ReadonlyArray<AccessEntry>
  readonly network: boolean
}

/** Opens the filter and becomes bubblewrap. */
const launcher = `filter=$1; shift; exec "$0" "$@" 3<"$filter"`

/** Rewrites a command so that it runs in the sandbox. */
export const wrap = (bubblewrap: Bubblewrap, command: SandboxedCommand, terms: Terms): SandboxedCommand => ({
  executable: "/bin/sh",
  args: [
    "-c",
    launcher,
    bubblewrap.executable,
    terms.network ? bubblewrap.filters.network : bubblewrap.filters.noNetwork,
    "--seccomp",
    "3",
    ...isolation(bubblewrap, terms, command.terminal === true),
    ...mounts(terms.entries),
    // The settings of the kernel belong to root, which needs no capability to write them.
    ...(bubblewrap.root ? ["--remount-ro", "/proc"] : []),
    "--",
    command.executable,
    ...command.args
  ],
  cwd: command.cwd,
  env: terms.network ? command.env : { ...command.env, ...NetworkDisabled }
})

/** Tells programs that the network is off, as in the released server. */
export const NetworkDisabled = { CODEX_SANDBOX_NETWORK_DISABLED: "1" } as const

/** A command in a terminal of its own keeps its session, because a shell controls its jobs through the terminal of its session. */
const isolation = ({ userNamespace }: Bubblewrap, { network }: Terms, terminal: boolean): ReadonlyArray<string> => [
  ...(terminal ? [] : ["--new-session"]),
  "--die-with-parent",
  ...(userNamespace ? ["--unshare-user"] : []),
  "--unshare-pid",
  "--unshare-ipc",
  ...(network ? [] : ["--unshare-net"]),
  "--cap-drop",
  "ALL"
]

/** The mounts, parents first. `/proc` comes last, so that no root replaces it. */
const mounts = (entries: ReadonlyArray<AccessEntry>): ReadonlyArray<string> => {
  const isRootWritable = entries.some(({ access, path }) => path === "/" && access === "write")
  return [
    isRootWritable ? "--bind" : "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    ...entries.filter(({ path }) => path !== "/").flatMap(mount),
    "--proc",
    "/proc"
  ]
}

const mount = ({ access, kind, path }: AccessEntry): ReadonlyArray<string> => {
  if (kind === "missing") return ["--perms", "0555", "--tmpfs", path, "--remount-ro", path]
  return [access === "write" ? "--bind" : "--ro-bind", path, path]
}

/** Leaves out missing names in folders that the user cannot write, because nothing can be created there. */
export const mountable = (entries: ReadonlyArray<AccessEntry>): ReadonlyArray<AccessEntry> =>
  entries.filter(({ kind, path }) => kind !== "missing" || isWritable(Path.dirname(path)))

const isWritable = (path: string): boolean => {
  try {
    Fs.accessSync(path, Fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}
