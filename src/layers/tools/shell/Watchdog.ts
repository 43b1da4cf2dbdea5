/**
 * Kills the commands of a server that has died, including processes that left their group.
 *
 * A shell script in its own session reads from a pipe which process groups run. The server holds the other end: when it
 * closes, however the server ended, the script kills every registered group. On Linux it then kills processes that left
 * their group, found by a mark in the environment of every command; a process that has cleared its environment is not found.
 * The same sweep runs for the commands of one thread when the thread closes.
 *
 * Owns the script's process: started with the first command and replaced when it exits. At an orderly end of the server the
 * owner of each command ends its group, and the script's last sweep finds the others.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ChildProcess from "node:child_process"
import * as Crypto from "node:crypto"
import * as Net from "node:net"
import type { Writable } from "node:stream"

/** The variable that marks the processes of a server. */
export const Mark = "SPINDLE_SERVER_ID"

/** Maximum number of unread bytes before a script that does not read is replaced. */
const MaxUnread = 64 * 1024

/** Maximum number of replacements without a new command. */
const MaxReplacements = 3

/** Time limit for the last sweep at the end of the server. */
const SweepTimeout = "1 second"

/**
 * Lines are `+TOKEN GROUP`, `-TOKEN` and `=THREAD`, which sweeps a thread. The mark is `$0`; it must not be in the
 * environment of the script itself. Killing repeats, since a process may have forked meanwhile.
 */
const script = `
exec 2>/dev/null
trap '' HUP INT QUIT TERM TSTP TTIN TTOU
sweep() {
  round=0
  while [ "$round" -lt 50 ]; do
    files=$(grep -lsF -- "$1" /proc/[0-9]*/environ)
    [ -n "$files" ] || break
    for file in $files; do
      file=\${file#/proc/}
      kill -s KILL "\${file%/environ}"
    done
    round=$((round + 1))
  done
}
groups=' '
while read -r token group; do
  case $token in
    =*) sweep "$0.\${token#=}." ;;
    +*) groups="$groups\${token#+}:$group " ;;
    -*)
      case $groups in *" \${token#-}:"*)
        rest=\${groups#*" \${token#-}:"}
        groups="\${groups%%" \${token#-}:"*} \${rest#* }"
      esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-\${group#*:}"; done
sweep "$0"
`

/** The registration of one command. */
export interface Registration {
  /** A shell command for the child, to be run before it becomes the command: registers its own group on descriptor 3. */
  readonly enter: string
  /** Descriptor 3 of the child. */
  readonly descriptor: Writable | "ignore"
  /** Called when the child runs. */
  readonly started: (group: number) => void
  /** Called when no process of the group remains, or the child was never started. */
  readonly ended: () => void
}

/** Waits until the process has exited or was never started. Keeps the program running meanwhile. */
const exitOf = (child: ChildProcess.ChildProcess): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    const gone = (): void => resume(Effect.void)
    child.once("exit", gone).once("error", gone)
    child.ref()
    return Effect.sync(() => {
      child.unref()
      child.off("exit", gone).off("error", gone)
    })
  })

/** The commands of one thread. */
export interface Marked {
  /** Variables for the environment of every command. */
  readonly environment: Readonly<Record<string, string>>
  /** Registers a command before its start, and starts the script if necessary. */
  readonly register: () => Registration
}

export class Watchdog {
  readonly #mark: string
  readonly #running = new Map<number, number>()
  #child: ChildProcess.ChildProcess | undefined
  #pipe: Net.Socket | undefined
  #replacements = 0
  #tokens = 0
  #threads = 0
  #closed = false

  constructor() {
    this.#mark = `${Mark}=${Crypto.randomBytes(16).toString("hex")}`
  }

  /**
   * Creates a mark for the commands of one thread. When the scope closes, the script kills marked processes shortly after;
   * nothing waits for it.
   */
  readonly thread: Effect.Effect<Marked, never, Scope.Scope> = Effect.acquireRelease(
    Effect.sync(() => {
      const id = ++this.#threads
      const environment = { [Mark]: `${this.#mark.slice(Mark.length + 1)}.${id}.` }
      let used = false
      const register = (): Registration => {
        used = true
        return this.#register()
      }
      const sweep = (): void => {
        if (!used || this.#closed) return
        if (!this.#isServing) this.#launch()
        this.#send(`=${id}\n`)
      }
      return { environment, register, sweep }
    }),
    ({ sweep }) => Effect.sync(sweep)
  )

  #register(): Registration {
    const token = ++this.#tokens
    this.#replacements = MaxReplacements
    if (!this.#isServing) this.#launch()
    return {
      // Ignoring SIGPIPE is for this line alone: the command would inherit it.
      enter: `trap '' PIPE; printf '+${token} %s\\n' "$$" >&3; trap - PIPE`,
      descriptor: this.#isServing && this.#pipe !== undefined ? this.#pipe : "ignore",
      started: (group) => void this.#running.set(token, group),
      ended: () => {
        if (this.#running.delete(token)) this.#send(`-${token}\n`)
      }
    }
  }

  /** The process of the script; undefined when it does not run. */
  get processId(): number | undefined {
    return this.#child?.pid
  }

  /**
   * Stops the registration of commands. A new script does the last sweep, because the running one may be busy, stopped or
   * gone. Does nothing when there was no command.
   */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#closed || this.#tokens === 0) return Effect.void
    const before = this.#child
    const pipe = this.#pipe
    this.#launch()
    this.#closed = true
    const swept = this.#child === undefined ? Effect.void : exitOf(this.#child)
    before?.kill("SIGKILL")
    pipe?.destroy()
    this.#pipe?.end()
    return Effect.all([swept, before === undefined ? Effect.void : exitOf(before)], { discard: true }).pipe(
      Effect.timeoutOrElse({
        duration: SweepTimeout,
        orElse: () => Effect.logWarning("processes that left the group of their command may still run")
      })
    )
  })

  get #isServing(): boolean {
    return this.#pipe !== undefined && this.#pipe.writable
  }

  #send(line: string): void {
    if (!this.#isServing) return
    this.#pipe?.write(line)
    // A stopped script does not read its lines.
    if ((this.#pipe?.writableLength ?? 0) > MaxUnread) this.#child?.kill("SIGKILL")
  }

  #launch(): void {
    if (this.#closed) return
    const child = ChildProcess.spawn("/bin/sh", ["-c", script, this.#mark], {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin" },
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      windowsHide: true
    })
    const pipe = child.stdin instanceof Net.Socket ? child.stdin : undefined
    this.#child = child
    this.#pipe = pipe
    // Neither keeps the program running. Lines that a dead script did not read are sent to the next one.
    child.unref()
    pipe?.unref().on("error", () => {})
    const gone = (): void => {
      if (this.#child !== child) return
      this.#child = undefined
      this.#pipe = undefined
      pipe?.destroy()
      if (this.#running.size > 0 && this.#replacements-- > 0) this.#launch()
    }
    child.once("exit", gone).once("error", gone)
    for (const [token, group] of this.#running) this.#send(`+${token} ${group}\n`)
  }
}

/** A watchdog for the commands of one server. Nothing is started before the first command. */
export const make: Effect.Effect<Watchdog, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => new Watchdog()),
  (watchdog) => watchdog.close
)
