/**
 * The commands of a thread that still run: `thread/backgroundTerminals/*`.
 *
 * A command that a turn waits for is among them; a command of `thread/shellCommand` is not. Whoever terminates a command, its
 * item is completed as failed, and published like any other.
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type { Handler, HandlersFor } from "../../services/connection/Handlers.ts"
import { invalidRequest, type RequestError } from "../../services/routing/RequestError.ts"
import { pageSize } from "../../services/thread/HistoryPages.ts"
import { Threads } from "../../services/thread/Threads.ts"
import type { ShellSession, ThreadShell } from "../../services/tool/ShellSessions.ts"

/** More commands than a thread can have. */
const WholeList = 1000

const MaxId = 2 ** 31 - 1

/** Reads an `i32`. The texts are those of the released server. */
const integer = (text: string, what: string): Effect.Effect<number, RequestError> => {
  const fail = (problem: string) => Effect.fail(invalidRequest(`invalid ${what}: ${problem}`))
  if (text === "") return fail("cannot parse integer from empty string")
  if (!/^[+-]?\d+$/.test(text)) return fail("invalid digit found in string")
  const value = Number(text)
  if (value > MaxId) return fail("number too large to fit in target type")
  return value < -MaxId - 1 ? fail("number too small to fit in target type") : Effect.succeed(value)
}

const toTerminal = ({ command, cwd, itemId, processId }: ShellSession) => ({
  itemId,
  processId,
  command,
  cwd,
  osPid: null,
  cpuPercent: null,
  rssKb: null
})

const terminateAll = (shell: ThreadShell): Effect.Effect<void> =>
  Effect.flatMap(shell.sessions, (sessions) =>
    Effect.forEach(sessions, ({ processId }) => shell.terminate(processId), { discard: true })
  )

export const make: Effect.Effect<
  HandlersFor<
    "thread/backgroundTerminals/list" | "thread/backgroundTerminals/terminate" | "thread/backgroundTerminals/clean"
  >,
  never,
  Threads
> = Effect.gen(function* () {
  const threads = yield* Threads

  // A cursor is the id of the last command of a page, so a command that ends meanwhile moves no other.
  const list: Handler<"thread/backgroundTerminals/list"> = Effect.fnUntraced(function* ({ cursor, limit, threadId }) {
    const thread = yield* threads.get(threadId)
    const after = cursor == null ? undefined : yield* integer(cursor, "cursor")
    const sessions = (yield* thread.shell.sessions)
      .filter(({ processId }) => after === undefined || Number(processId) > after)
      .sort((one, other) => Number(one.processId) - Number(other.processId))
    const data = sessions.slice(0, pageSize(limit, WholeList, WholeList)).map(toTerminal)
    const nextCursor = data.length < sessions.length ? (data.at(-1)?.processId ?? null) : null
    return { data, nextCursor }
  })

  const terminate: Handler<"thread/backgroundTerminals/terminate"> = Effect.fnUntraced(function* (params) {
    const thread = yield* threads.get(params.threadId)
    const processId = yield* integer(params.processId, "background terminal process id")
    return { terminated: yield* thread.shell.terminate(String(processId)) }
  })

  const clean: Handler<"thread/backgroundTerminals/clean"> = Effect.fnUntraced(function* ({ threadId }) {
    const thread = yield* threads.get(threadId)
    yield* terminateAll(thread.shell)
    return {}
  })

  return {
    "thread/backgroundTerminals/list": list,
    "thread/backgroundTerminals/terminate": terminate,
    "thread/backgroundTerminals/clean": clean
  }
})
