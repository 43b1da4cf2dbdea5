/**
 * A view of the file system in which `/etc/codex` is a folder of the test: the released server reads an organisation's
 * requirements only there.
 *
 * The server gets its own mount namespace with a read-only overlay of the real `/etc`, which is never written to. Root
 * creates one directly; other users need user namespaces.
 *
 * @module
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"

const script = `mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && exec "$@"`

/** A command that sees the files of `etc` over those of `/etc`. */
export const within = (etc: string, command: ReadonlyArray<string>): readonly [string, ...ReadonlyArray<string>] => [
  "unshare",
  ...(process.getuid?.() === 0 ? ["--mount"] : ["--mount", "--user", "--map-root-user"]),
  "sh",
  "-c",
  script,
  etc,
  ...command
]

/** Why this machine cannot create such a view; undefined when it can. */
export const obstacle = (): string | undefined => {
  const etc = mkdtempSync(join(tmpdir(), "spindle-etc-"))
  try {
    mkdirSync(join(etc, "codex"))
    writeFileSync(join(etc, "codex", "probe"), "seen")
    const [program, ...args] = within(etc, ["cat", "/etc/codex/probe", "/etc/passwd"])
    const { error, stderr, stdout } = spawnSync(program, args, { encoding: "utf8" })
    if (error !== undefined) return error.message
    return stdout.startsWith("seen") ? undefined : `unshare: ${stderr.trim()}`
  } finally {
    rmSync(etc, { recursive: true, force: true })
  }
}
