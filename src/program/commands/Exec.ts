/**
 * `spindle exec`: one turn of the embedded runtime, shown by a reporter.
 *
 * Owns the run: its thread, the turn, the answers to server requests, and that an interruption ends the turn first. Does not
 * own the output (TextReporter, JsonReporter).
 *
 * @module
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { Terminal } from "effect/Terminal"
import type { AppServerOptions } from "../../layers/AppServerOptions.ts"
import * as Server from "../../layers/Server.ts"
import * as InProcessClient from "../../layers/clients/InProcessClient.ts"
import * as Rollouts from "../../layers/stores/Rollouts.ts"
import * as ErrorCode from "../../protocol/jsonrpc/ErrorCode.ts"
import type { ParamsInputOf, ServerRequest } from "../../protocol/Methods.ts"
import type { TurnStatus } from "../../protocol/v2/turn/Turn.ts"
import { AppServerClient, type ClientError } from "../../services/client/AppServerClient.ts"
import type { ClientEvent } from "../../services/client/ClientEvent.ts"
import type { ConfigError } from "../../services/config/Config.ts"
import type { InProcessError } from "../../services/connection/InProcess.ts"
import type { ModelError } from "../../services/model/ModelProvider.ts"
import { Version } from "../../services/config/ServerIdentity.ts"
import { ShowRefusals } from "../../services/tool/ShellSessions.ts"
import { Threads } from "../../services/thread/Threads.ts"
import * as JsonReporter from "../reporters/JsonReporter.ts"
import { isApproval, questionOf } from "../reporters/ApprovalPrompt.ts"
import * as TextReporter from "../reporters/TextReporter.ts"
import type { Reporter } from "../reporters/Reporter.ts"
import * as LastMessage from "./LastMessage.ts"
import { open, type Opened, type ResumeError, type ThreadTask } from "./OpenThread.ts"
import { TerminalConsole } from "../console/Console.ts"

/** The options of a run. */
export interface Task extends ThreadTask {
  readonly prompt: string
  /** Absolute paths. */
  readonly images: ReadonlyArray<string>
  /** Path of the file that the last message is written to; null for none. */
  readonly lastMessageFile: string | null
  /** Absolute folders that are writable in addition to the workspace. */
  readonly addDirs: ReadonlyArray<string>
  /** JSON Schema of the final answer; null for none. */
  readonly outputSchema: Schema.Json
  readonly cyberAccessProgram: "daybreakBlue" | "daybreakRed" | "standard" | null
  /** Print JSON events instead of text. */
  readonly json: boolean
}

type Client = AppServerClient["Service"]

/** The exit codes. */
export const ExitCode = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const

/** Bounds the wait for an unreachable model server: the last attempt is after 35 seconds (5, 15, 35). */
const NetworkPatience = "60 seconds"

/** Time limit for a turn to end after it was interrupted. */
const InterruptDeadline = "3 seconds"

type TurnParams = ParamsInputOf<"turn/start">

/** The additional folders apply only when the sandbox is workspace-write. */
const sandboxOf = (thread: Opened, task: Task): Pick<TurnParams, "sandboxPolicy"> =>
  task.addDirs.length > 0 && thread.sandbox.type === "workspaceWrite"
    ? { sandboxPolicy: { ...thread.sandbox, writableRoots: [...thread.sandbox.writableRoots, ...task.addDirs] } }
    : {}

const turnOf = (thread: Opened, task: Task): TurnParams => ({
  threadId: thread.thread.id,
  input: [{ type: "text", text: task.prompt }, ...task.images.map((path) => ({ type: "localImage" as const, path }))],
  ...sandboxOf(thread, task),
  ...(task.outputSchema === null ? {} : { outputSchema: task.outputSchema }),
  ...(task.cyberAccessProgram === null ? {} : { cyberAccessProgram: task.cyberAccessProgram })
})

/** As in the release. The model reads that the request failed, not that a user declined. */
const nobody = { code: ErrorCode.Unsupported, message: "approval is not supported: there is nobody to ask" }

/**
 * Asks the user for approvals. Any other request is refused, so that the turn continues. A request that the server resolved
 * meanwhile needs no answer.
 */
const answer = Effect.fnUntraced(
  function* (client: Client, reporter: Reporter, request: ServerRequest) {
    const question = questionOf(request)
    if (question === undefined || !isApproval(request)) {
      yield* reporter.remark(`The server requested ${request.method}, which exec does not support.`)
      return yield* client.reject(request, {
        code: ErrorCode.MethodNotFound,
        message: `${request.method} is not supported by exec`
      })
    }
    const decision = yield* reporter.asked(question)
    if (decision === "nobody") yield* client.reject(request, nobody)
    else yield* client.respond(request, { decision })
  },
  Effect.catchTag("RequestNotPending", () => Effect.void)
)

/** Reports the events of a turn until it ends. Returns its status, or null when the connection ended first. */
const follow = (client: Client, reporter: Reporter): Effect.Effect<TurnStatus | null, ClientError> => {
  const handle = (event: ClientEvent): Effect.Effect<TurnStatus | null, ClientError> => {
    switch (event._tag) {
      case "ServerRequest":
        return Effect.andThen(answer(client, reporter, event.request), next)
      case "ServerNotification": {
        const { notification } = event
        const ended = notification.method === "turn/completed" ? notification.params.turn.status : null
        return Effect.andThen(reporter.notified(notification), ended === null ? next : Effect.succeed(ended))
      }
      default:
        return next
    }
  }
  const next: Effect.Effect<TurnStatus | null, ClientError> = Effect.flatMap(
    client.nextEvent,
    Option.match({ onNone: () => Effect.succeed(null), onSome: handle })
  )
  return next
}

/** Interrupts the turn and reports its end, within the deadline. */
const interrupt = Effect.fnUntraced(function* (client: Client, reporter: Reporter, threadId: string) {
  // An empty id means the active turn.
  yield* Effect.all([client.request("turn/interrupt", { threadId, turnId: "" }), follow(client, reporter)], {
    concurrency: "unbounded",
    discard: true
  }).pipe(Effect.timeoutOption(InterruptDeadline), Effect.ignore)
})

/** Fails when the thread's model cannot be used, for example without a key, instead of starting a turn that fails. */
const checkModel = Effect.fnUntraced(function* (threadId: string) {
  const threads = yield* Threads
  yield* threads.find(threadId)?.ready ?? Effect.void
})

const runTurn = Effect.fnUntraced(function* (
  reporter: Reporter,
  task: Task,
  last: LastMessage.LastMessage | undefined
) {
  const client = yield* AppServerClient
  const screen = yield* TerminalConsole
  const thread = yield* open(client, task)
  yield* checkModel(thread.thread.id)
  yield* reporter.opened(thread)
  if (task.addDirs.length > 0 && thread.sandbox.type !== "workspaceWrite") {
    yield* reporter.remark("--add-dir has no effect: it needs --sandbox workspace-write.")
  }
  const watched = last === undefined ? reporter : last.watching(reporter)
  const turn = Effect.andThen(client.request("turn/start", turnOf(thread, task)), follow(client, watched)).pipe(
    Effect.onInterrupt(() => interrupt(client, reporter, thread.thread.id))
  )
  const status = yield* Effect.raceFirst(turn, Effect.as(screen.readerGone, null))
  yield* last?.write(reporter) ?? Effect.void
  return status === "completed" ? ExitCode.success : status === "interrupted" ? ExitCode.interrupted : ExitCode.failure
})

type Problem = ClientError | ConfigError | InProcessError | LastMessage.LastMessageError | ModelError | ResumeError

/** Reports that the run failed. An unusable model is also reported as an event, as it is during a turn. */
const failed = (reporter: Reporter, problem: Problem): Effect.Effect<void> => {
  // For a server error, only its text: the failed method does not help the user.
  if (problem._tag === "ServerError") return reporter.failed(problem.detail)
  if (problem._tag !== "ModelError") return reporter.failed(problem.message)
  const message = problem.details ?? problem.message
  const error = { message, codexErrorInfo: problem.info, additionalDetails: null, misalignment: null }
  const event = { method: "error" as const, params: { error, willRetry: false, threadId: "", turnId: "" } }
  return Effect.andThen(reporter.notified(event), reporter.failed(message))
}

/** The task's own server and its client. Refused commands are items, so that a run shows what did not happen. */
const embedded = (task: Task, server: AppServerOptions) =>
  InProcessClient.layer({
    clientName: "spindle-exec",
    clientVersion: Version,
    experimentalApi: task.cyberAccessProgram !== null,
    ownsServer: true
  }).pipe(
    Layer.provideMerge(
      Server.layer({ sessionSource: "exec", networkPatience: NetworkPatience, store: Rollouts.layer, ...server })
    ),
    Layer.provide(Layer.succeed(ShowRefusals, true))
  )

/** Runs the task on its own server and returns the exit code. */
export const run = (
  task: Task,
  server: AppServerOptions
): Effect.Effect<number, never, FileSystem.FileSystem | Path.Path | TerminalConsole | Terminal> =>
  Effect.gen(function* () {
    const screen = yield* TerminalConsole
    const reporter = task.json ? JsonReporter.make(screen) : yield* TextReporter.make(screen, yield* Terminal)
    const file = task.lastMessageFile
    const last = yield* Effect.result(file === null ? Effect.undefined : LastMessage.make(file))
    const code = Result.isFailure(last)
      ? yield* Effect.as(reporter.failed(last.failure.message), ExitCode.usage)
      : yield* runTurn(reporter, task, last.success).pipe(
          Effect.provide(embedded(task, server)),
          Effect.catch((error) => Effect.as(failed(reporter, error), ExitCode.failure))
        )
    yield* screen.flush
    return code
  }).pipe(Effect.scoped)
