/**
 * A client of a server program that accepts undeclared messages, because the compared servers need not agree on them.
 *
 * @module
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { createInterface } from "node:readline"

/** The parts of a message that the comparison reads. */
export interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly params?: Fields
  readonly result?: Fields
  readonly error?: { readonly code: number; readonly message: string }
}

export interface Fields {
  readonly [name: string]: unknown
}

/** The program exited before it answered. */
export class Gone extends Schema.TaggedError<Gone>()("Gone", { stderr: Schema.String }) {}

export interface Peer {
  readonly request: (method: string, params?: unknown) => Effect.Effect<Message, Gone>
  readonly answer: (id: number | string, result: object) => Effect.Effect<void>
  /** Notifications and requests about a thread, in order. */
  readonly about: (threadId: string) => Queue.Queue<Message>
  /** Ends the input and waits for the program to exit. */
  readonly end: Effect.Effect<void>
}

export interface Program {
  readonly command: readonly [string, ...ReadonlyArray<string>]
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
}

const start = ({ command: [name, ...args], cwd, environment }: Program) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(name, args, { cwd, env: environment })),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )

const subjectOf = ({ params }: Message): string | undefined => {
  const thread = params?.["threadId"] ?? (params?.["thread"] as Fields | undefined)?.["id"]
  return typeof thread === "string" ? thread : undefined
}

const wire = (child: ChildProcessWithoutNullStreams): Peer => {
  const pending = new Map<number, Deferred.Deferred<Message, Gone>>()
  const threads = new Map<string, Queue.Queue<Message>>()
  const ended = Deferred.makeUnsafe<void>()
  let stderr = ""
  let nextId = 1

  const about = (threadId: string): Queue.Queue<Message> => {
    const known = threads.get(threadId) ?? Effect.runSync(Queue.unbounded<Message>())
    threads.set(threadId, known)
    return known
  }
  const take = (message: Message): void => {
    if (message.method === undefined) {
      const waiting = pending.get(Number(message.id))
      if (waiting !== undefined) Deferred.doneUnsafe(waiting, Effect.succeed(message))
      return
    }
    const subject = subjectOf(message)
    if (subject !== undefined) Queue.offerUnsafe(about(subject), message)
  }
  child.stderr.on("data", (chunk) => {
    stderr = (stderr + String(chunk)).slice(-4000)
  })
  child.stdin.on("error", () => {})
  createInterface({ input: child.stdout, crlfDelay: Infinity }).on("line", (line) => take(JSON.parse(line) as Message))
  child.on("close", () => {
    for (const waiting of pending.values()) Deferred.doneUnsafe(waiting, Effect.fail(new Gone({ stderr })))
    Deferred.doneUnsafe(ended, Effect.void)
  })
  const send = (message: object) => Effect.sync(() => void child.stdin.write(`${JSON.stringify(message)}\n`))
  return {
    about,
    answer: (id, result) => send({ id, result }),
    request: Effect.fnUntraced(function* (method, params) {
      const id = nextId++
      const answered = Deferred.makeUnsafe<Message, Gone>()
      pending.set(id, answered)
      if (Deferred.isDoneUnsafe(ended)) return yield* new Gone({ stderr })
      yield* send({ id, method, params })
      return yield* Deferred.await(answered)
    }),
    end: Effect.andThen(
      Effect.sync(() => void child.stdin.end()),
      Deferred.await(ended)
    )
  }
}

/** Starts the program, which ends with the scope, and does the handshake. */
export const connect = Effect.fnUntraced(function* (program: Program) {
  const peer = wire(yield* start(program))
  yield* peer.request("initialize", {
    clientInfo: { name: "matrix", version: "1" },
    capabilities: { experimentalApi: true }
  })
  return peer
})
