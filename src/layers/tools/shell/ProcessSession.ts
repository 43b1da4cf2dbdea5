/**
 * Kills the processes of a session: those of a terminal, in whatever process group a shell has put them.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs/promises"
import process from "node:process"

/** A process may fork while it is searched for, so the search is repeated this often at most. */
const MaxRounds = 20

/** Number of files that are read at a time. */
const Concurrency = 16

/** The session of a live process, from the text of `/proc/<id>/stat`; undefined for a zombie. */
export const sessionIn = (stat: string): number | undefined => {
  // The name of the program, in parentheses, may contain any character.
  const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return state === "Z" || state === "X" || session === undefined ? undefined : Number(session)
}

const killIfMember = async (id: string, session: number): Promise<boolean> => {
  try {
    if (sessionIn(await Fs.readFile(`/proc/${id}/stat`, "latin1")) !== session) return false
    process.kill(Number(id), "SIGKILL")
    return true
  } catch {
    // It has ended, or belongs to another user.
    return false
  }
}

/** Kills the present members. False when there are none. */
const round = (session: number): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const names = yield* Effect.promise(() => Fs.readdir("/proc").catch((): Array<string> => []))
    const ids = names.filter((name) => /^\d+$/.test(name))
    const killed = yield* Effect.forEach(ids, (id) => Effect.promise(() => killIfMember(id, session)), {
      concurrency: Concurrency
    })
    return killed.includes(true)
  })

/** Kills every process of the session with this leader. Linux only: elsewhere the end of the terminal has to do. */
export const killSession = (leader: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (process.platform !== "linux") return
    for (let rounds = 0; rounds < MaxRounds; rounds++) {
      if (!(yield* round(leader))) return
    }
  })
